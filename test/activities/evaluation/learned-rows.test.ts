/** A champion that was trained with another split, on frames of the real steps: it is judged on rows that it never saw. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EvaluationReport } from '#domain/contracts/evaluation-report.ts';
import type { FeatureFrame } from '#domain/contracts/feature-set.ts';
import type { PipelineFile } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import type { PipelineName, RunKey, Sha256 } from '#domain/units.ts';
import { createEvaluate } from '../../../activities/evaluate.ts';
import { createBuildFeatures } from '../../../activities/features.ts';
import { createRegister } from '../../../activities/register.ts';
import { openNpyRows } from '../../../infra/features/npy-rows.ts';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { openSession } from '../../../infra/onnx/session.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { createRuns } from '../../../infra/postgres/runs.ts';
import { bytesOf, logisticModel } from '../../infra/onnx/tiny-models.ts';
import { type DataWorld, openDataWorld } from '../support/data-world.ts';

const pipeline = 'pumps' as PipelineName;
let world: DataWorld;
let source: string;

/** Two readings an hour for as many days; whether one fails follows x with some chance. */
const csv = (days: number): string => {
  const start = Date.parse('2001-01-01T00:00:00Z');
  const rows = Array.from({ length: days * 48 }, (_, id) => {
    const at = new Date(start + id * 1_800_000).toISOString().slice(0, 19).replace('T', ' ');
    const x = ((id * 7919) % 1009) / 1009;
    return `${id},${at},${x},${x + ((id * 31) % 97) / 97 > 1}`;
  });
  return `id,at,x,failed\n${rows.join('\n')}\n`;
};

beforeEach(async () => {
  world = await openDataWorld();
  source = world.write('pumps.csv', csv(30));
});
afterEach(() => world.close());

type Holdout = NonNullable<PipelineFile['training']>['holdout'];
const fileWith = (by: 'time' | 'chance', holdout?: Holdout): PipelineFile => ({
  name: pipeline,
  data: {
    source,
    label: 'failed',
    ...(by === 'time' && { event_time: 'at' }),
    columns: {
      id: { type: 'integer', role: 'ignore' },
      at: { type: 'timestamp' },
      x: { type: 'number' },
      failed: { type: 'boolean' },
    },
  },
  features: { inputs: { x: {} } },
  training: holdout === undefined ? {} : { holdout },
  gate: { slices: [{ by: 'failed' }] },
});

const stepsOf = () => {
  const deps = { ...world.deps, deployments: createDeployments(world.db), registry: createRegistry(world.db) };
  return { deps, features: createBuildFeatures(deps), evaluate: createEvaluate(deps), register: createRegister(deps) };
};

/** What the trainer would say that its model answers for the first training row. */
const parityOf = async (bytes: Uint8Array, frame: FeatureFrame) => {
  const matrix = await openNpyRows(await world.deps.content.localFile(frame.train.features));
  const session = await openSession(bytes);
  const answers = [[...(await session.run(await matrix.read(0, 1), 1))]];
  await Promise.all([session.release(), matrix.close()]);
  return { rows: [0], answers };
};

/** All steps of one run up to the verdict; `weight` makes it another model. */
const evaluateWith = async (runKey: string, file: PipelineFile, weight: number) => {
  const { features, evaluate } = stepsOf();
  const { input, frozen } = await world.snapshot(file);
  const run = { pipeline, runKey: runKey as RunKey, definitionSha256: input.definitionSha256 };
  const request = { ...run, format: 1 as const, codeVersion: 'c', listingSha256: input.listingSha256, cutoff: null };
  await createRuns(world.db).begin({ ...request, trigger: { kind: 'command', by: 'ada', reason: 'test' } }, `id ${runKey}`);
  const { frameSha256 } = await features({ ...run, snapshotSha256: frozen.snapshotSha256 });
  const frame = await world.json<FeatureFrame>(frameSha256);
  const bytes = bytesOf(logisticModel([weight], -1));
  const result = { trainingKey: sha256Of(runKey), onnxSha256: await world.deps.content.putBytes(bytes), onnxBytes: bytes.length };
  const trainingResultSha256: Sha256 = await world.deps.content.putJson({
    format: 1,
    trainer: 'reference',
    ...result,
    metrics: {},
    parity: await parityOf(bytes, frame),
    environment: {},
    durationMs: 1,
  });
  const evaluated = { ...run, frameSha256, trainingResultSha256 };
  const summary = await evaluate(evaluated);
  const report = await world.json<EvaluationReport>(summary.reportSha256);
  return { frame, summary, report, evaluated: { ...evaluated, snapshotSha256: frozen.snapshotSha256 } };
};

/** Version 1 of that file serves; the frame that it was trained on. */
const makeChampion = async (file: PipelineFile): Promise<FeatureFrame> => {
  const { frame, summary, evaluated } = await evaluateWith('00000000000000aa', file, 2);
  const { deps, register } = stepsOf();
  const references = { evaluationSha256: summary.reportSha256, modelSha256: summary.modelSha256 };
  const { version } = await register({ ...evaluated, ...references, codeVersion: 'c' });
  const operation = { operationKey: 'a', actor: 'ada', reason: 'test' };
  await deps.deployments.promote({ pipeline, kind: 'promote', version, expectedGeneration: 0, ...operation });
  return frame;
};

