/** Another implementation in the same language, over random arguments: what golden files happen not to contain. */
import betainc from '@stdlib/math-base-special-betainc';
import betaincinv from '@stdlib/math-base-special-betaincinv';
import erfcinv from '@stdlib/math-base-special-erfcinv';
import gammainc from '@stdlib/math-base-special-gammainc';
import gammaln from '@stdlib/math-base-special-gammaln';
import { assert, double, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { betaLowerQuantile, betaUpperQuantile } from '#domain/stats/special/beta.ts';
import { incompleteBeta } from '#domain/stats/special/incomplete-beta.ts';
import { incompleteGamma } from '#domain/stats/special/incomplete-gamma.ts';
import { logGamma } from '#domain/stats/special/log-gamma.ts';
import { normalUpperQuantile } from '#domain/stats/special/normal.ts';
import { expectRelative } from '../tolerance.ts';

const runs = { numRuns: 500 };
/** Powers of ten, so that small and large arguments are as likely. */
const power = (min: number, max: number) => double({ min, max, noNaN: true }).map((exponent) => 10 ** exponent);
const share = double({ min: 1e-6, max: 1 - 1e-6, noNaN: true });

describe('special functions agree with @stdlib', () => {
  test('logGamma()', () => {
    assert(
      property(power(-5, 8), (x) => expectRelative(logGamma(x), gammaln(x), 1e-12, 1e-13)),
      runs,
    );
  });

  test('incompleteGamma()', () => {
    const about = double({ min: -4, max: 4, noNaN: true });
    assert(
      property(power(-1, 2.3), about, (shape, deviations) => {
        const x = Math.max(1e-3, shape + deviations * Math.sqrt(shape));
        const { lower, upper } = incompleteGamma(shape, x);
        expectRelative(lower, gammainc(x, shape), 1e-10, 1e-290);
        expectRelative(upper, gammainc(x, shape, true, true), 1e-10, 1e-290);
      }),
      runs,
    );
  });

  test('incompleteBeta()', () => {
    assert(
      property(power(-0.5, 4), power(-0.5, 4), share, (a, b, x) => {
        const { lower, upper } = incompleteBeta(a, b, x);
        expectRelative(lower, betainc(x, a, b), 1e-10, 1e-250);
        expectRelative(upper, betainc(x, a, b, true, true), 1e-10, 1e-250);
      }),
      runs,
    );
  });

  test('quantiles of the beta distribution', () => {
    assert(
      property(share, power(-0.3, 4), power(-0.3, 4), (p, a, b) => {
        expectRelative(betaLowerQuantile(p, a, b), betaincinv(p, a, b), 1e-9, 1e-250);
        expectRelative(betaUpperQuantile(p, a, b), betaincinv(p, a, b, true), 1e-9, 1e-250);
      }),
      runs,
    );
  });

  test('quantiles of the normal distribution', () => {
    assert(
      property(power(-250, -0.4), (p) => expectRelative(normalUpperQuantile(p), Math.SQRT2 * erfcinv(2 * p), 1e-11)),
      runs,
    );
  });

  test('and where they do not, golden values are on our side: @stdlib is off by 1 % at the mean of a large shape', () => {
    expect(Math.abs(gammainc(5000, 5000) / incompleteGamma(5000, 5000).lower - 1)).toBeGreaterThan(0.001);
  });
});
