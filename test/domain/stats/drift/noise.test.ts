import { describe, expect, test } from 'vitest';
import { noiseFloor } from '#domain/stats/distances/noise-floor.ts';
import { smoothedPsi } from '#domain/stats/distances/psi.ts';
import { rankPsi } from '#domain/stats/drift/drift-p-value.ts';
import { fewestRows } from '#domain/stats/drift/fewest-rows.ts';
import { type OccupiedCells, occupiedCells } from '#domain/stats/drift/occupied-cells.ts';
import { psiStandardError } from '#domain/stats/drift/psi-spread.ts';
import { createRandom } from '#domain/stats/random.ts';
import { chiSquareUpperQuantile } from '#domain/stats/special/chi-square.ts';
import { multinomial } from '../../../calibration/samplers.ts';
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

describe('psiStandardError()', () => {
  const shares = { quiet: [0.25, 0.25, 0.25, 0.25], changed: [0.4, 0.3, 0.2, 0.1] };

  test.each(['quiet', 'changed'] as const)('is how PSI scatters from window to window, where shares are %s', (kind) => {
    const random = createRandom(21);
    const errors: number[] = [];
    const found = Array.from({ length: 3000 }, () => {
      const before = multinomial(random, 10_000, [0.25, 0.25, 0.25, 0.25]);
      const now = multinomial(random, 800, shares[kind]);
      errors.push(psiStandardError(occupiedCells(before, now) as OccupiedCells, 1));
      return smoothedPsi(before, now) as number;
    });
    const mean = found.reduce((sum, one) => sum + one, 0) / found.length;
    const deviation = Math.sqrt(found.reduce((sum, one) => sum + (one - mean) ** 2, 0) / found.length);
    const typical = errors.sort((left, right) => left - right)[errors.length / 2] as number;
    expectRelative(typical, deviation, 0.06);
  });

  test('grows with the root of the design effect where shares have changed, and is 0 with one cell', () => {
    const cells = occupiedCells([250_000, 750_000], [50_000, 50_000]) as OccupiedCells;
    expectRelative(psiStandardError(cells, 4), 2 * psiStandardError(cells, 1), 1e-3);
    expect(psiStandardError(occupiedCells([5], [9]) as OccupiedCells, 2)).toBe(0);
    expect(() => psiStandardError(cells, 0.5)).toThrow(RangeError);
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
