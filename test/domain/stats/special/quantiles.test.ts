import { describe, expect, test } from 'vitest';
import { betaLowerQuantile, betaUpperQuantile, logBeta } from '#domain/stats/special/beta.ts';
import { binomialUpperTail } from '#domain/stats/special/binomial.ts';
import { chiSquareLowerQuantile, chiSquareUpperQuantile } from '#domain/stats/special/chi-square.ts';
import { incompleteBeta } from '#domain/stats/special/incomplete-beta.ts';
import { chiSquareUpperTail } from '#domain/stats/special/incomplete-gamma.ts';
import { kolmogorovTails, kolmogorovUpperQuantile } from '#domain/stats/special/kolmogorov.ts';
import { normalReach, normalTwoSidedTail } from '#domain/stats/special/normal.ts';
import {
  negativeBinomialLowerTail,
  negativeBinomialUpperTail,
  poissonLowerTail,
  poissonUpperTail,
} from '#domain/stats/special/poisson.ts';
import { studentUpperQuantile, studentUpperTail } from '#domain/stats/special/student-t.ts';
import golden from '../../../golden/quantiles.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

/** Below it numbers are too coarse for a relative error. */
const smallest = 1e-300;

describe('quantiles agree with long arithmetic', () => {
  test.each(golden.chiSquare)('chi-square, $df degrees of freedom, at $probability', ({ df, probability, upper, lower }) => {
    if (upper !== null) expectRelative(chiSquareUpperQuantile(probability, df), upper, 1e-11);
    if (lower !== null) expectRelative(chiSquareLowerQuantile(probability, df), lower, 1e-11);
    else expect(chiSquareLowerQuantile(probability, df)).toBeLessThan(1e-289);
  });

  test.each(golden.beta)('beta($a, $b) at $probability', ({ a, b, probability, lower, upper, upperComplement }) => {
    if (lower !== null) expectRelative(betaLowerQuantile(probability, a, b), lower, 1e-11);
    else expect(betaLowerQuantile(probability, a, b)).toBeLessThan(1e-289);
    if (upper !== null) expectRelative(betaUpperQuantile(probability, a, b), upper, 1e-11);
    if (upperComplement !== null) expectRelative(betaLowerQuantile(probability, b, a), upperComplement, 1e-11);
  });

  test.each(golden.kolmogorovQuantile)('Kolmogorov at $probability', ({ probability, x }) =>
    expectRelative(kolmogorovUpperQuantile(probability), x, 1e-12),
  );

  test.each(golden.studentQuantile)("Student's t, $df degrees of freedom, at $probability", ({ probability, df, t }) =>
    expectRelative(studentUpperQuantile(probability, df), t, 1e-10, 1e-15),
  );

  test.each(golden.normal)('normal reach at $confidence', ({ z, twoSided, confidence, reach }) => {
    expectRelative(normalTwoSidedTail(z), twoSided, 1e-12);
    expectRelative(normalReach(confidence), reach, 1e-12);
  });
});

describe('tails agree with long arithmetic', () => {
  test.each(golden.logBeta)('logBeta($a, $b)', ({ a, b, value }) => expectRelative(logBeta(a, b), value, 1e-13, 1e-14));

  test.each(golden.betaTails)('beta($a, $b), $complement from 1', ({ a, b, complement, lower, upper }) => {
    const tails = incompleteBeta(a, b, 1 - complement, complement);
    expectRelative(tails.lower, lower, 1e-12, smallest);
    expectRelative(tails.upper, upper, 1e-12, smallest);
    const mirrored = incompleteBeta(b, a, complement, 1 - complement);
    expectRelative(mirrored.lower, tails.upper, 1e-13);
    expectRelative(mirrored.upper, tails.lower, 1e-13);
  });

  test.each(golden.kolmogorov)('kolmogorovTails($x)', ({ x, lower, upper }) => {
    const tails = kolmogorovTails(x);
    expectRelative(tails.lower, lower, 1e-12, smallest);
    expectRelative(tails.upper, upper, 1e-12, smallest);
  });

  test.each(golden.student)("Student's t beyond $t, $df degrees of freedom", ({ t, df, upper }) => {
    expectRelative(studentUpperTail(t, df), upper, 1e-10, smallest);
    expectRelative(studentUpperTail(-t, df), 1 - upper, 1e-13);
  });

  test.each(golden.poisson)('Poisson, $count of $mean', ({ count, mean, lower, upper }) => {
    expectRelative(poissonLowerTail(count, mean), lower, 1e-11, smallest);
    expectRelative(poissonUpperTail(count, mean), upper, 1e-11, smallest);
  });

  test.each(golden.negativeBinomial)(
    'negative binomial, $count of $mean, shape $shape',
    ({ count, mean, shape, lower, upper }) => {
      expectRelative(negativeBinomialLowerTail(count, { mean, shape }), lower, 1e-10, smallest);
      expectRelative(negativeBinomialUpperTail(count, { mean, shape }), upper, 1e-10, smallest);
    },
  );

  test.each(golden.binomial)('binomial, at least $k of $n at $p', ({ k, n, p, upper }) =>
    expectRelative(binomialUpperTail(k, n, p), upper, 1e-10, smallest),
  );
});

