import { describe, expect, test } from 'vitest';
import { bootstrap, percentileBounds, shareAtOrBelow } from '#domain/stats/comparison/bootstrap.ts';
import { compareRocAuc } from '#domain/stats/comparison/delong.ts';
import { mcnemarTest } from '#domain/stats/comparison/mcnemar.ts';
import { boundDifference, boundProportions, pairedProportions } from '#domain/stats/comparison/non-inferiority.ts';
import { rowsForPower } from '#domain/stats/comparison/sizing.ts';
import { correctRows, prepareAccuracy } from '#domain/stats/metrics/confusion.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
import { createRandom } from '#domain/stats/random.ts';
import golden from '../../golden/comparisons.json' with { type: 'json' };
import vectors from '../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from './tolerance.ts';

describe('compareRocAuc()', () => {
  test('agrees with the design', () => {
    const { y, champion, challenger, ...wanted } = vectors.delong;
    const found = compareRocAuc(y, champion, challenger);
    expectRelative(found?.championAuc as number, wanted.auc_champion, 1e-9);
    expectRelative(found?.challengerAuc as number, wanted.auc_challenger, 1e-9);
    expectRelative(found?.championVariance as number, wanted.var_champion, 1e-9);
    expectRelative(found?.challengerVariance as number, wanted.var_challenger, 1e-9);
    expectRelative(found?.covariance as number, wanted.cov, 1e-9);
    expectRelative(found?.standardError as number, wanted.se, 1e-9);
    expectRelative((found?.difference as number) / (found?.standardError as number), wanted.z, 1e-9);
    expectRelative(found?.pTwoSided as number, wanted.p_two_sided, 1e-9);
  });

  test.each(golden.delong)('agrees with all pairs', ({ labels, champion, challenger, expected }) => {
    const found = compareRocAuc(labels, champion, challenger);
    expectRelative(found?.championAuc as number, expected.champion, 1e-12);
    expectRelative(found?.challengerAuc as number, expected.challenger, 1e-12);
    expectRelative(found?.covariance as number, expected.covariance, 1e-9, 1e-16);
    // The reference subtracts three variances, which leaves about 1e-9 where the true error is zero.
    expectRelative(found?.standardError as number, expected.standardError, 1e-9, 1e-8);
    expectRelative(found?.pTwoSided as number, expected.p, 1e-8);
  });

  test('models that rank alike differ by nothing, whatever their scale', () => {
    const { y, champion } = vectors.delong;
    const found = compareRocAuc(
      y,
      champion,
      champion.map((score) => score ** 3),
    );
    expect(found).toMatchObject({ difference: 0, standardError: 0, pTwoSided: 1 });
  });

  test('a perfect model against its mirror image is certain', () => {
    const found = compareRocAuc([0, 0, 1, 1], [4, 3, 2, 1], [1, 2, 3, 4]);
    expect(found).toMatchObject({ difference: 1, standardError: 0, pTwoSided: 0 });
  });

  test('one class, or one row of a class, is no answer', () => {
    expect(compareRocAuc([], [], [])).toBeNull();
    expect(compareRocAuc([1, 1, 1], [1, 2, 3], [1, 2, 3])).toBeNull();
    expect(compareRocAuc([0, 1, 1], [1, 2, 3], [1, 2, 3])).toBeNull();
  });

  test('scores without any information are a half, not an error', () => {
    expect(compareRocAuc([0, 1, 0, 1], [5, 5, 5, 5], [5, 5, 5, 5])).toMatchObject({
      championAuc: 0.5,
      difference: 0,
      pTwoSided: 1,
    });
  });

  test('exchanging the models turns the sign only', () => {
    const { y, champion, challenger } = vectors.delong;
    const there = compareRocAuc(y, champion, challenger);
    const back = compareRocAuc(y, challenger, champion);
    expect(back?.difference).toBe(-(there?.difference as number));
    expectRelative(back?.standardError as number, there?.standardError as number, 1e-14);
  });

  test('ranks 200,000 rows in about the time of sorting them', () => {
    const random = createRandom(5);
    const labels = Uint8Array.from({ length: 200_000 }, () => (random() < 0.3 ? 1 : 0));
    const one = Float64Array.from(labels, (label) => random() + 0.3 * label);
    const found = compareRocAuc(
      labels,
      one,
      one.map((score) => score + 0.1 * random()),
    );
    expect(found?.standardError).toBeGreaterThan(0);
    expect(found?.standardError).toBeLessThan(0.001);
  });
});

