import { describe, expect, test } from 'vitest';
import { alphaOfUse, confidenceOfUse } from '#domain/stats/comparison/alpha-spending.ts';
import { prepareGroupGap, ratesOfGroup } from '#domain/stats/comparison/group-gap.ts';
import { mcnemarTest } from '#domain/stats/comparison/mcnemar.ts';
import { boundDifference, boundProportions, twoSidedTest } from '#domain/stats/comparison/non-inferiority.ts';
import { rowsForMcNemar, rowsForPower, rowsOfSplit, rowsPerArm, rowsPerArmOfMeans } from '#domain/stats/comparison/sizing.ts';
import { everyRowOnce, type Scored } from '#domain/stats/metrics/scored.ts';
import { studentUpperQuantile, studentUpperTail } from '#domain/stats/special/student-t.ts';
import golden from '../../golden/gate.json' with { type: 'json' };
import vectors from '../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from './tolerance.ts';

describe("Student's t", () => {
  test.each(golden.studentTails)('tail beyond $t with $degrees degrees', ({ t, degrees, upper }) => {
    expectRelative(studentUpperTail(t, degrees), upper, 1e-10);
  });

  test.each(golden.studentQuantiles)('quantile at $probability with $degrees degrees', ({ probability, degrees, quantile }) => {
    expectRelative(studentUpperQuantile(probability, degrees), quantile, 1e-10, 1e-12);
  });

  test('infinitely many degrees are the normal distribution; none are refused', () => {
    expectRelative(studentUpperQuantile(0.05, Number.POSITIVE_INFINITY), 1.6448536269514722, 1e-14);
    expectRelative(studentUpperTail(1.959963984540054, Number.POSITIVE_INFINITY), 0.025, 1e-12);
    for (const degrees of [0, -1, Number.NaN]) expect(() => studentUpperTail(1, degrees)).toThrow(RangeError);
    for (const probability of [0, 1, -1, Number.NaN]) expect(() => studentUpperQuantile(probability, 5)).toThrow(RangeError);
  });

  test('infinite values have no tail', () => {
    expect(studentUpperTail(Number.POSITIVE_INFINITY, 3)).toBe(0);
    expect(studentUpperTail(Number.NEGATIVE_INFINITY, 3)).toBe(1);
  });
});

describe('boundDifference() with few clusters', () => {
  test.each(golden.bounds)(
    'agrees with SciPy at margin $margin',
    ({ estimate, standardError, degrees, margin, confidence, ...wanted }) => {
      const found = boundDifference({ estimate, standardError }, margin, confidence, degrees);
      for (const name of ['lower', 'upper', 'pNonInferior', 'pHarm', 'pBetter'] as const)
        expectRelative(found[name], wanted[name], 1e-9);
      expectRelative(twoSidedTest({ estimate, standardError }, degrees), wanted.twoSided, 1e-9);
    },
  );

  test('at margin 0 "not worse" is "better"', () => {
    const found = boundDifference({ estimate: 0.01, standardError: 0.02 }, 0, 0.95);
    expect(found.pNonInferior).toBe(found.pBetter);
  });

  test('where no loss was seen, the p-value says what could have stayed unseen, as the bound does', () => {
    for (const rows of [20, 500, 597, 598, 2000]) {
      const found = boundProportions(0, 0, rows, 0.005, 0.95);
      expect(found.pNonInferior < 0.05).toBe(found.lower > -0.005);
      expectRelative(found.pNonInferior, 0.995 ** rows, 1e-9);
    }
  });
});

describe('mcnemarTest() one-sided', () => {
  test.each(golden.better)('agrees with SciPy for $b and $c', ({ b, c, better }) => {
    expectRelative(mcnemarTest(b, c).exactBetter, better, 1e-9);
  });

  test('no disagreement is no evidence', () => expect(mcnemarTest(0, 0).exactBetter).toBe(1));
});

describe('alphaOfUse()', () => {
  test('agrees with the design', () => {
    for (const [use, wanted] of Object.entries(vectors.retrain_alpha_spend['alpha_k=6*alpha/(pi^2 k^2)'])) {
      expectRelative(alphaOfUse(0.05, Number(use)), wanted, 1e-9);
    }
  });

  test.each(golden.spending)('spends $spent at use $use', ({ alpha, use, spent }) => {
    expectRelative(alphaOfUse(alpha, use), spent, 1e-12);
  });

  test('all uses together spend alpha and no more', () => {
    const total = Array.from({ length: 100_000 }, (_, index) => alphaOfUse(0.05, index + 1)).reduce((sum, one) => sum + one, 0);
    expect(total).toBeLessThan(0.05);
    expect(total).toBeGreaterThan(0.04999);
  });

  test('a fresh hold-out gives its first comparison what was asked; one that is kept spends from the first', () => {
    expect(confidenceOfUse(0.95, 1, 'fresh')).toBe(0.95);
    expectRelative(confidenceOfUse(0.95, 1, 'kept'), 1 - 0.0303963550927, 1e-12);
    expect(confidenceOfUse(0.95, 2, 'fresh')).toBe(confidenceOfUse(0.95, 2, 'kept'));
  });

  test('refuses what is no use or no level', () => {
    for (const [alpha, use] of [
      [0.05, 0],
      [0.05, 1.5],
      [0, 1],
      [1, 1],
      [Number.NaN, 1],
    ] as const) {
      expect(() => alphaOfUse(alpha, use)).toThrow(RangeError);
    }
  });
});

