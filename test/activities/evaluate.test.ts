import { afterEach, describe, expect, test } from 'vitest';
import { createEvaluate } from '../../activities/evaluate.ts';
import { createRegister } from '../../activities/register.ts';
import { checkGolden, parseModelPackage } from '../../infra/onnx/package.ts';
import { openSession } from '../../infra/onnx/session.ts';
import { type EvaluationReport, evaluationReportSchema } from '../../workflows/domain/contracts/evaluation-report.ts';
import type { FeatureSet } from '../../workflows/domain/contracts/feature-set.ts';
import type { Sha256 } from '../../workflows/domain/units.ts';
import { linearModel, logisticModel } from '../infra/onnx/tiny-models.ts';
import {
  featuresOf,
  makeRows,
  openWorld,
  pipeline,
  type Row,
  snapshotSha256,
  storeFrame,
  storeResult,
  type World,
} from './support/evaluation-world.ts';

let world: World;
afterEach(() => world.close());

const holdout = makeRows(2000, 5);
const xOnly = featuresOf('x');
const reportOf = async (sha256: Sha256): Promise<EvaluationReport> =>
  evaluationReportSchema.parse(await world.content.getJson(sha256));

type Model = Parameters<typeof storeResult>[1];
const evaluate = async (runKey: string, onnx: Model, featureSet: FeatureSet, rows: readonly Row[] = holdout, off = 0) => {
  const run = await world.begin(runKey);
  const task = onnx.graph.name === 'linear' ? 'regression' : 'binary';
  const frameSha256 = await storeFrame(world, { featureSet, holdout: rows, task });
  const trainingResultSha256 = await storeResult(world, onnx, featureSet, off);
  const input = { ...run, frameSha256, trainingResultSha256 };
  return { input, summary: await createEvaluate(world.deps)(input) };
};

/** Evaluates, registers and promotes, so that the next candidate meets a champion. */
const makeChampion = async (onnx: Model, featureSet: FeatureSet, rows: readonly Row[] = holdout): Promise<void> => {
  const { input, summary } = await evaluate('00000000000000aa', onnx, featureSet, rows);
  const { version } = await createRegister(world.deps)({
    ...input,
    codeVersion: 'c0ffee',
    snapshotSha256,
    evaluationSha256: summary.reportSha256,
    modelSha256: summary.modelSha256,
  });
  await world.deployments.promote({
    pipeline,
    kind: 'promote',
    version,
    expectedGeneration: summary.championGeneration,
    operationKey: 'first',
    actor: 'ada',
    reason: 'test',
  });
};

const runKey = '00000000000000bb';

