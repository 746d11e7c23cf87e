import { describe, expect, test } from 'vitest';
import { comparisonSchema, fairnessReportSchema } from '#domain/contracts/evaluation-report.ts';
import { evidenceRoles, findEvidence } from '#domain/decide/comparison-evidence.ts';
import type { Clusters } from '#domain/stats/comparison/clusters.ts';
import { compareFairness } from '#domain/stats/comparison/compare-fairness.ts';
import { compareModels } from '#domain/stats/comparison/compare-models.ts';
import type { Contest } from '#domain/stats/comparison/contest.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
import { createRandom } from '#domain/stats/random.ts';

const policy = { rule: 'not worse', margin: 0.01, confidence: 0.95 } as unknown as Contest['policy'];

/** Labels and scores of a model that is right more often the larger its skill. */
const binary = (rows: number, skill: number, seed: number): Scored => {
  const label = createRandom(1);
  const noise = createRandom(seed);
  const labels = Array.from({ length: rows }, () => (label() < 0.4 ? 1 : 0));
  return { task: 'binary', classes: 2, labels, answers: labels.map((value) => (noise() + skill * value) / (1 + skill)) };
};
const values = (rows: number, error: number, seed: number): Scored => {
  const label = createRandom(1);
  const noise = createRandom(seed);
  const labels = Array.from({ length: rows }, () => 10 * label());
  return { task: 'regression', classes: 0, labels, answers: labels.map((value) => value + error * (noise() - 0.5)) };
};
const contest = (metric: Contest['metric'], candidate: Scored, champion: Scored): Contest => ({
  metric,
  slice: null,
  candidate,
  champion,
  clusters: null,
  policy,
  seed: 7,
});
const intervalOf = (one: Contest) => findEvidence(compareModels(one), evidenceRoles.interval, 'interval');

