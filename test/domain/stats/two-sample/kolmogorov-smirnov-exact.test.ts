import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kolmogorovSmirnovExact } from '#domain/stats/two-sample/kolmogorov-smirnov-exact.ts';
import golden from '../../../golden/two-sample.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

/** All orders of n and m rows, and how far apart each gets. */
const orders = (n: number, m: number): number[] => {
  const walk = (i: number, j: number, furthest: number): number[] => {
    const here = Math.max(furthest, Math.abs(i * m - j * n));
    if (i === n && j === m) return [here];
    return [...(i < n ? walk(i + 1, j, here) : []), ...(j < m ? walk(i, j + 1, here) : [])];
  };
  return walk(0, 0, 0);
};

describe('kolmogorovSmirnovExact()', () => {
  test('agrees with the vector', () => {
    expectRelative(kolmogorovSmirnovExact(Math.round(vectors.ks.D * 20 * 16), 20, 16), vectors.ks.p_exact, 1e-9);
  });

  test.each(golden.exactTail)('agrees with SciPy for $n and $m rows, $steps steps apart', ({ n, m, steps, pValue }) =>
    expectRelative(kolmogorovSmirnovExact(steps, n, m), pValue, 1e-9),
  );

  test.each([
    [1, 1],
    [2, 3],
    [4, 4],
    [3, 7],
    [6, 5],
  ])('counts the orders of %i and %i rows', (n, m) => {
    const all = orders(n, m);
    for (let steps = 0; steps <= n * m; steps++) {
      const share = all.filter((furthest) => furthest >= steps).length / all.length;
      expectRelative(kolmogorovSmirnovExact(steps, n, m), share, 1e-13);
    }
  });

  test('two samples that do not touch have the chance of 2 orders among all', () => {
    // 60 rows of which 30 come first: 1 in 1.18e17.
    expectRelative(kolmogorovSmirnovExact(900, 30, 30), 2 / 118264581564861424, 1e-12);
  });

  test('does not depend on which sample comes first, and falls with the distance', () => {
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(size, size, fc.nat(), (n, m, seed) => {
        const steps = seed % (n * m);
        const found = kolmogorovSmirnovExact(steps, n, m);
        expect(found).toBe(kolmogorovSmirnovExact(steps, m, n));
        expect(kolmogorovSmirnovExact(steps + 1, n, m)).toBeLessThanOrEqual(found);
      }),
    );
  });

  test('refuses sizes that it cannot count', () => {
    expect(() => kolmogorovSmirnovExact(1, 0, 3)).toThrow(/whole and above 0: they are 0 and 3/);
    expect(() => kolmogorovSmirnovExact(1, 2.5, 3)).toThrow(RangeError);
    expect(() => kolmogorovSmirnovExact(1, 3, Number.POSITIVE_INFINITY)).toThrow(RangeError);
  });
});