describe('evaluateCandidate without a champion', () => {
  test('measures, packs and passes a model within its limits', async () => {
    world = await openWorld({ minimum: { roc_auc: 0.7 } });
    const { summary } = await evaluate(runKey, logisticModel([2]), xOnly);
    expect(summary).toMatchObject({ championVersion: null, championGeneration: 0, verdict: { outcome: 'pass' } });
    expect(summary.verdict.reason).toMatch(
      /^no champion serves yet, so there is nothing to compare with; roc_auc 0\.9\d+ >= 0\.7$/,
    );
    const report = await reportOf(summary.reportSha256);
    expect(report).toMatchObject({ rows: 2000, primaryMetric: 'roc_auc', champion: null, comparisons: [], holdoutUse: null });
    expect(report.calibration?.candidate.expectedError).toBeLessThan(0.05);
    expect(report.calibration?.champion).toBeNull();
    expect(Object.keys(report.candidate).sort()).toEqual([
      'accuracy',
      'brier',
      'f1',
      'log_loss',
      'pr_auc',
      'precision',
      'recall',
      'roc_auc',
    ]);
    expect(report.parity).toMatchObject({ rows: 3, largestDifference: 0, holds: true });
    expect(report.latencyMsPerRow).toBeGreaterThan(0);
    const modelPackage = parseModelPackage(await world.content.getJson(summary.modelSha256));
    expect(modelPackage.golden).toHaveLength(16);
    const session = await openSession(await world.content.getBytes(modelPackage.onnx.sha256));
    await checkGolden(session, modelPackage);
    await session.release();
  });

  test('is the same the second time, and records one decision', async () => {
    world = await openWorld();
    const { input, summary } = await evaluate(runKey, logisticModel([2]), xOnly);
    expect(await createEvaluate(world.deps)(input)).toEqual(summary);
    expect(await world.registry.evaluations(input.runKey)).toMatchObject([{ sha256: summary.reportSha256, verdict: 'pass' }]);
  });

  test('two attempts at once leave one result', async () => {
    world = await openWorld();
    const run = await world.begin(runKey);
    const frameSha256 = await storeFrame(world, { featureSet: xOnly, holdout });
    const input = { ...run, frameSha256, trainingResultSha256: await storeResult(world, logisticModel([2]), xOnly) };
    const [one, other] = await Promise.all([createEvaluate(world.deps)(input), createEvaluate(world.deps)(input)]);
    expect(one).toEqual(other);
    expect(await world.registry.evaluations(input.runKey)).toHaveLength(1);
  });

  test('fails a model that the trainer answers otherwise, naming row and output', async () => {
    world = await openWorld();
    const { summary } = await evaluate(runKey, logisticModel([2]), xOnly, holdout, 0.01);
    expect(summary.verdict.outcome).toBe('fail');
    expect(summary.verdict.reason).toMatch(/0\.0\d+ <= 0\.0001 does not hold \(row \d+, output 0/);
  });

  test('measures regression by its own metrics', async () => {
    world = await openWorld({ maximum: { rmse: 1 } });
    const { summary } = await evaluate(runKey, linearModel([3], 0.5), xOnly, makeRows(500, 5, 'regression'));
    expect(Object.keys(summary.metrics).sort()).toEqual(['mae', 'median_absolute_error', 'r2', 'rmse']);
    expect(summary.verdict.outcome).toBe('pass');
    expect(summary.metrics.rmse).toBeCloseTo(Math.sqrt(1 / 12), 1);
  });

  test('refuses answers that are no probabilities', async () => {
    world = await openWorld();
    const run = await world.begin(runKey);
    const frameSha256 = await storeFrame(world, { featureSet: xOnly, holdout });
    const trainingResultSha256 = await storeResult(world, linearModel([5]), xOnly);
    await expect(createEvaluate(world.deps)({ ...run, frameSha256, trainingResultSha256 })).rejects.toThrow(
      /must be a probability: row \d+, output 0/,
    );
    expect(await world.registry.evaluations(run.runKey)).toEqual([]);
  });

  test('refuses a model of another width, in the admission process', async () => {
    world = await openWorld();
    const run = await world.begin(runKey);
    const frameSha256 = await storeFrame(world, { featureSet: featuresOf('x', 'noise'), holdout });
    const trainingResultSha256 = await storeResult(world, logisticModel([1]), xOnly);
    await expect(createEvaluate(world.deps)({ ...run, frameSha256, trainingResultSha256 })).rejects.toMatchObject({
      code: 'PRN_MODEL_REFUSED',
      message: 'Cannot admit model as it must take 2 features: it takes 1',
    });
  });

  test('refuses a metric that does not fit the label', async () => {
    world = await openWorld({ metric: 'rmse' });
    await expect(evaluate(runKey, logisticModel([2]), xOnly)).rejects.toThrow('Cannot compare models by "rmse"');
  });
});

describe('evaluateCandidate against a champion', () => {
  test('passes an equal model: it is not worse', async () => {
    world = await openWorld({ champion: { margin: 0.01 } });
    await makeChampion(logisticModel([1.9]), xOnly);
    const { summary } = await evaluate(runKey, logisticModel([2]), xOnly);
    expect(summary).toMatchObject({ championVersion: 1, championGeneration: 1, verdict: { outcome: 'pass' } });
    expect(summary.verdict.reason).toContain('gain 0, lower 96.96% bound 0 > -0.01 on 2000 rows');
  });

  test('grants a share of an error in the unit of the label, and says of what', async () => {
    world = await openWorld({ slices: [{ by: 'origin', top: 1 }] });
    const prices = makeRows(600, 5, 'regression').map((row) => ({ ...row, label: 10_000 * row.label }));
    await makeChampion(linearModel([30_000], 5000), xOnly, prices);
    const { summary } = await evaluate(runKey, linearModel([30_010], 5000), xOnly, prices);
    const { comparisons } = await reportOf(summary.reportSha256);
    const [all, slice] = comparisons;
    expect(all?.champion).toBeGreaterThan(2500);
    expect(all?.margin).toBeCloseTo(0.02 * (all?.champion ?? 0), 1);
    expect(slice?.margin).toBeCloseTo(0.04 * (slice?.champion ?? 0), 1);
    expect(summary.verdict).toMatchObject({ outcome: 'pass' });
    expect(summary.verdict.reason).toMatch(
      /^rmse .* bound -?[\d.]+ > -5\d\.\d+ \(2% of 2\d{3}[.\d]*\) on 600 rows.*>= -\d+\.?\d* \(4% of/,
    );
  });

  test('fails a spoiled model, with the bound that shows it', async () => {
    world = await openWorld();
    await makeChampion(logisticModel([2]), xOnly);
    const { summary } = await evaluate(runKey, logisticModel([0.5, 3]), featuresOf('x', 'noise'));
    expect(summary.verdict.outcome).toBe('fail');
    expect(summary.verdict.reason).toMatch(/upper 96\.96% bound -0\.\d+ < -0\.005 on 2000 rows/);
  });

  test('scores a champion by its own features, from the rows as they came', async () => {
    world = await openWorld({ champion: { margin: 0.01 } });
    await makeChampion(logisticModel([0, 2]), featuresOf('noise', 'x'));
    const { summary } = await evaluate(runKey, logisticModel([2]), xOnly);
    const report = await reportOf(summary.reportSha256);
    // The champion has the same answers by another feature set: any slip in its columns would show here.
    expect(report.champion?.metrics.roc_auc).toBe(report.candidate.roc_auc);
    expect(report.champion?.metrics.log_loss).toBe(report.candidate.log_loss);
  });

  test('is inconclusive on too few rows, and says how many are missing', async () => {
    world = await openWorld();
    await makeChampion(logisticModel([1, 1]), featuresOf('x', 'noise'));
    const { summary } = await evaluate(runKey, logisticModel([1, -1]), featuresOf('x', 'noise'), makeRows(80, 9));
    expect(summary.verdict.outcome).toBe('inconclusive');
    expect(summary.verdict.reason).toMatch(/about \d+ more rows would decide it/);
  });

  test('compares slices, and fails where one is harmed', async () => {
    world = await openWorld({ slices: [{ by: 'origin', top: 2, margin: 0.02 }] });
    await makeChampion(logisticModel([2]), xOnly);
    const { summary } = await evaluate(runKey, logisticModel([2, 4]), featuresOf('x', 'noise'));
    const report = await reportOf(summary.reportSha256);
    expect(report.slices).toHaveLength(2);
    expect(report.comparisons.map(({ slice }) => slice?.by ?? null)).toEqual([null, 'origin', 'origin']);
    const counted = holdout.filter(({ origin }) => origin === report.slices[0]?.value).length;
    expect(report.slices[0]?.rows).toBe(counted);
    expect(summary.verdict.reason).toContain('roc_auc on origin=');
  });

  test('counts candidates on a hold-out: attempts and runs with the same one are one use', async () => {
    world = await openWorld({ champion: { margin: 0.01 } });
    await makeChampion(logisticModel([1.9]), xOnly);
    const first = await evaluate(runKey, logisticModel([2]), xOnly);
    expect(await createEvaluate(world.deps)(first.input)).toEqual(first.summary);
    const again = { ...first.input, ...(await world.begin('00000000000000cc')) };
    expect((await createEvaluate(world.deps)(again)).reportSha256).toBe(first.summary.reportSha256);
    expect((await reportOf(first.summary.reportSha256)).holdoutUse).toMatchObject({ holdout: 'kept rows', number: 1 });

    const second = await evaluate('00000000000000dd', logisticModel([2.1]), xOnly);
    const { holdoutUse, comparisons } = await reportOf(second.summary.reportSha256);
    expect(holdoutUse?.number).toBe(2);
    expect(holdoutUse?.confidence).toBeCloseTo(0.9924, 4);
    expect(comparisons[0]?.evidence[0]).toMatchObject({ kind: 'interval', confidence: holdoutUse?.confidence });
    expect(second.summary.verdict.reason).toContain('(candidate 2 on this hold-out, kept rows, so it must be 99.24% sure)');
    expect((await createEvaluate(world.deps)(first.input)).reportSha256).toBe(first.summary.reportSha256);
  });

  test('two candidates at once have two numbers', async () => {
    world = await openWorld({ champion: { margin: 0.01 } });
    await makeChampion(logisticModel([1.9]), xOnly);
    const both = await Promise.all([
      evaluate(runKey, logisticModel([2]), xOnly),
      evaluate('00000000000000cc', logisticModel([2.1]), xOnly),
    ]);
    const reports = await Promise.all(both.map(({ summary }) => reportOf(summary.reportSha256)));
    expect(reports.map(({ holdoutUse }) => holdoutUse?.number ?? 0).sort((left, right) => left - right)).toEqual([1, 2]);
  });

  test('counts rows of one cluster as one piece of evidence where the gate asks for it', async () => {
    world = await openWorld({ champion: { margin: 0.05 }, cluster: ['day'] });
    await makeChampion(logisticModel([2]), xOnly);
    const { summary } = await evaluate(runKey, logisticModel([2, 0.1]), featuresOf('x', 'noise'));
    const [comparison] = (await reportOf(summary.reportSha256)).comparisons;
    expect(comparison?.clusters).toMatchObject({ by: 'day', count: 7 });
    expect(comparison?.evidence[0]).toMatchObject({ method: 'DeLong after Obuchowski, paired, clusters by day' });
    expect(summary.verdict.reason).toContain('on 2000 rows in 7 days');
  });

  test('three clusters decide nothing, and it says why', async () => {
    world = await openWorld({ cluster: ['origin'] });
    await makeChampion(logisticModel([2]), xOnly);
    const { summary } = await evaluate(runKey, logisticModel([2.1]), xOnly);
    expect(summary.verdict.outcome).toBe('inconclusive');
    expect(summary.verdict.reason).toContain('clusters by origin 3 >= 5 does not hold');
  });

  test('refuses clusters that the data do not have, from the first champion on', async () => {
    world = await openWorld({ cluster: ['gone'] });
    await expect(evaluate(runKey, logisticModel([2.1]), xOnly)).rejects.toThrow('"gone" must be a column of the data: it is not');
  });

  test('compares how alike groups are treated, and fails where it is less than before', async () => {
    world = await openWorld({ champion: { margin: 0.2 }, fairness: [{ by: 'origin' }] });
    await makeChampion(logisticModel([2]), xOnly);
    const { summary } = await evaluate(runKey, logisticModel([2, 0.5]), featuresOf('x', 'noise'));
    const [fairness] = (await reportOf(summary.reportSha256)).fairness;
    expect(fairness?.groups.map(({ value }) => value).sort()).toEqual(['ATL', 'ORD', 'SFO']);
    expect(fairness?.groups.every(({ isGated }) => isGated)).toBe(true);
    expect(fairness?.measures.map(({ measure }) => measure)).toEqual(['equal opportunity difference', 'selection rate ratio']);
    expect(summary.verdict.inequalities.map(({ what }) => what)).toContain('selection rate ratio by origin, reported only');
  });

  test('refuses fairness of what has no classes', async () => {
    world = await openWorld({ fairness: [{ by: 'origin' }] });
    await expect(evaluate(runKey, linearModel([3], 0.5), xOnly, makeRows(500, 5, 'regression'))).rejects.toThrow(
      'Cannot compare fairness as the label must have two classes: it is regression',
    );
  });

  test('names the column that a champion needs and the hold-out has no more', async () => {
    world = await openWorld();
    await makeChampion(logisticModel([2]), xOnly);
    const { champion } = await world.deployments.get(pipeline);
    expect(champion?.version).toBe(1);
    const renamed = JSON.parse(JSON.stringify(xOnly).replaceAll('"x"', '"gone"'));
    const spoiled = {
      ...(await parseStored(champion?.modelSha256 as Sha256)),
      featureSetSha256: await world.content.putJson(renamed),
    };
    const modelSha256 = await world.content.putJson(spoiled);
    const deployments = {
      ...world.deps.deployments,
      get: async () => ({ pipeline, generation: 1, champion: { version: 1, modelSha256 } }),
    };
    const run = await world.begin(runKey);
    const frameSha256 = await storeFrame(world, { featureSet: featuresOf('x', 'noise'), holdout });
    const trainingResultSha256 = await storeResult(world, logisticModel([1, 1]), featuresOf('x', 'noise'));
    const step = createEvaluate({ ...world.deps, deployments } as never);
    await expect(step({ ...run, frameSha256, trainingResultSha256 })).rejects.toThrow('must have its column "gone": it has not');
  });
});

const parseStored = async (sha256: Sha256) => parseModelPackage(await world.content.getJson(sha256));