describe('compareModels()', () => {
  test('gives evidence that the contract accepts, for every kind of test', () => {
    const pairs: Contest[] = [
      contest('roc_auc', binary(200, 0.6, 3), binary(200, 0.5, 4)),
      contest('accuracy', binary(200, 0.6, 3), binary(200, 0.5, 4)),
      contest('f1', binary(200, 0.6, 3), binary(200, 0.5, 4)),
      contest('rmse', values(200, 1, 3), values(200, 2, 4)),
    ];
    const methods = pairs.map((pair) => {
      const comparison = compareModels(pair);
      expect(comparisonSchema.parse(comparison)).toEqual(comparison);
      return intervalOf(pair)?.method;
    });
    expect(methods).toEqual([
      'DeLong, paired',
      'paired proportions',
      'paired bootstrap, 2000 resamples, mulberry32(7)',
      'paired bootstrap, 2000 resamples, mulberry32(7)',
    ]);
  });

  test('turns losses, so that a smaller error is a gain', () => {
    const better = intervalOf(contest('rmse', values(300, 1, 3), values(300, 2, 4)));
    expect(better?.estimate).toBeGreaterThan(0);
    expect(better?.lower).toBeGreaterThan(0);
    const worse = intervalOf(contest('rmse', values(300, 2, 3), values(300, 1, 4)));
    expect(worse?.upper).toBeLessThan(0);
  });

  test('a model against itself gains nothing, surely', () => {
    const one = binary(300, 0.5, 3);
    expect(intervalOf(contest('roc_auc', one, one))).toMatchObject({ estimate: 0, lower: 0, upper: 0 });
    expect(intervalOf(contest('f1', one, one))).toMatchObject({ estimate: 0, lower: 0, upper: 0 });
    // Equal answers on 300 rows leave room for 1 % of disagreements that were not seen.
    expect(intervalOf(contest('accuracy', one, one))?.lower).toBeCloseTo(-0.00994, 5);
  });

  test('says how many rows would decide', () => {
    const comparison = compareModels(contest('accuracy', binary(300, 0.5, 3), binary(300, 0.5, 4)));
    const needed = findEvidence(comparison, evidenceRoles.rowsToDecide, 'measurement');
    expect(needed?.value).toBeGreaterThan(300);
  });

  test('more power asks for more rows: 98 % for ten slices at once', () => {
    const pair = contest('accuracy', binary(300, 0.5, 3), binary(300, 0.5, 4));
    const rows = (power?: number) =>
      findEvidence(compareModels({ ...pair, ...(power !== undefined && { power }) }), evidenceRoles.rowsForPower, 'measurement')
        ?.value;
    expect((rows(0.98) as number) / (rows() as number)).toBeCloseTo((1.644854 + 2.053749) ** 2 / (1.644854 + 0.841621) ** 2, 2);
  });

  test('too few rows, or too few of a class, are insufficient with the inequality', () => {
    const few = compareModels(contest('roc_auc', binary(20, 0.5, 3), binary(20, 0.5, 4)));
    expect(few.evidence).toMatchObject([{ kind: 'insufficient', reason: 'rows 20 >= 30 does not hold' }]);
    const one = { ...binary(100, 0.5, 3), labels: new Array<number>(100).fill(0) };
    expect(compareModels(contest('roc_auc', one, one)).evidence).toMatchObject([{ kind: 'insufficient' }]);
    expect(compareModels(contest('pr_auc', one, one)).evidence).toMatchObject([{ kind: 'insufficient' }]);
  });

  test('no rows compare to nothing', () => {
    const none: Scored = { task: 'binary', classes: 2, labels: [], answers: [] };
    expect(compareModels(contest('roc_auc', none, none))).toMatchObject({ rows: 0, candidate: null, champion: null });
  });

  test('compares rankings of more than two classes by resampling', () => {
    const random = createRandom(9);
    const labels = Array.from({ length: 120 }, () => Math.floor(random() * 3));
    const answersOf = (skill: number) =>
      labels.flatMap((label) => [0, 1, 2].map((k) => (random() + (k === label ? skill : 0)) / 3));
    const model = (skill: number): Scored => ({ task: 'multiclass', classes: 3, labels, answers: answersOf(skill) });
    expect(intervalOf(contest('roc_auc', model(1), model(0.1)))?.lower).toBeGreaterThan(0);
    expect(intervalOf(contest('accuracy', model(1), model(0.1)))?.lower).toBeGreaterThan(0);
  });

  test('is the same again', () => {
    const one = contest('brier', binary(100, 0.6, 3), binary(100, 0.5, 4));
    expect(compareModels(one)).toEqual(compareModels(one));
  });
});