describe('mcnemarTest()', () => {
  test('agrees with the design', () => {
    const { b, c, ...wanted } = vectors.mcnemar;
    const found = mcnemarTest(b, c);
    expectRelative(found.exact, wanted.exact, 1e-9);
    expectRelative(found.mid, wanted.mid, 1e-9);
    expectRelative(found.corrected.chiSquare, wanted.chi2_cc, 1e-9);
    expectRelative(found.corrected.pValue, wanted.p_cc, 1e-9);
    expectRelative(found.uncorrected.chiSquare, wanted.chi2, 1e-9);
    expectRelative(found.uncorrected.pValue, wanted.p, 1e-9);
  });

  test.each(golden.mcnemar)('agrees with statsmodels for $b and $c', ({ b, c, exact, mid, uncorrected, corrected }) => {
    const found = mcnemarTest(b, c);
    expectRelative(found.exact, exact, 1e-9);
    expectRelative(found.mid, mid, 1e-9);
    expectRelative(found.uncorrected.chiSquare, uncorrected[0] as number, 1e-12, 1e-15);
    expectRelative(found.uncorrected.pValue, uncorrected[1] as number, 1e-9);
    expectRelative(found.corrected.chiSquare, corrected[0] as number, 1e-12, 1e-15);
    expectRelative(found.corrected.pValue, corrected[1] as number, 1e-9);
  });

  test('no disagreement is no evidence', () => {
    expect(mcnemarTest(0, 0)).toMatchObject({ exact: 1, mid: 1 });
  });

  test('counts must be counts', () => {
    expect(() => mcnemarTest(-1, 3)).toThrow(RangeError);
    expect(() => mcnemarTest(1.5, 3)).toThrow(RangeError);
  });
});

describe('paired proportions', () => {
  test('agree with the design', () => {
    const vector = vectors.noninferiority;
    const found = boundProportions(vector.b_champion_only_right, vector.c_challenger_only_right, vector.n, vector.margin, 0.95);
    expectRelative(found.estimate, vector.diff, 1e-9);
    expectRelative(found.standardError, vector.se, 1e-9);
    expectRelative((found.estimate + vector.margin) / found.standardError, vector.z, 1e-9);
    expectRelative(found.pNonInferior, vector.p_one_sided, 1e-9);
    expectRelative(found.lower, vector.lower95_one_sided, 1e-9);
  });

  test.each(golden.bounds)('agree with SciPy for $b, $c of $n at margin $margin', (one) => {
    const found = boundDifference(pairedProportions(one.b, one.c, one.n), one.margin, one.confidence);
    for (const name of ['lower', 'upper', 'pNonInferior', 'pHarm'] as const) expectRelative(found[name], one[name], 1e-10);
  });

  test('what was never seen may still happen: few rows without disagreement prove nothing', () => {
    for (const [rows, bound] of Object.entries(vectors.zero_failures.ub95_one_sided)) {
      const found = boundProportions(0, 0, Number(rows), 0.005, 0.95);
      expectRelative(-found.lower, bound, 1e-9);
      expectRelative(found.upper, bound, 1e-9);
    }
  });

  test('a difference of exactly minus the margin without any error is undecided', () => {
    expect(boundDifference({ estimate: -0.01, standardError: 0 }, 0.01, 0.95)).toMatchObject({ pNonInferior: 0.5, pHarm: 0.5 });
    expect(boundDifference({ estimate: 0, standardError: 0 }, 0.01, 0.95)).toMatchObject({ pNonInferior: 0, pHarm: 1, lower: 0 });
  });

  test('need rows, and more of them than disagreements', () => {
    expect(() => pairedProportions(0, 0, 0)).toThrow(RangeError);
    expect(() => pairedProportions(3, 3, 5)).toThrow(RangeError);
  });

  test('rowsForPower() agrees with the design', () => {
    const plan = { variancePerRow: 0.04, distance: 0.005, confidence: 0.95, power: 0.8 };
    const wanted = vectors.sizing['paired_NI_n(margin .005, discordance .04, alpha .05 one-sided, power .8)'];
    expectRelative(rowsForPower(plan), wanted, 1e-9);
  });

  test('false promotions stay at the stated level at the margin itself', () => {
    const random = createRandom(11);
    let promoted = 0;
    for (let trial = 0; trial < 2000; trial++) {
      let championOnly = 0;
      let challengerOnly = 0;
      for (let row = 0; row < 1000; row++) {
        const u = random();
        if (u < 0.06) championOnly++;
        else if (u < 0.11) challengerOnly++;
      }
      if (boundProportions(championOnly, challengerOnly, 1000, 0.01, 0.95).lower > -0.01) promoted++;
    }
    // 5 % of 2,000 are 100; three standard deviations are 29.
    expect(promoted).toBeGreaterThan(71);
    expect(promoted).toBeLessThan(129);
  });
});

