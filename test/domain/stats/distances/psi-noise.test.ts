import { describe, expect, test } from 'vitest';
import { noiseFloor, noiseScale } from '#domain/stats/distances/noise-floor.ts';
import { psi } from '#domain/stats/distances/psi.ts';
import { criticalPsi, debiasedPsi, psiPValue } from '#domain/stats/distances/psi-noise.ts';
import { fewestRows } from '#domain/stats/drift/fewest-rows.ts';
import golden from '../../../golden/distances.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const sizesOf = (cells: number, referenceRows: number, currentRows: number) =>
  Object.freeze({ cells, referenceRows, currentRows });

describe('noise of PSI', () => {
  const { B10_n1000_m1000: even, B10_n10000_m500: uneven, this_vector } = vectors.psi_null;

  test('agrees with the vectors', () => {
    for (const [sizes, wanted] of [
      [sizesOf(10, 1000, 1000), even],
      [sizesOf(10, 10_000, 500), uneven],
    ] as const) {
      expectRelative(noiseFloor(sizes), wanted.mean, 1e-9);
      expectRelative(criticalPsi(sizes, 0.05), wanted.crit05, 1e-9);
      expectRelative(criticalPsi(sizes, 0.001), wanted.crit001, 1e-9);
    }
    const found = psi(vectors.psi.ref, vectors.psi.cur) as number;
    expectRelative(found / (2 / 1000), this_vector.stat, 1e-9);
    expectRelative(psiPValue(found, sizesOf(this_vector.df + 1, 1000, 1000)), this_vector.p, 1e-9);
  });

  test.each(golden.noise)('agrees with SciPy: $cells cells, $n and $m rows, alpha $alpha, design effect $designEffect', (one) => {
    const sizes = sizesOf(one.cells, one.n, one.m);
    expectRelative(criticalPsi(sizes, one.alpha, one.designEffect), one.critical, 1e-10);
    expectRelative(psiPValue(one.psi, sizes, one.designEffect), one.pValue, 1e-9);
    expectRelative(debiasedPsi(one.psi, sizes, one.designEffect), Math.max(0, one.psi - one.floor), 1e-12);
    const critical = criticalPsi(sizes, one.alpha) / noiseScale(sizes);
    const rows = fewestRows({ critical, designEffect: one.designEffect, referenceRows: one.n, warnLevel: 0.1 });
    expect(rows).toBe(one.fewestRows);
  });

  test('the critical value has its own level as p-value', () => {
    const sizes = sizesOf(20, 5000, 800);
    for (const alpha of [1e-12, 0.001, 0.05, 0.9]) expectRelative(psiPValue(criticalPsi(sizes, alpha, 3), sizes, 3), alpha, 1e-9);
  });

  test('one cell has no noise, and PSI below the floor is nothing', () => {
    expect(criticalPsi(sizesOf(1, 10, 10), 0.05)).toBe(0);
    expect(psiPValue(0, sizesOf(1, 10, 10))).toBe(1);
    expect(debiasedPsi(0.017, sizesOf(10, 1000, 1000))).toBe(0);
  });

  test('refuses a design effect below 1, a negative PSI and a level that is none', () => {
    const sizes = sizesOf(10, 100, 100);
    expect(() => criticalPsi(sizes, 0.05, 0.5)).toThrow(/design effect must be at least 1: it is 0.5/);
    expect(() => psiPValue(1, sizes, Number.NaN)).toThrow(RangeError);
    expect(() => debiasedPsi(1, sizes, 0)).toThrow(RangeError);
    expect(() => psiPValue(-0.1, sizes)).toThrow(/at least 0: it is -0.1/);
    expect(() => psiPValue(Number.NaN, sizes)).toThrow(RangeError);
    expect(() => criticalPsi(sizes, 0)).toThrow(RangeError);
  });
});
