import { describe, expect, test } from 'vitest';
import { binomialLowerTail, binomialProbability } from '#domain/stats/special/binomial.ts';
import { incompleteBeta } from '#domain/stats/special/incomplete-beta.ts';
import { chiSquareUpperTail, incompleteGamma } from '#domain/stats/special/incomplete-gamma.ts';
import { deviance, logGamma, stirlingError } from '#domain/stats/special/log-gamma.ts';
import { normalLowerTail, normalUpperQuantile, normalUpperTail } from '#domain/stats/special/normal.ts';
import golden from '../../golden/special.json' with { type: 'json' };
import { expectRelative } from './tolerance.ts';

/** SciPy loses digits below this; what matters there is that we neither return 0 nor a wrong magnitude. */
const smallest = 1e-300;

describe('special functions agree with SciPy', () => {
  test.each(golden.logGamma)('logGamma($x)', ({ x, value }) => expectRelative(logGamma(x), value, 1e-13, 1e-14));

  test.each(golden.gamma)('incompleteGamma($shape, $x)', ({ shape, x, lower, upper }) => {
    const tails = incompleteGamma(shape, x);
    expectRelative(tails.lower, lower, 1e-11, smallest);
    expectRelative(tails.upper, upper, 1e-11, smallest);
  });

  test.each(golden.beta)('incompleteBeta($a, $b, $x)', ({ a, b, x, lower, upper }) => {
    const tails = incompleteBeta(a, b, x);
    expectRelative(tails.lower, lower, 1e-10, smallest);
    expectRelative(tails.upper, upper, 1e-10, smallest);
  });

  test.each(golden.normal)('normal tails at $z', ({ z, lower, upper }) => {
    expectRelative(normalLowerTail(z), lower, 1e-12);
    expectRelative(normalUpperTail(z), upper, 1e-12);
  });

  test.each(golden.quantile)('normalUpperQuantile($probability)', ({ probability, z }) =>
    expectRelative(normalUpperQuantile(probability), z, 1e-12, 1e-15),
  );

  test.each(golden.chiSquare)('chiSquareUpperTail($x, $df)', ({ x, df, upper }) =>
    expectRelative(chiSquareUpperTail(x, df), upper, 1e-11, smallest),
  );

  test.each(golden.binomial)('binomial $k of $n at $p', ({ k, n, p, pmf, lower }) => {
    expectRelative(binomialProbability(k, n, p), pmf, 1e-11, smallest);
    expectRelative(binomialLowerTail(k, n, p), lower, 1e-10, smallest);
  });
});

describe('special functions at their edges', () => {
  test('both tails meet their ends', () => {
    expect(incompleteGamma(3, 0)).toEqual({ lower: 0, upper: 1 });
    expect(incompleteGamma(3, Number.POSITIVE_INFINITY)).toEqual({ lower: 1, upper: 0 });
    expect(incompleteBeta(2, 3, 0)).toEqual({ lower: 0, upper: 1 });
    expect(incompleteBeta(2, 3, 1)).toEqual({ lower: 1, upper: 0 });
    expect(normalUpperTail(Number.POSITIVE_INFINITY)).toBe(0);
    expect(normalUpperTail(Number.NEGATIVE_INFINITY)).toBe(1);
  });

  test('the quantile undoes the tail', () => {
    for (let z = 0.01; z <= 37; z += 0.37) expectRelative(normalUpperQuantile(normalUpperTail(z)), z, 1e-11);
    for (let z = -4; z < 0; z += 0.37) expectRelative(normalUpperQuantile(normalUpperTail(z)), z, 1e-10);
  });

  test('the deviance is smooth where its formula changes', () => {
    const mean = 40;
    const exact = (x: number) => x * Math.log(x / mean) + mean - x;
    for (const x of [43.9999, 44.0001, 36.0001, 35.9999]) expectRelative(deviance(x, mean), exact(x), 1e-12);
    expect(deviance(mean, mean)).toBe(0);
    expect(deviance(0, mean)).toBe(mean);
  });

  test('the Stirling error is continuous where its series begins', () => {
    expectRelative(stirlingError(10 - 1e-9), stirlingError(10), 1e-9);
    expectRelative(stirlingError(1), 1 - Math.log(Math.sqrt(2 * Math.PI)), 1e-13);
  });

  test('arguments outside the domain are refused', () => {
    expect(() => logGamma(0)).toThrow(RangeError);
    expect(() => logGamma(Number.NaN)).toThrow(RangeError);
    expect(() => incompleteGamma(-1, 2)).toThrow(RangeError);
    expect(() => incompleteBeta(1, 2, 1.5)).toThrow(RangeError);
    expect(() => normalUpperQuantile(0)).toThrow(RangeError);
    expect(() => normalUpperQuantile(1)).toThrow(RangeError);
    expect(() => binomialProbability(3, 2, 0.5)).toThrow(RangeError);
    expect(() => binomialLowerTail(0.5, 2, 0.5)).toThrow(RangeError);
  });
});
