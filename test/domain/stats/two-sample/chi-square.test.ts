import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chiSquareHomogeneity } from '#domain/stats/two-sample/chi-square.ts';
import { twoProportionTest } from '#domain/stats/two-sample/proportions.ts';
import golden from '../../../golden/two-sample.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const counts = (cells: number) => fc.array(fc.integer({ min: 0, max: 400 }), { minLength: cells, maxLength: cells });
const pairs = fc.integer({ min: 1, max: 20 }).chain((cells) => fc.tuple(counts(cells), counts(cells)));

describe('chiSquareHomogeneity()', () => {
  test('agrees with the vector', () => {
    const { ref, cur } = vectors.categorical;
    const found = chiSquareHomogeneity(Object.freeze(ref), Object.freeze(cur));
    const wanted = vectors.chi2.homogeneity;
    expectRelative(found?.statistic as number, wanted.x2, 1e-9);
    expect(found?.degreesOfFreedom).toBe(wanted.df);
    expectRelative(found?.pValue as number, wanted.p, 1e-9);
  });

  test('agrees with the chi-square beside the vector of the permutation test', () => {
    const { ref, cur, chi2_p } = vectors.permutation_tvd;
    expectRelative(chiSquareHomogeneity(Object.values(ref), Object.values(cur))?.pValue as number, chi2_p, 1e-9);
  });

  test.each(golden.chiSquare)(
    'agrees with SciPy for $reference and $current',
    ({ reference, current, designEffect, ...wanted }) => {
      const found = chiSquareHomogeneity(Object.freeze(reference), Object.freeze(current), designEffect);
      expect(found?.degreesOfFreedom).toBe(wanted.degreesOfFreedom);
      expectRelative(found?.statistic as number, wanted.statistic, 1e-10, 1e-14);
      expectRelative(found?.pValue as number, wanted.pValue, 1e-9, 1e-300);
    },
  );

  test('puts sparse cells together until none expects fewer than five rows on the smaller side', () => {
    // Two of 20 rows are expected in each sparse cell on the smaller side; together six.
    const six = chiSquareHomogeneity([70, 70, 20, 20, 20], [7, 7, 2, 2, 2]);
    expect(six).toMatchObject({ cells: 3, degreesOfFreedom: 2, statistic: 0, pValue: 1 });
    // One sparse cell alone joins the smallest of the others: 60 and 63 remain.
    expect(chiSquareHomogeneity([60, 60, 3], [60, 59, 2])?.cells).toBe(2);
  });

  test('one cell that is left is no evidence', () => {
    expect(chiSquareHomogeneity([8], [5])).toEqual({ statistic: 0, degreesOfFreedom: 0, pValue: 1, cells: 1 });
    expect(chiSquareHomogeneity([4, 1], [0, 3])).toEqual({ statistic: 0, degreesOfFreedom: 0, pValue: 1, cells: 1 });
  });

  test('of two large cells it is the test of two proportions', () => {
    const large = fc.integer({ min: 50, max: 5000 });
    fc.assert(
      fc.property(large, large, large, large, (a, b, c, d) => {
        const cells = chiSquareHomogeneity([a, b], [c, d]);
        const shares = twoProportionTest({ count: a, rows: a + b }, { count: c, rows: c + d });
        if (cells?.cells === 2) expectRelative(cells.pValue, shares?.pValue as number, 1e-9, 1e-300);
      }),
    );
  });

  test('does not depend on the order of the cells, on the side, or on cells without rows', () => {
    fc.assert(
      fc.property(pairs, ([reference, current]) => {
        const found = chiSquareHomogeneity(reference, current);
        const pooled = reference.map((count, cell) => count + (current[cell] as number));
        // Among cells of equal size the first takes in what is sparse.
        const distinct = new Set(pooled).size === pooled.length;
        const others = [
          ...(distinct ? [chiSquareHomogeneity(reference.toReversed(), current.toReversed())] : []),
          chiSquareHomogeneity(current, reference),
          chiSquareHomogeneity([0, ...reference], [0, ...current]),
        ];
        for (const other of others) {
          expect(other?.degreesOfFreedom).toBe(found?.degreesOfFreedom);
          if (found !== null) expectRelative(other?.statistic as number, found.statistic, 1e-10, 1e-12);
        }
      }),
    );
  });

  test('a design effect divides the statistic', () => {
    const plain = chiSquareHomogeneity([300, 200], [200, 300]);
    const clustered = chiSquareHomogeneity([300, 200], [200, 300], 6.7);
    expectRelative(clustered?.statistic as number, (plain?.statistic as number) / 6.7, 1e-12);
    expect(clustered?.pValue).toBeGreaterThan(plain?.pValue as number);
    expect(() => chiSquareHomogeneity([1, 2], [3, 4], 0.9)).toThrow(/design effect must be at least 1: it is 0.9/);
    expect(() => chiSquareHomogeneity([1, 2], [3, 4], Number.NaN)).toThrow(RangeError);
  });

  test('no rows are no answer; what are no counts of the same cells is refused', () => {
    expect(chiSquareHomogeneity([0, 0], [1, 2])).toBeNull();
    expect(chiSquareHomogeneity([1, 2], [0, 0])).toBeNull();
    expect(chiSquareHomogeneity([], [])).toBeNull();
    expect(() => chiSquareHomogeneity([1, 2], [1])).toThrow(RangeError);
    expect(() => chiSquareHomogeneity([1, 2.5], [1, 2])).toThrow(/cell 1 of reference has 2.5/);
  });
});