describe('sizes', () => {
  const plan = { alpha: 0.05, power: 0.8 };
  const { sizing } = vectors;

  test('agree with the design', () => {
    expectRelative(rowsPerArm(sizing.p1, sizing.p2, plan), sizing.n_per_arm_unpooled, 1e-9);
    expectRelative(rowsPerArm(sizing.p1, sizing.p2, { ...plan, pooled: true }), sizing.n_per_arm_pooled, 1e-9);
    const split = rowsOfSplit(sizing.p1, sizing.p2, 0.1, plan);
    expectRelative(split.smaller, sizing.split_10_90_canary, 1e-9);
    expectRelative(split.total, sizing.split_10_90_total, 1e-9);
    expectRelative(rowsPerArmOfMeans(0.1, plan), sizing['mean_test_sd1_delta0.1_per_arm'], 1e-9);
    expectRelative(rowsForMcNemar(0.005, 0.04, plan), sizing['mcnemar_superiority_n(diff .005, discordance .04)'], 1e-9);
  });

  test.each(golden.sizesOfMeans)('of means agree with statsmodels for $difference', ({ difference, alpha, power, rows }) => {
    // statsmodels counts rejections on the wrong side as power, about 1e-6 of them.
    expectRelative(rowsPerArmOfMeans(difference, { alpha, power }), rows, 1e-4);
  });

  test('few clusters ask for more rows, and nothing to find for infinitely many', () => {
    const one = { variancePerRow: 0.04, distance: 0.005, confidence: 0.95, power: 0.8 };
    expect(rowsForPower({ ...one, degreesOfFreedom: 6 })).toBeGreaterThan(1.2 * rowsForPower(one));
    expect(rowsForPower({ ...one, distance: 0 })).toBe(Number.POSITIVE_INFINITY);
    expect(rowsForMcNemar(0, 0.04, plan)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('gaps between groups', () => {
  const groupsOf = (ids: readonly number[]) =>
    [...new Set(ids)].map((id) => ({
      value: String(id),
      rows: Uint32Array.from(ids.flatMap((one, row) => (one === id ? [row] : []))),
    }));
  const scored = (labels: number[], answers: number[]): Scored => ({ task: 'binary', classes: 2, labels, answers });

  test.each(golden.gaps)('agree with scikit-learn', ({ labels, scores, group, opportunity, ratio }) => {
    const all = everyRowOnce(labels.length);
    const gap = (measure: Parameters<typeof prepareGroupGap>[0]) =>
      prepareGroupGap(measure, scored(labels, scores), groupsOf(group))(all);
    expectRelative(gap('equal opportunity difference') as number, opportunity, 1e-12, 1e-15);
    expectRelative(gap('selection rate ratio') as number, ratio, 1e-12);
  });

  test('one group, nobody selected, or a group without positives have no gap', () => {
    const [labels, low] = [
      [1, 0, 1, 0],
      [0.1, 0.1, 0.1, 0.1],
    ];
    const all = everyRowOnce(4);
    expect(prepareGroupGap('selection rate ratio', scored(labels, low), groupsOf([0, 0, 1, 1]))(all)).toBeNull();
    expect(prepareGroupGap('equal opportunity difference', scored(labels, low), groupsOf([0, 0, 0, 0]))(all)).toBeNull();
    expect(prepareGroupGap('equal opportunity difference', scored([1, 1, 0, 0], low), groupsOf([0, 0, 1, 1]))(all)).toBeNull();
    expect(prepareGroupGap('equal opportunity difference', scored(labels, low), groupsOf([0, 0, 1, 1]))(all)).toBe(0);
  });

  test('rates of a group count its rows only', () => {
    const model = scored([1, 1, 0, 0], [0.9, 0.1, 0.9, 0.9]);
    expect(ratesOfGroup(model, { value: 'a', rows: Uint32Array.of(0, 1, 2) })).toEqual({
      rows: 3,
      positives: 2,
      selectionRate: 2 / 3,
      truePositiveRate: 0.5,
    });
    expect(ratesOfGroup(model, { value: 'b', rows: Uint32Array.of(3) }).truePositiveRate).toBeNull();
  });
});