const idsHeldOut = async ({ holdout }: FeatureFrame): Promise<Set<number>> =>
  new Set((await world.rows<{ id: bigint | number }>([holdout.raw])).map(({ id }) => Number(id)));

/** Rows that both held out, counted by their ids: what neither can have learned from. */
const heldOutByBoth = async (one: FeatureFrame, other: FeatureFrame): Promise<number> => {
  const [before, now] = [await idsHeldOut(one), await idsHeldOut(other)];
  return [...now].filter((id) => before.has(id)).length;
};

const challenger = '00000000000000bb';

const expectRestricted = async (before: FeatureFrame, next: Awaited<ReturnType<typeof evaluateWith>>, learnedFrom: string) => {
  const { frame, report, summary } = next;
  const unlearned = await heldOutByBoth(before, frame);
  const learned = frame.holdout.rows - unlearned;
  expect(unlearned).toBeGreaterThan(30);
  expect(learned).toBeGreaterThan(30);
  expect(report.championRows).toEqual({ kind: 'known', unlearned, learned, learnedFrom });
  expect(report.rows).toBe(frame.holdout.rows);
  expect(report.comparisons[0]).toMatchObject({ slice: null, rows: unlearned });
  expect(report.comparisons.slice(1).reduce((sum, { rows }) => sum + rows, 0)).toBe(unlearned);
  expect(summary.verdict.reason).toContain(
    `(version 1 learned from ${learned} of the ${frame.holdout.rows} rows of this hold-out (${learnedFrom}): compared on the other ${unlearned})`,
  );
};

test('trained with a split by chance, held out by time: only rows that chance held out are compared', async () => {
  const before = await makeChampion(fileWith('chance'));
  await expectRestricted(
    before,
    await evaluateWith(challenger, fileWith('time', '20d'), 1.9),
    '80% of all rows, chosen by chance',
  );
});

test('trained with a split by time, held out by chance: only rows after its training are compared', async () => {
  const before = await makeChampion(fileWith('time', '10d'));
  const next = await evaluateWith(challenger, fileWith('chance', '40%'), 1.9);
  await expectRestricted(before, next, `rows before ${before.split.holdoutFrom}`);
});

test('a longer hold-out begins before the end of the training of the champion, which is not compared on what it knows', async () => {
  const before = await makeChampion(fileWith('time'));
  const next = await evaluateWith(challenger, fileWith('time', '25d'), 1.9);
  await expectRestricted(before, next, `rows before ${before.split.holdoutFrom}`);
});

test('a larger share by chance holds out rows that the champion learned from', async () => {
  const before = await makeChampion(fileWith('chance'));
  const next = await evaluateWith(challenger, fileWith('chance', '50%'), 1.9);
  await expectRestricted(before, next, '80% of all rows, chosen by chance');
});

test.each(['time', 'chance'] as const)(
  'the same split by %s on newer data compares all rows and says nothing of it',
  async (by) => {
    await makeChampion(fileWith(by));
    world.write('pumps.csv', csv(40));
    const { report, frame, summary } = await evaluateWith(challenger, fileWith(by), 1.9);
    expect(report.championRows).toMatchObject({ kind: 'known', learned: 0, unlearned: frame.holdout.rows });
    expect(report.comparisons[0]?.rows).toBe(frame.holdout.rows);
    expect(summary.verdict.reason).not.toContain('learned');
  },
);

test('too few rows that are new to the champion decide nothing, with the numbers and the way out', async () => {
  await makeChampion(fileWith('chance'));
  const { summary, frame, report } = await evaluateWith(challenger, fileWith('time', '2d'), 1.9);
  const rows = report.championRows as Extract<EvaluationReport['championRows'], { kind: 'known' }>;
  expect(rows.unlearned).toBeLessThan(30);
  expect(summary.verdict.outcome).toBe('inconclusive');
  expect(summary.verdict.reason).toContain(
    `cannot compare: version 1 learned from ${rows.learned} of the ${frame.holdout.rows} rows of this hold-out (80% of all rows, chosen by chance); roc_auc on all rows: rows ${rows.unlearned} >= 30 does not hold; bring rows that it did not learn from`,
  );
});

test('a champion whose training nobody can look up decides nothing, and it is not scored in vain', async () => {
  await makeChampion(fileWith('chance'));
  await world.db.deleteFrom('evaluations').execute();
  const { summary, report } = await evaluateWith(challenger, fileWith('chance'), 1.9);
  expect(report).toMatchObject({ championRows: { kind: 'unknown' }, comparisons: [] });
  expect(summary.verdict.outcome).toBe('inconclusive');
  expect(summary.verdict.reason).toContain(
    'cannot compare: whether version 1 learned from rows of this hold-out cannot be told, as the record of its training is gone',
  );
});
