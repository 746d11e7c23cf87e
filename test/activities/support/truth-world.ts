/** A version that serves, predictions that were shipped, and labels: all on real servers, all numbers drawn by a seed. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PerformanceDeps, PerformanceQuestion } from '../../../activities/watch/performance-question.ts';
import { createProfileShapes } from '../../../infra/capture/profile-shapes.ts';
import { subjectOfPrediction } from '../../../infra/capture/subject.ts';
import { createLabels } from '../../../infra/postgres/labels.ts';
import { createPredictionParts } from '../../../infra/postgres/prediction-parts.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { createTallySink } from '../../../infra/postgres/tallies.ts';
import { createTallies } from '../../../infra/postgres/tally-totals.ts';
import { createLogger } from '../../../infra/telemetry/logger.ts';
import { createMetrics } from '../../../infra/telemetry/metrics.ts';
import { startShipper } from '../../../serving/capture/ship.ts';
import { openScratch } from '../../../workers/scratch.ts';
import type { AnsweredRecord } from '../../../workflows/domain/contracts/capture.ts';
import type { ModelVersion } from '../../../workflows/domain/contracts/model-version.ts';
import { type PipelineFile, pipelineSpecSchema } from '../../../workflows/domain/contracts/pipeline-spec/pipeline-spec.ts';
import type { ReferenceClusters, ReferenceProfile } from '../../../workflows/domain/contracts/reference-profile.ts';
import { createRandom } from '../../../workflows/domain/stats/random.ts';
import { emptyCounts } from '../../../workflows/domain/stats/summaries/cell-counts.ts';
import { momentsOf } from '../../../workflows/domain/stats/summaries/moments.ts';
import { createPlacer } from '../../../workflows/domain/stats/summaries/place-value.ts';
import type { Sha256 } from '../../../workflows/domain/units.ts';
import { answered, flights, instant, writeSegment } from '../../infra/capture/records.ts';
import { applyFlights, candidate, openBench } from '../../infra/postgres/bench.ts';
import { testFolder, testStore } from '../../support/servers.ts';
import { day, fileOf, packageOf, referenceOf } from './truth-parts.ts';

export { day, hour, start } from './truth-parts.ts';

/** A prediction with the truth about it; null where no label ever comes. */
export type Row = { readonly record: AnsweredRecord; readonly truth: boolean | null };

/** Scores that are true probabilities; `flip` of the labels are drawn against them. */
export const drawRows = (options: {
  readonly from: number;
  readonly count: number;
  readonly seed: number;
  /** Milliseconds between two events. */
  readonly every: number;
  /** Share of rows whose label has nothing to do with the score. */
  readonly broken?: number;
  readonly change?: Partial<AnsweredRecord>;
}): Row[] => {
  const random = createRandom(options.seed);
  return Array.from({ length: options.count }, (_, n) => {
    const score = random();
    const truth = random() < (random() < (options.broken ?? 0) ? 0.5 : score);
    const at = instant(options.from + n * options.every);
    return {
      record: answered(at, options.seed * 1_000_000 + n, {
        scores: [score],
        prediction: String(score >= 0.5),
        ...options.change,
      }),
      truth,
    };
  });
};

/** A reference whose rows are evidence each of its own, unless it is told how clusters of them differ. */
export type Together = {
  readonly clusters: ReferenceClusters | undefined;
  readonly gate?: PipelineFile['gate'];
};

const profileWith = (profile: ReferenceProfile, together: Together | null): ReferenceProfile => {
  if (together === null || profile.performance === null) return profile;
  const { clusters: _, ...performance } = profile.performance;
  return { ...profile, performance: { ...performance, ...(together.clusters && { clusters: together.clusters }) } };
};