describe('compareModels() on rows in clusters', () => {
  const days = (rows: number, count: number): Clusters => ({
    by: 'day',
    ids: Uint32Array.from({ length: rows }, (_, row) => row % count),
    count,
  });
  const inDays = (metric: Contest['metric'], count: number): Contest => {
    const [one, other] = metric === 'rmse' ? [values(350, 1, 3), values(350, 2, 4)] : [binary(350, 0.6, 3), binary(350, 0.5, 4)];
    return { ...contest(metric, one as Scored, other as Scored), clusters: days(350, count) };
  };

  test('each metric has a test of its own for them', () => {
    const methods = (['roc_auc', 'accuracy', 'f1', 'rmse'] as const).map((metric) => intervalOf(inDays(metric, 7))?.method);
    expect(methods).toEqual([
      'DeLong after Obuchowski, paired, clusters by day',
      'paired proportions, clusters by day',
      'jackknife, 7 clusters by day',
      'jackknife, 7 clusters by day',
    ]);
    expect(intervalOf(inDays('f1', 50))?.method).toBe('paired bootstrap of 50 clusters by day, 2000 resamples, mulberry32(7)');
  });

  test('says what they are worth, and the contract accepts it', () => {
    const comparison = compareModels(inDays('roc_auc', 7));
    expect(comparison.clusters).toEqual({ by: 'day', count: 7, effective: 7 });
    expect(comparisonSchema.parse(comparison)).toEqual(comparison);
  });

  test("seven equal days have Student's t with six degrees of freedom", () => {
    for (const metric of ['roc_auc', 'accuracy', 'f1', 'rmse'] as const) {
      const found = intervalOf(inDays(metric, 7));
      const reach = ((found?.estimate as number) - (found?.lower as number)) / (found?.standardError as number);
      expect(reach).toBeCloseTo(1.9431803, 6);
    }
  });

  test('fewer than five are insufficient, whatever the metric', () => {
    for (const metric of ['roc_auc', 'accuracy', 'f1', 'rmse'] as const) {
      const [evidence] = compareModels(inDays(metric, 4)).evidence;
      expect(evidence).toMatchObject({ kind: 'insufficient', reason: expect.stringContaining('>= 5 does not hold') });
    }
  });

  test('a class that one day alone holds cannot be ranked by days', () => {
    const one = inDays('roc_auc', 7);
    const labels = Array.from(one.candidate.labels, (_, row) => (row % 7 === 3 ? 1 : 0));
    const lonely = { ...one, candidate: { ...one.candidate, labels }, champion: { ...one.champion, labels } };
    expect(compareModels(lonely).evidence).toMatchObject([
      { kind: 'insufficient', reason: 'clusters by day that hold the rarer class 1 >= 2 does not hold' },
    ]);
  });

  test('the same rows seven times over, in the same days, are no more evidence', () => {
    const once = inDays('accuracy', 7);
    const often = (model: Scored): Scored => ({
      ...model,
      labels: Array.from({ length: 7 }, () => [...(model.labels as number[])]).flat(),
      answers: Array.from({ length: 7 }, () => [...(model.answers as number[])]).flat(),
    });
    const repeated = { ...once, candidate: often(once.candidate), champion: often(once.champion), clusters: days(2450, 7) };
    // 350 rows are 50 rounds of 7 days, so each row falls into its day again.
    expect(intervalOf(repeated)?.lower).toBeCloseTo(intervalOf(once)?.lower as number, 12);
    const alone = { ...repeated, clusters: null };
    expect(intervalOf(alone)?.lower).toBeGreaterThan((intervalOf(repeated)?.lower as number) + 0.005);
  });

  test('models that never disagree prove no more than their days are worth', () => {
    const one = binary(350, 0.5, 3);
    // Days that are right or wrong as a whole: 350 rows are then worth 7.
    const right = { ...one, answers: Array.from(one.labels, (label, row) => (row % 7 < 4 ? label : 1 - label)) };
    const found = intervalOf({ ...contest('accuracy', right, right), clusters: days(350, 7) });
    expect(found?.lower).toBeLessThan(-0.3);
    expect(intervalOf({ ...contest('accuracy', one, one), clusters: null })?.lower).toBeGreaterThan(-0.01);
  });

  test('"better" is McNemar, exact, where rows are independent', () => {
    const pair = contest('accuracy', binary(300, 0.9, 3), binary(300, 0.2, 4));
    const test = findEvidence(compareModels(pair), evidenceRoles.better, 'p-value');
    expect(test).toMatchObject({ test: 'McNemar, exact, one-sided' });
    const twoSided = findEvidence(compareModels(pair), evidenceRoles.difference, 'p-value');
    expect((twoSided?.pValue as number) / (test?.pValue as number)).toBeCloseTo(2, 9);
    expect(findEvidence(compareModels(pair), evidenceRoles.differenceMid, 'p-value')?.test).toBe('McNemar, mid-p');
    const clustered = { ...pair, clusters: days(300, 10) };
    expect(findEvidence(compareModels(clustered), evidenceRoles.better, 'p-value')?.test).toContain('clusters by day');
  });

  test('a confidence that resamples cannot reach is reached by their standard error', () => {
    const strict = { ...policy, confidence: 0.9997 } as Contest['policy'];
    const pair = contest('f1', binary(200, 0.6, 3), binary(200, 0.5, 4));
    const [usual, high] = [intervalOf(pair), intervalOf({ ...pair, policy: strict })];
    expect(high?.lower).toBeCloseTo((high?.estimate as number) - 3.4316 * (high?.standardError as number), 5);
    expect(high?.lower).toBeLessThan(usual?.lower as number);
  });
});

