import { describe, expect, test } from 'vitest';
import { alphaOfUse } from '#domain/stats/comparison/alpha-spending.ts';
import { dkwBound, doublingEpochThreshold } from '#domain/stats/two-sample/dkw.ts';
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

describe('bounds of distribution functions', () => {
  const { alpha, epoch_k: epoch, n, ...wanted } = vectors.ks_doubling_epochs;

  test('agree with the vector', () => {
    expectRelative(alphaOfUse(alpha, epoch), wanted.alpha_k, 1e-9);
    expectRelative(dkwBound(n, alphaOfUse(alpha, epoch)), wanted.dkw_eps_one_sample, 1e-9);
    expectRelative(dkwBound(n, alpha), wanted.fixed_n_dkw_eps, 1e-9);
    const threshold = doublingEpochThreshold({ alpha, epoch, referenceRows: n, currentRows: n });
    expectRelative(threshold, wanted.two_sample_threshold_n_n, 1e-9);
  });

  test('all epochs together spend alpha, never more', () => {
    let spent = 0;
    for (let k = 1; k <= 100_000; k++) spent += alphaOfUse(0.05, k);
    expect(spent).toBeLessThan(0.05);
    expect(spent).toBeGreaterThan(0.0499);
  });

  test('refuse what is no alpha, no epoch and no rows', () => {
    expect(() => dkwBound(0, 0.05)).toThrow(RangeError);
    expect(() => dkwBound(10, 0)).toThrow(/alpha in \(0, 1\) must hold: 10, 0/);
    expect(() => alphaOfUse(0.05, 0)).toThrow(RangeError);
    expect(() => alphaOfUse(0.05, 1.5)).toThrow(RangeError);
    expect(() => alphaOfUse(1, 1)).toThrow(RangeError);
  });
});
