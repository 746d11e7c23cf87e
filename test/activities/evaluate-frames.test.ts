/** Evaluation on frames that the real steps made: a champion with features of its own on a newer definition's hold-out. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EvaluationReport } from '#domain/contracts/evaluation-report.ts';
import type { FeatureFrame } from '#domain/contracts/feature-set.ts';
import type { PipelineFile } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import type { PipelineName, RunKey, Sha256 } from '#domain/units.ts';
import { createEvaluate } from '../../activities/evaluate.ts';
import { createBuildFeatures } from '../../activities/features.ts';
import { createRegister } from '../../activities/register.ts';
import { sha256Of } from '../../infra/objects/digest.ts';
import { createDeployments } from '../../infra/postgres/deployments.ts';
import { createRegistry } from '../../infra/postgres/registry.ts';
import { createRuns } from '../../infra/postgres/runs.ts';
import { bytesOf, logisticModel } from '../infra/onnx/tiny-models.ts';
import { flightsData } from '../support/flights-data.ts';
import { type DataWorld, openDataWorld } from './support/data-world.ts';

const pipeline = 'flights' as PipelineName;
let world: DataWorld;
let source: string;

/** 40 days, two flights every half hour, some distances unknown. */
const csv = (): string => {
  const start = Date.parse('2001-01-01T00:00:00Z');
  const rows = Array.from({ length: 3840 }, (_, index) => {
    const at = new Date(start + Math.floor(index / 2) * 1_800_000).toISOString().slice(0, 19).replace('T', ' ');
    const distance = index % 17 === 0 ? '' : 100 + ((index * 31) % 900);
    return `${at},${(index * 7919) % 61},${distance},A${(index * 13) % 5},B${(index * 7) % 3},${index % 4 === 0}`;
  });
  return `date,delay,distance,origin,destination,charter\n${rows.join('\n')}\n`;
};

beforeAll(async () => {
  world = await openDataWorld();
  source = world.write('flights.csv', csv());
});
afterAll(() => world.close());

const fileWith = (features: PipelineFile['features']): PipelineFile => ({
  name: pipeline,
  data: flightsData(source, 'delay > 45', { charter: { type: 'boolean' } }),
  features,
  training: { holdout: '7d' },
  gate: { slices: [{ by: 'destination', top: 2 }] },
});

/** Every kind of raw value: an instant, a number that may be missing, texts, a truth, a cross, views of one and two columns. */
const championFeatures = {
  views: {
    origin_7d: { entity: 'origin', window: '7d', values: { late_rate: 'avg(late)', flights: 'count(*)' } },
    route_20d: { entity: ['origin', 'destination'], window: '20d', values: { late_rate: 'avg(late)' } },
  },
  inputs: {
    hour: { from: 'date', part: 'hour' as const },
    distance: { impute: 'median', scale: 'standard' as const },
    origin: { encode: 'target' as const },
    destination: { encode: 'one-hot' as const },
    charter: {},
    route: { cross: ['origin', 'destination'], encode: 'ordinal' as const },
    'origin_7d.late_rate': { impute: 0.2 },
    'origin_7d.flights': {},
    'route_20d.late_rate': { impute: 'origin_7d.late_rate' },
  },
};
/** One view under the same name means something else, the other is gone, and so are most inputs. */
const candidateFeatures = {
  views: { origin_7d: { entity: 'origin', window: '3d', values: { late_rate: 'avg(late)', flights: 'count(*)' } } },
  inputs: { hour: { from: 'date', part: 'hour' as const }, 'origin_7d.late_rate': { impute: 0.2 } },
};

const openSteps = () => {
  const deps = { ...world.deps, deployments: createDeployments(world.db), registry: createRegistry(world.db) };
  return { deps, features: createBuildFeatures(deps), evaluate: createEvaluate(deps), register: createRegister(deps) };
};

const evaluateWith = async (runKey: string, features: PipelineFile['features']) => {
  const steps = openSteps();
  const { input, frozen } = await world.snapshot(fileWith(features));
  const run = { pipeline, runKey: runKey as RunKey, definitionSha256: input.definitionSha256 };
  const request = { ...run, format: 1 as const, codeVersion: 'c', listingSha256: input.listingSha256, cutoff: null };
  await createRuns(world.db).begin({ ...request, trigger: { kind: 'command', by: 'ada', reason: 'test' } }, `id ${runKey}`);
  const { frameSha256 } = await steps.features({ ...run, snapshotSha256: frozen.snapshotSha256 });
  const frame = await world.json<FeatureFrame>(frameSha256);
  const bytes = bytesOf(
    logisticModel(
      frame.columns.map((_, index) => 0.05 * (index + 1)),
      -1,
    ),
  );
  const trainingResultSha256: Sha256 = await world.deps.content.putJson({
    format: 1,
    trainingKey: sha256Of(runKey),
    trainer: 'reference',
    onnxSha256: await world.deps.content.putBytes(bytes),
    onnxBytes: bytes.length,
    metrics: {},
    parity: { rows: [], answers: [] },
    environment: {},
    durationMs: 1,
  });
  const evaluated = { ...run, frameSha256, trainingResultSha256 };
  const summary = await steps.evaluate(evaluated);
  return { steps, frame, summary, run: { ...evaluated, snapshotSha256: frozen.snapshotSha256 } };
};

describe('evaluateCandidate on frames of the features step', () => {
  test('scores a champion through its own features exactly as it was scored when it was the candidate', async () => {
    const { steps, frame, summary, run } = await evaluateWith('00000000000000aa', championFeatures);
    expect(frame.columns.length).toBeGreaterThan(9);
    const references = { evaluationSha256: summary.reportSha256, modelSha256: summary.modelSha256 };
    const { version } = await steps.register({ ...run, ...references, codeVersion: 'c' });
    const promotion = {
      pipeline,
      kind: 'promote' as const,
      version,
      expectedGeneration: 0,
      operationKey: 'a',
      actor: 'ada',
      reason: 'test',
    };
    await steps.deps.deployments.promote(promotion);

    const next = await evaluateWith('00000000000000bb', candidateFeatures);
    expect(next.frame.holdout.rows).toBe(frame.holdout.rows);
    expect(next.summary.championVersion).toBe(version);
    const report = await world.json<EvaluationReport>(next.summary.reportSha256);
    expect(report.comparisons.map(({ clusters }) => clusters?.by)).toEqual(['day', 'day', 'day']);
    expect(report.holdoutUse).toMatchObject({ holdout: 'rows up to 2001-02-08', number: 1, confidence: 0.95 });
    expect(report.champion?.metrics).toEqual(summary.metrics);
    expect(next.summary.metrics).not.toEqual(summary.metrics);
  });
});