describe('compareModels() by resampling', () => {
  const pOf = (one: Contest, role: 'harm' | 'better' | 'not-worse') =>
    findEvidence(compareModels(one), role, 'p-value')?.pValue as number;

  test('what no resample reached is still told apart: one in ten thousand is not one in two thousand', () => {
    const far = contest('rmse', values(300, 1, 3), values(300, 2, 4));
    expect(pOf(far, 'better')).toBeLessThan(1e-6);
    expect(pOf(far, 'not-worse')).toBeLessThan(1e-6);
    expect(pOf(far, 'harm')).toBeGreaterThan(0.99);
    expect(pOf(contest('rmse', values(300, 2, 3), values(300, 1, 4)), 'harm')).toBeLessThan(1e-6);
  });

  test('a model against itself is neither better nor worse', () => {
    const one = values(300, 1, 3);
    expect(pOf(contest('rmse', one, one), 'better')).toBeGreaterThan(0.4);
    expect(pOf(contest('rmse', one, one), 'harm')).toBeGreaterThan(0.9);
  });
});

describe('compareFairness()', () => {
  const groups = (...sizes: number[]) => {
    let from = 0;
    return sizes.map((size, index) => {
      from += size;
      return { value: `g${index}`, rows: Uint32Array.from({ length: size }, (_, row) => from - size + row) };
    });
  };
  const model = (shift: number): Scored => {
    const one = binary(600, 0.8, 3);
    return { ...one, answers: Array.from(one.answers, (answer, row) => (row < 300 ? Math.max(0, answer - shift) : answer)) };
  };
  const fairnessOf = (candidate: Scored, champion: Scored, sizes = [300, 300], clusters: Clusters | null = null) =>
    compareFairness({
      by: 'sex',
      groups: groups(...sizes),
      candidate,
      champion,
      clusters,
      policy: { ...policy, margin: 0.05 } as Contest['policy'],
      seed: 7,
    });

  test('gives a report that the contract accepts, with every group', () => {
    const report = fairnessOf(model(0.2), model(0));
    expect(fairnessReportSchema.parse(report)).toEqual(report);
    expect(report.groups.map(({ rows, isGated }) => [rows, isGated])).toEqual([
      [300, true],
      [300, true],
    ]);
  });

  test('shows a group that is found less often than before', () => {
    const [opportunity, ratio] = fairnessOf(model(0.25), model(0)).measures;
    for (const measure of [opportunity, ratio]) {
      const harm = measure?.evidence.find(({ id }) => id.endsWith('/harm'));
      expect(harm).toMatchObject({ kind: 'p-value' });
      expect(harm?.kind === 'p-value' && harm.pValue).toBeLessThan(0.01);
    }
    expect(opportunity?.candidate).toBeGreaterThan(opportunity?.champion as number);
    expect(ratio?.candidate).toBeLessThan(ratio?.champion as number);
  });

  test('a model against itself gains nothing', () => {
    for (const { evidence } of fairnessOf(model(0.1), model(0.1)).measures) {
      expect(evidence[0]).toMatchObject({ kind: 'interval', estimate: 0, lower: 0, upper: 0 });
    }
  });

  test('small groups are reported only, and one group compares to nothing', () => {
    const report = fairnessOf(model(0.25), model(0), [550, 50]);
    expect(report.groups.map(({ isGated }) => isGated)).toEqual([true, false]);
    for (const { evidence, candidate } of report.measures) {
      expect(evidence).toMatchObject([{ kind: 'insufficient', reason: 'groups with enough rows 1 >= 2 does not hold' }]);
      expect(candidate).toBeNull();
    }
  });

  test('few days are left out one by one; fewer than five are insufficient', () => {
    const days = (count: number): Clusters => ({
      by: 'day',
      ids: Uint32Array.from({ length: 600 }, (_, row) => row % count),
      count,
    });
    expect(fairnessOf(model(0.25), model(0), [300, 300], days(7)).measures[0]?.evidence[0]).toMatchObject({
      kind: 'interval',
      method: 'jackknife, 7 clusters by day',
    });
    expect(fairnessOf(model(0.25), model(0), [300, 300], days(3)).measures[0]?.evidence[0]?.kind).toBe('insufficient');
  });
});
