import { describe, expect, test } from 'vitest';
import { quantileOfSorted } from '#domain/stats/quantile.ts';
import { createRandom } from '#domain/stats/random.ts';
import { ascendingOrder, midRanks } from '#domain/stats/ranks.ts';
import golden from '../../golden/metrics.json' with { type: 'json' };
import vectors from '../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from './tolerance.ts';

describe('midRanks()', () => {
  test.each(golden.ranks)('agrees with SciPy on $values', ({ values, ranks }) => {
    expect([...midRanks(Object.freeze(values) as number[])]).toEqual(ranks);
  });

  test('sums to n (n + 1) / 2 whatever the ties', () => {
    const random = createRandom(7);
    for (let n = 0; n < 60; n++) {
      const values = Array.from({ length: n }, () => Math.floor(random() * 10));
      expect(midRanks(values).reduce((sum, rank) => sum + rank, 0)).toBe((n * (n + 1)) / 2);
    }
  });

  test('ascendingOrder() keeps equal values in their order', () => {
    expect([...ascendingOrder([2, 1, 2, 1, 2])]).toEqual([1, 3, 0, 2, 4]);
  });
});

describe('quantileOfSorted()', () => {
  test.each(golden.quantiles)('agrees with NumPy at $share', ({ sorted, share, value }) =>
    expectRelative(quantileOfSorted(sorted, share), value, 1e-12, 1e-15),
  );

  test('refuses to answer for nothing', () => {
    expect(() => quantileOfSorted([], 0.5)).toThrow(RangeError);
  });
});

describe('createRandom()', () => {
  test('starts as the design says', () => {
    const random = createRandom(42);
    for (const wanted of vectors.paired_bootstrap.first_three_uniforms) expectRelative(random(), wanted, 1e-9);
  });

  test('repeats itself for a seed and differs between seeds', () => {
    const draw = (seed: number) => Array.from({ length: 5 }, createRandom(seed));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  test('is uniform enough to resample with', () => {
    const random = createRandom(3);
    const cells = new Array<number>(100).fill(0);
    for (let draw = 0; draw < 100_000; draw++) (cells[Math.floor(random() * 100)] as number)++;
    const chiSquare = cells.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // 99 degrees of freedom: 0.1 % lie above 148.2, 0.1 % below 60.3.
    expect(chiSquare).toBeGreaterThan(60.3);
    expect(chiSquare).toBeLessThan(148.2);
  });
});
