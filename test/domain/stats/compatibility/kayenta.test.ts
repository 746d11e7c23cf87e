import { describe, expect, test } from 'vitest';
import { argoMetric, argoRun } from '#domain/stats/compatibility/argo-analysis.ts';
import { flaggerRollBackAt } from '#domain/stats/compatibility/flagger-counter.ts';
import { kayentaClassify } from '#domain/stats/compatibility/kayenta-classify.ts';
import { mannWhitney } from '#domain/stats/compatibility/kayenta-mann-whitney.ts';
import { type KayentaMetric, kayentaScore } from '#domain/stats/compatibility/kayenta-score.ts';
import golden from '../../../golden/kayenta.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const { control, experiment, ...wanted } = vectors.mann_whitney_hl;

describe('mannWhitney()', () => {
  test('agrees with the design', () => {
    const found = mannWhitney(control, experiment, 0.98);
    expectRelative(found?.u as number, wanted.U_experiment, 1e-12);
    expectRelative(found?.z as number, wanted.z_cc, 1e-9);
    expectRelative(found?.pTwoSided as number, wanted.p_two_sided_cc, 1e-9);
    expectRelative(found?.shift as number, wanted.hodges_lehmann, 1e-9);
    expectRelative(found?.lower as number, wanted.ci98[0] as number, 1e-9);
    expectRelative(found?.upper as number, wanted.ci98[1] as number, 1e-9);
    expectRelative(found?.above as number, wanted.cles, 1e-9);
    expectRelative(0.25 * (found?.shift as number), wanted['tolerance_bound_0.25hl'], 1e-9);
  });

  test.each(golden.mannWhitney.map((one, place) => ({ ...one, place })))('agrees with SciPy, world $place', (one) => {
    const samples = [Object.freeze(one.control), Object.freeze(one.experiment)] as const;
    const found = mannWhitney(...samples, 0.98);
    expectRelative(found?.u as number, one.u, 1e-12);
    expectRelative(found?.pTwoSided as number, one.p, 1e-9);
    expect(found?.shift).toBe(one.shift);
    for (const [confidence, bounds] of Object.entries(one.bounds)) {
      const { lower, upper } = mannWhitney(...samples, Number(confidence)) ?? {};
      expect([lower, upper], `at ${confidence}`).toEqual(bounds);
    }
  });

  test('no points on a side are no answer', () => {
    expect(mannWhitney([], [1], 0.98)).toBeNull();
    expect(mannWhitney([1], [], 0.98)).toBeNull();
  });

  test('exchanged samples turn the signs', () => {
    const there = mannWhitney(control, experiment, 0.98);
    const back = mannWhitney(experiment, control, 0.98);
    expectRelative(back?.shift as number, -(there?.shift as number), 1e-12);
    expectRelative(back?.upper as number, -(there?.lower as number), 1e-12);
    expectRelative(back?.z as number, -(there?.z as number), 1e-12);
  });
});

describe('kayentaClassify()', () => {
  test('labels the design’s canary as Kayenta does', () => {
    expect(kayentaClassify(control, experiment)).toBe(wanted.kayenta_label.defaults);
    expect(kayentaClassify(control, experiment, { allowedIncrease: 1.1 })).toBe(wanted.kayenta_label['allowedIncrease=1.1']);
  });

  test('has directions', () => {
    expect(kayentaClassify(experiment, control)).toBe('Low');
    expect(kayentaClassify(experiment, control, { direction: 'increase' })).toBe('Pass');
    expect(kayentaClassify(control, experiment, { direction: 'decrease' })).toBe('Pass');
    expect(kayentaClassify(experiment, control, { allowedDecrease: 0.9 })).toBe('Pass');
    expect(kayentaClassify(control, experiment, { effect: 'above', allowedIncrease: 0.98 })).toBe('Pass');
    expect(kayentaClassify(control, experiment, { effect: 'above' })).toBe('High');
  });

  test('takes missing points out, or for 0', () => {
    const holes = [...control, null, null, null, null, null, null, null, null];
    expect(kayentaClassify(holes, control)).toBe('Pass');
    expect(kayentaClassify(holes, control, { missing: 'replace by 0' })).not.toBe('Nodata');
    expect(kayentaClassify([null, null], control)).toBe('Nodata');
    expect(kayentaClassify(control, [])).toBe('Nodata');
    expect(kayentaClassify([null, null], [null], { missing: 'replace by 0' })).toBe('Pass');
  });

  test('equal series pass, and one far point is an outlier only where it is asked for', () => {
    expect(kayentaClassify([0, 0, 0], [0, 0, 0])).toBe('Pass');
    const far = [...experiment.slice(0, 4), ...Array.from({ length: 200 }, (_, i) => 100 + (i % 7)), 1e9];
    expect(kayentaClassify(far, far, { outliers: 'remove' })).toBe('Pass');
    // A ratio of means that one point has ruined: the shift is down, the mean is up.
    const base = Array.from({ length: 200 }, (_, i) => 110 + (i % 7));
    expect(kayentaClassify(base, far)).toBe('Pass');
    expect(kayentaClassify(base, far, { outliers: 'remove' })).toBe('Low');
  });
});