export const openTruthWorld = async (watch: PipelineFile['watch'] = {}, together: Together | null = null) => {
  const bench = await openBench();
  await applyFlights(bench);
  const store = testStore();
  const place = testFolder();
  const spec = pipelineSpecSchema.parse({ ...fileOf(watch), ...(together?.gate && { gate: together.gate }) });
  const profile = profileWith(referenceOf(spec.watch.window), together);
  const profileSha256 = await store.content.putJson(profile);
  const registry = createRegistry(bench.db);
  const register = async (name: string): Promise<ModelVersion> => {
    const modelSha256 = await store.content.putJson(packageOf(name));
    return await registry.register({ ...candidate(name), modelSha256, profileSha256 }, 'ada');
  };
  const version = await register('a');
  const labels = createLabels(bench.db);
  const parts = createPredictionParts(bench.db);
  const deps: PerformanceDeps = {
    content: store.content,
    scratch: openScratch(join(place.folder, 'scratch')),
    limits: { memoryMiB: 256, threads: 2 },
    tallies: createTallies(bench.db),
    predictionParts: parts,
    labels,
  };

  let segments = 0;
  /** As a server does: a closed segment of its log, then to the store. */
  const ship = async (rows: readonly Row[], serverId = 'server-1'): Promise<void> => {
    segments += 1;
    const serverFolder = join(place.folder, 'capture', serverId);
    const records = rows.map(({ record }) => ({
      ...record,
      modelSha256: (record.version === 1 ? version.modelSha256 : record.modelSha256) as Sha256,
    }));
    writeSegment(join(serverFolder, 'epoch-1', `${String(segments).padStart(6, '0')}.ndjson`), records);
    mkdirSync(join(place.folder, 'ship'), { recursive: true });
    const shipping = {
      content: store.content,
      parts,
      log: createLogger('ship', 'silent'),
      metrics: createMetrics(),
      closeMs: 60_000,
    };
    await startShipper(
      { ...shipping, scratch: join(place.folder, 'ship') },
      { serverId, serverFolder, epoch: 'epoch-1' },
    ).close();
  };

  /** The truth about rows, so long after each event. */
  const label = (rows: readonly Row[], afterMs: number) =>
    labels.record(
      flights,
      rows.flatMap(({ record, truth }) =>
        truth === null
          ? []
          : [{ subject: subjectOfPrediction(record.id), label: truth, at: instant(Date.parse(record.eventAt) + afterMs) }],
      ),
    );

  /** What a server counts of the scores of a day. */
  const tell = async (scores: readonly number[], from: number): Promise<void> => {
    const [score] = profile.scores;
    if (score === undefined) throw new Error('the profile has no score');
    const place = createPlacer(score.layout);
    const counts = emptyCounts(score.layout);
    for (const value of scores) (counts.cells[place(value) as number] as number) += 1;
    const counted = { counts, outside: 0, moments: momentsOf(scores) };
    const window = {
      from: instant(from),
      to: instant(from + day),
      rows: scores.length,
      features: [],
      scores: [counted],
      predictions: null,
    };
    const life = { serverId: 'server-1', arm: 'champion', modelSha256: version.modelSha256, profileSha256, epoch: `e${from}` };
    const sink = createTallySink(bench.db, createProfileShapes(store.content));
    const told = await sink.recordWindows(flights, { format: 1, ...life, sequence: 1, windows: [window] });
    if (told.kind === 'refused') throw new Error(told.statement);
  };

  const question = (dataTime: number, change: Partial<PerformanceQuestion> = {}): PerformanceQuestion => ({
    version,
    spec,
    dataTime: instant(dataTime),
    maturedUntil: null,
    estimatedUntil: null,
    labelsSince: null,
    quarantined: [],
    ...change,
  });

  const close = async (): Promise<void> => {
    await bench.end();
    store.close();
    place.close();
  };
  return {
    bench,
    store,
    place,
    spec,
    profile,
    profileSha256,
    version,
    registry,
    register,
    labels,
    parts,
    deps,
    ship,
    label,
    tell,
    question,
    close,
  };
};
export type TruthWorld = Awaited<ReturnType<typeof openTruthWorld>>;