describe('tails and quantiles at their edges', () => {
  test('the quantile undoes the tail', () => {
    for (let exponent = 0.1; exponent < 600; exponent *= 1.7) {
      const p = Math.exp(-exponent);
      for (const df of [1, 19, 400]) expectRelative(chiSquareUpperTail(chiSquareUpperQuantile(p, df), df), p, 1e-10);
      for (const b of [0.5, 30, 1e6]) expectRelative(incompleteBeta(2, b, betaLowerQuantile(p, 2, b)).lower, p, 1e-10);
      expectRelative(kolmogorovTails(kolmogorovUpperQuantile(p)).upper, p, 1e-10);
    }
  });

  test('the mirror image of a beta quantile is the other one', () => {
    for (const p of [1e-12, 0.03, 0.5, 0.97]) {
      expectRelative(betaUpperQuantile(p, 3, 40), 1 - betaLowerQuantile(p, 40, 3), 1e-12);
    }
  });

  test('Kolmogorov tails meet where the series changes, and at the ends', () => {
    const [before, after] = [kolmogorovTails(0.8275735551899076), kolmogorovTails(0.8275735551899078)];
    expectRelative(before.lower, after.lower, 1e-14);
    expectRelative(before.upper, 0.5, 1e-14);
    expect(kolmogorovTails(0)).toEqual({ lower: 0, upper: 1 });
    expect(kolmogorovTails(1e-200)).toEqual({ lower: 0, upper: 1 });
    expect(kolmogorovTails(Number.POSITIVE_INFINITY)).toEqual({ lower: 1, upper: 0 });
  });

  test('a count of at least none is certain; of a mean of 0 nothing else', () => {
    expect(poissonUpperTail(0, 3)).toBe(1);
    expect([poissonLowerTail(0, 0), poissonUpperTail(1, 0), poissonLowerTail(5, 0)]).toEqual([1, 0, 1]);
    expect(negativeBinomialUpperTail(0, { mean: 3, shape: 1 })).toBe(1);
    expect(binomialUpperTail(0, 4, 0.2)).toBe(1);
    expectRelative(binomialUpperTail(4, 4, 0.2), 0.0016, 1e-13);
  });

  test('a negative binomial of a large shape is a Poisson distribution', () => {
    expectRelative(negativeBinomialLowerTail(90, { mean: 100, shape: 1e12 }), poissonLowerTail(90, 100), 1e-8);
  });

  test('a quantile that is no number any more is 0', () => {
    expect(chiSquareLowerQuantile(1e-200, 0.5)).toBe(0);
    expect(betaLowerQuantile(1e-200, 0.5, 2)).toBe(0);
  });

  test.each<[string, () => number]>([
    ['chi-square at 0', () => chiSquareUpperQuantile(0, 2)],
    ['chi-square at 1', () => chiSquareLowerQuantile(1, 2)],
    ['chi-square without freedom', () => chiSquareUpperQuantile(0.5, 0)],
    ['chi-square with endless freedom', () => chiSquareUpperQuantile(0.5, Number.POSITIVE_INFINITY)],
    ['beta at NaN', () => betaLowerQuantile(Number.NaN, 1, 1)],
    ['beta at 1', () => betaUpperQuantile(1, 1, 1)],
    ['beta without shape', () => betaUpperQuantile(0.5, 0, 1)],
    ['logBeta of less than 0', () => logBeta(1, -1)],
    ['Kolmogorov below 0', () => kolmogorovTails(-1).upper],
    ['Kolmogorov at NaN', () => kolmogorovTails(Number.NaN).upper],
    ['Kolmogorov quantile at 0', () => kolmogorovUpperQuantile(0)],
    ['Poisson of half an event', () => poissonLowerTail(0.5, 1)],
    ['Poisson of a negative mean', () => poissonUpperTail(1, -1)],
    ['negative binomial without mean', () => negativeBinomialLowerTail(1, { mean: 0, shape: 1 })],
    ['negative binomial without shape', () => negativeBinomialUpperTail(1, { mean: 1, shape: 0 })],
    ['binomial of more than all', () => binomialUpperTail(3, 2, 0.5)],
    ["Student's t without freedom", () => studentUpperTail(1, 0)],
    ["Student's t at 1", () => studentUpperQuantile(1, 3)],
    ['normal reach at 1', () => normalReach(1)],
  ])('%s is refused', (_, call) => expect(call).toThrow(RangeError));
});