describe('bootstrap()', () => {
  const { y, champion, challenger } = vectors.delong;
  const wanted = vectors.paired_bootstrap;
  const scored = (answers: number[]): Scored => ({ task: 'binary', classes: 2, labels: y, answers });
  const old = prepareAccuracy(scored(champion));
  const fresh = prepareAccuracy(scored(challenger));
  const difference = (counts: Uint32Array) => (fresh(counts) as number) - (old(counts) as number);
  const plan = { rows: y.length, resamples: wanted.B, seed: 42, statistic: difference };

  test('agrees with the design', () => {
    const found = bootstrap(plan);
    if (found === null) throw new TypeError('there must be a bootstrap of 24 rows');
    expectRelative(found.mean, wanted.boot_mean, 1e-9);
    expectRelative(found.standardError, wanted.boot_se_ddof1, 1e-9);
    const bounds = percentileBounds(found, 0.975);
    expectRelative(bounds.lower, wanted.ci95_percentile_type7[0] as number, 1e-9);
    expectRelative(bounds.upper, wanted.ci95_percentile_type7[1] as number, 1e-9);
    expectRelative(shareAtOrBelow(found, 0), wanted.p_one_sided_add1, 1e-9);
  });

  test('the vector counts the disagreements that it says', () => {
    const right = [correctRows(scored(champion)), correctRows(scored(challenger))] as const;
    const only = (a: Uint8Array, b: Uint8Array) => a.reduce((sum, value, row) => sum + (value === 1 && b[row] === 0 ? 1 : 0), 0);
    expect([only(...right), only(right[1], right[0])]).toEqual([wanted.b_champ_only, wanted.c_chall_only]);
  });

  test('is the same again for a seed, and another for another', () => {
    expect(bootstrap(plan)).toEqual(bootstrap(plan));
    expect(bootstrap({ ...plan, seed: 43 })?.mean).not.toBe(bootstrap(plan)?.mean);
  });

  test('counts resamples without a statistic instead of inventing one', () => {
    const found = bootstrap({
      rows: 2,
      resamples: 400,
      seed: 1,
      statistic: (counts) => (counts[0] === 0 ? null : (counts[0] as number)),
    });
    expect(found?.missing).toBeGreaterThan(60);
    expect(found?.missing).toBeLessThan(140);
    expect((found?.sorted.length ?? 0) + (found?.missing ?? 0)).toBe(400);
  });

  test('no rows, or no statistic, is no answer', () => {
    expect(bootstrap({ ...plan, rows: 0 })).toBeNull();
    expect(bootstrap({ ...plan, statistic: () => null })).toBeNull();
  });

  test('one row is always drawn', () => {
    const found = bootstrap({ rows: 1, resamples: 10, seed: 1, statistic: (counts) => counts[0] as number });
    expect(found).toMatchObject({ mean: 1, standardError: 0, missing: 0 });
  });
});
