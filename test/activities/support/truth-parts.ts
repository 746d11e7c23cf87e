/** A version with a reference whose scores are true probabilities: what the tests and the bench of labels have in common. */
import { sha256Of } from '../../../infra/objects/digest.ts';
import { profileNumbersInMemory } from '../../../infra/profile/profile-values.ts';
import type { ModelPackage } from '../../../workflows/domain/contracts/model-version.ts';
import type { PipelineFile } from '../../../workflows/domain/contracts/pipeline-spec/pipeline-spec.ts';
import { type ReferenceProfile, referenceProfileSchema } from '../../../workflows/domain/contracts/reference-profile.ts';
import { measureReference } from '../../../workflows/domain/stats/performance/reference-performance.ts';
import { createRandom } from '../../../workflows/domain/stats/random.ts';
import { finish } from '../../../workflows/domain/stats/steps.ts';
import type { PipelineName } from '../../../workflows/domain/units.ts';

export const hour = 3_600_000;
export const day = 24 * hour;
export const start = Date.parse('2001-03-01T00:00:00.000Z');
const pipeline = 'flights' as PipelineName;
const instant = (ms: number): string => new Date(ms).toISOString();

/** Measuring a reference takes a second or two, and each test wants the same. */
const measured = new Map<number, ReferenceProfile>();

export const referenceOf = (windowMs: number): ReferenceProfile => {
  const known = measured.get(windowMs) ?? measure(windowMs);
  measured.set(windowMs, known);
  return known;
};

const measure = (windowMs: number): ReferenceProfile => {
  const random = createRandom(7);
  const answers = Float64Array.from({ length: 20_000 }, () => random());
  const labels = Float64Array.from(answers, (score) => (random() < score ? 1 : 0));
  const scored = { task: 'binary' as const, classes: 2, labels, answers };
  return referenceProfileSchema.parse({
    format: 1,
    pipeline,
    snapshotSha256: sha256Of('snapshot'),
    featureSetSha256: sha256Of('features a'),
    onnxSha256: sha256Of('onnx a'),
    rows: 20_000,
    eventTime: { first: instant(start - 30 * day), last: instant(start) },
    season: { slot: 'none', slots: 1, windowMs, windowsBySlot: [30] },
    features: [],
    scores: [profileNumbersInMemory('score', answers, null)],
    predictions: null,
    performance: finish(measureReference(scored, 1)),
  });
};

export const packageOf = (name: string): ModelPackage => ({
  format: 1,
  pipeline,
  task: 'binary',
  classes: ['false', 'true'],
  positiveClass: 'true',
  threshold: 0.5,
  onnx: {
    sha256: sha256Of(`onnx ${name}`),
    bytes: 1,
    inputs: [{ name: 'features', type: 'float32', shape: ['n', 2] }],
    output: { name: 'probability', type: 'float32', shape: ['n', 1] },
  },
  featureSetSha256: sha256Of(`features ${name}`),
  golden: [],
});

export const fileOf = (watch: PipelineFile['watch']): PipelineFile => ({
  name: 'flights',
  data: { source: 'flights.parquet', event_time: 'at', label: { name: 'late', known_after: '1d' } },
  // 1,440 rows a day know the area under the curve to 0.01.
  watch: { window: '1d', performance: { drop: 0.1 }, ...watch },
});