describe('kayentaScore()', () => {
  const { groups, group_scores: scores, summary, pass95_marginal75: outcome } = vectors.kayenta_score;
  const metrics = Object.entries(groups).flatMap(([group, { labels }]) =>
    labels.map((label) => ({ group, label }) as KayentaMetric),
  );
  const weights = Object.fromEntries(Object.entries(groups).map(([group, { weight }]) => [group, weight]));

  test('agrees with the design', () => {
    const found = kayentaScore(metrics, weights);
    expectRelative(found.groups['latency'] as number, scores.latency, 1e-9);
    expectRelative(found.groups['errors'] as number, scores.errors, 1e-9);
    expect(found.groups['saturation']).toBeNull();
    expectRelative(found.summary, summary, 1e-9);
    expect(found.outcome).toBe(outcome);
    const nodata = metrics.filter(({ label }) => label === 'Nodata').length / metrics.length;
    expectRelative(nodata, vectors.kayenta_score.nodata_share, 1e-9);
  });

  test('a critical metric that fails, by a label or by missing data that it must have, is nothing', () => {
    const with_ = (one: Partial<KayentaMetric>) => [
      ...metrics,
      { group: 'errors', label: 'Pass', critical: true, ...one } as KayentaMetric,
    ];
    expect(kayentaScore(with_({}), weights).summary).toBeGreaterThan(80);
    expect(kayentaScore(with_({ label: 'High' }), weights)).toMatchObject({ summary: 0, outcome: 'Fail' });
    expect(kayentaScore(with_({ label: 'Low' }), weights)).toMatchObject({ summary: 0 });
    expect(kayentaScore(with_({ label: 'Nodata' }), weights).summary).toBeGreaterThan(80);
    expect(kayentaScore(with_({ label: 'Nodata', mustHaveData: true }), weights)).toMatchObject({ summary: 0 });
  });

  test('half of the metrics without data is nothing', () => {
    const pass = { group: 'a', label: 'Pass' } as const;
    const silent = { group: 'b', label: 'Nodata' } as const;
    expect(kayentaScore([pass, silent], { a: 50, b: 50 })).toMatchObject({ summary: 0, outcome: 'Fail' });
    expect(kayentaScore([pass, pass, silent], { a: 50, b: 50 })).toMatchObject({ summary: 100, outcome: 'Pass' });
  });

  test('missing data that must be there fails a group', () => {
    const found = kayentaScore(
      [
        { group: 'a', label: 'Pass' },
        { group: 'a', label: 'Pass' },
        { group: 'a', label: 'Nodata', mustHaveData: true },
      ],
      { a: 100 },
    );
    expectRelative(found.summary, 200 / 3, 1e-12);
    expect(found.outcome).toBe('Fail');
  });

  test('refuses nothing, and a group without a weight', () => {
    expect(() => kayentaScore([], {})).toThrow(RangeError);
    expect(() => kayentaScore([{ group: 'a', label: 'Pass' }], {})).toThrow(/group a must have a weight/);
  });
});

describe('flaggerRollBackAt()', () => {
  test('counts failed checks over the whole rollout', () => {
    expect(flaggerRollBackAt([0.995, 0.98, 0.999, 0.97], { min: 0.99, threshold: 2 })).toBe(3);
    expect(flaggerRollBackAt([0.995, 0.98], { min: 0.99 })).toBe(1);
    expect(flaggerRollBackAt([100, 501], { max: 500 })).toBe(1);
    expect(flaggerRollBackAt([0.99, 500], { min: 0.99, max: 500 })).toBeNull();
  });

  test('takes no value for a failed check', () => {
    expect(flaggerRollBackAt([1, null, 1], { min: 0.99 })).toBe(1);
    expect(flaggerRollBackAt([1, null, 1], { max: 500 })).toBe(1);
    expect(flaggerRollBackAt([], { min: 0.99 })).toBeNull();
  });
});

describe('Argo’s rule', () => {
  test('fails above its limit, not at it', () => {
    expect(argoMetric(['Failed', 'Failed', 'Failed'], { failureLimit: 3 })).toBe('Running');
    expect(argoMetric(['Failed', 'Failed', 'Failed', 'Failed'], { failureLimit: 3 })).toBe('Failed');
    expect(argoMetric(['Successful', 'Failed'])).toBe('Failed');
    expect(argoMetric(['Inconclusive'])).toBe('Inconclusive');
    expect(argoMetric(['Inconclusive'], { inconclusiveLimit: 1 })).toBe('Running');
  });

  test('forgets errors that were not in a row', () => {
    expect(argoMetric(['Error', 'Error', 'Error', 'Error'])).toBe('Running');
    expect(argoMetric(['Error', 'Error', 'Error', 'Error', 'Error'])).toBe('Error');
    expect(argoMetric(['Error', 'Error', 'Error', 'Successful', 'Error', 'Error'])).toBe('Running');
  });

  test('is complete after its count', () => {
    expect(argoMetric(['Successful', 'Error', 'Successful'], { count: 2 })).toBe('Successful');
    expect(argoMetric([], { count: 2 })).toBe('Running');
  });

  test('lets the worst metric win, and nothing measured pass', () => {
    expect(argoRun(['Successful', 'Inconclusive', 'Error', 'Failed'])).toBe('Failed');
    expect(argoRun(['Successful', 'Inconclusive', 'Error'])).toBe('Error');
    expect(argoRun(['Successful', 'Inconclusive'])).toBe('Inconclusive');
    expect(argoRun(['Running'])).toBe('Successful');
    expect(argoRun([])).toBe('Successful');
  });
});
