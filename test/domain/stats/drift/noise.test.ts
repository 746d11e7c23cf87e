import { describe, expect, test } from 'vitest';
import { rankPsi } from '#domain/stats/drift/drift-p-value.ts';
import { fewestRows } from '#domain/stats/drift/fewest-rows.ts';
import { noiseFloor } from '#domain/stats/drift/noise-floor.ts';
import { occupiedCells } from '#domain/stats/drift/occupied-cells.ts';
import { chiSquareUpperQuantile } from '#domain/stats/special/chi-square.ts';
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

describe('noise of PSI', () => {
  const { psi_null, min_rows } = vectors;

  test('the mean without any change is that of the vectors', () => {
    expectRelative(noiseFloor({ cells: 10, referenceRows: 1000, currentRows: 1000 }), psi_null.B10_n1000_m1000.mean, 1e-12);
    expectRelative(noiseFloor({ cells: 10, referenceRows: 10_000, currentRows: 500 }), psi_null.B10_n10000_m500.mean, 1e-12);
  });

  test('the fewest rows are those of the vectors', () => {
    const fewest = (cells: number) =>
      fewestRows({ critical: chiSquareUpperQuantile(0.05, cells - 1), designEffect: 1, referenceRows: 10_000, warnLevel: 0.1 });
    expect(fewest(10)).toBe(min_rows['B10_nref10000_theta.1']);
    expect(fewest(20)).toBe(min_rows['B20_nref10000_theta.1']);
  });

  test('no number of rows is enough against a reference that is itself noise', () => {
    expect(fewestRows({ critical: 10, designEffect: 1, referenceRows: 100, warnLevel: 0.1 })).toBeNull();
    expect(fewestRows({ critical: 0, designEffect: 1, referenceRows: 100, warnLevel: 0.1 })).toBe(1);
  });
});

describe('occupiedCells()', () => {
  test('leaves out what both sides leave empty', () => {
    expect(occupiedCells([3, 0, 0, 5], [0, 0, 2, 1])).toEqual({
      reference: [3, 0, 5],
      current: [0, 2, 1],
      referenceRows: 8,
      currentRows: 3,
    });
  });

  test('is null where a side has no rows', () => {
    expect(occupiedCells([0, 0], [1, 0])).toBeNull();
    expect(occupiedCells([], [])).toBeNull();
  });
});

describe('rankPsi()', () => {
  const sizes = { cells: 10, referenceRows: 10_000, currentRows: 1000 };
  const quiet = Array.from({ length: 99 }, (_, window) => (window + 1) / 5000);
  const rank = (psi: number) => rankPsi({ quiet, psi, sizes, designEffect: 1 });

  test('is the rank within the quiet windows', () => {
    expect(rank(0)).toBe(1);
    expect(rank(0.0101)).toBe(0.5);
    expect(rank(99 / 5000)).toBe(0.02);
  });

  test('goes on from 1 / (K + 1) without a step, and falls for ever', () => {
    expectRelative(rank(99 / 5000 + 1e-9), 0.01, 1e-5);
    expect(rank(0.03)).toBeLessThan(0.01);
    expect(rank(0.1)).toBeLessThan(1e-10);
    for (let psi = 0.001; psi < 0.2; psi += 0.001) expect(rank(psi + 0.001)).toBeLessThanOrEqual(rank(psi));
  });

  test('says nothing without quiet windows, and no more than the rank where the largest is beyond all chance', () => {
    expect(rankPsi({ quiet: [], psi: 9, sizes, designEffect: 1 })).toBe(1);
    expect(rankPsi({ quiet: [50], psi: 60, sizes, designEffect: 1 })).toBe(0.5);
  });

  test('one cell never passes', () =>
    expect(rankPsi({ quiet: [0, 0], psi: 0, sizes: { ...sizes, cells: 1 }, designEffect: 1 })).toBe(1));
});
