import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { spreadOf } from '#domain/stats/distances/spread.ts';
import { wassersteinDistance, wassersteinUnit } from '#domain/stats/distances/wasserstein.ts';
import { type OuterCells, wassersteinOfCells } from '#domain/stats/distances/wasserstein-cells.ts';
import golden from '../../../golden/distances.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const value = fc.integer({ min: -20, max: 20 });
const sample = fc.array(value, { minLength: 1, maxLength: 25 }).map((values) => Object.freeze(values));

describe('wassersteinDistance()', () => {
  const { ref, cur, ...wanted } = vectors.numeric;

  test('agrees with the vector, bare and in both units', () => {
    const distance = wassersteinDistance(ref, cur) as number;
    const spread = spreadOf(ref);
    if (spread === null) throw new TypeError('there must be a spread');
    expectRelative(distance, wanted.w1, 1e-9);
    expectRelative(spread.standardDeviation, wanted.std_ref_ddof0, 1e-9);
    expectRelative(distance / wassersteinUnit(spread.standardDeviation, spread.median), wanted.w1_normed, 1e-9);
    expectRelative(spread.interquartileRange, wanted.iqr_ref, 1e-9);
    expectRelative(distance / wassersteinUnit(spread.interquartileRange, spread.median), wanted.w1_over_iqr, 1e-9);
  });

  test.each(golden.samples)('agrees with SciPy: $name', ({ reference, current, distance }) =>
    expectRelative(wassersteinDistance(Object.freeze(reference), Object.freeze(current)) as number, distance, 1e-12, 1e-24),
  );

  test('a shift moves it by just that; the order of rows does not matter', () => {
    fc.assert(
      fc.property(sample, value, (values, shift) => {
        const moved = values.map((one) => one + shift).reverse();
        expectRelative(wassersteinDistance(values, moved) as number, Math.abs(shift), 1e-12);
      }),
    );
  });

  test('is symmetric, and the mean difference of sorted values for equal sizes', () => {
    const equalSizes = sample.chain((one) =>
      fc.tuple(fc.constant(one), fc.array(value, { minLength: one.length, maxLength: one.length })),
    );
    fc.assert(
      fc.property(equalSizes, ([one, two]) => {
        const [left, right] = [one.toSorted((a, b) => a - b), two.toSorted((a, b) => a - b)];
        const mean = left.reduce((sum, low, row) => sum + Math.abs(low - (right[row] as number)), 0) / left.length;
        expectRelative(wassersteinDistance(one, two) as number, mean, 1e-12);
        expect(wassersteinDistance(two, one)).toBe(wassersteinDistance(one, two));
      }),
    );
  });

  test('is absent for an empty sample; refuses what is not finite', () => {
    expect(wassersteinDistance([], [1])).toBeNull();
    expect(wassersteinDistance([1], [])).toBeNull();
    expect(() => wassersteinDistance([1, Number.NaN, 2], [1])).toThrow(/every value must be finite: one is NaN/);
    expect(() => wassersteinDistance([1], [Number.NEGATIVE_INFINITY, 1])).toThrow(/one is -Infinity/);
  });

  test('does not give NaN where the range itself is infinite', () => {
    expect(wassersteinDistance([-1.5e308], [1.5e308])).toBe(Number.POSITIVE_INFINITY);
    expect(wassersteinDistance([-1.5e308, 1.5e308], [-1.5e308, 1.5e308])).toBe(0);
  });
});

describe('spreadOf()', () => {
  test.each(golden.spread)('agrees with NumPy for $values', ({ values, deviation, interquartile, median }) => {
    const found = spreadOf(Object.freeze(values));
    expectRelative(found?.standardDeviation as number, deviation, 1e-12);
    expectRelative(found?.interquartileRange as number, interquartile, 1e-12);
    expectRelative(found?.median as number, median, 1e-12);
  });

  test('nothing has no spread, and one value spreads by 0', () => {
    expect(spreadOf([])).toBeNull();
    expect(spreadOf([4])).toEqual({ median: 4, standardDeviation: 0, interquartileRange: 0 });
  });
});

describe('wassersteinUnit()', () => {
  test('is the spread, unless that is next to nothing beside the median', () => {
    expect(wassersteinUnit(2, 100)).toBe(2);
    expect(wassersteinUnit(0.05, 100)).toBe(0.1);
    expect(wassersteinUnit(0, -100)).toBe(0.1);
    expect(wassersteinUnit(0, 0)).toBe(1e-12);
    // Small units are units, too.
    expect(wassersteinUnit(1e-6, 1e-6)).toBe(1e-6);
  });

  test('refuses what is no spread', () => {
    expect(() => wassersteinUnit(-1, 0)).toThrow(RangeError);
    expect(() => wassersteinUnit(Number.NaN, 0)).toThrow(RangeError);
    expect(() => wassersteinUnit(1, Number.POSITIVE_INFINITY)).toThrow(RangeError);
  });
});

describe('wassersteinOfCells()', () => {
  const unknown: OuterCells = { kind: 'unknown' };

  test.each(golden.binned)('agrees with numerical integration over $edges.length edges', (one) => {
    const { edges, reference, current, excess, means } = one;
    const cells = Object.freeze({
      edges: Object.freeze(edges),
      reference: Object.freeze(reference),
      current: Object.freeze(current),
    });
    const [old, fresh] = excess.map(([below, above]) => ({ below: below as number, above: above as number }));
    if (old === undefined || fresh === undefined) throw new TypeError('there must be excesses of both sides');
    expectRelative(wassersteinOfCells({ ...cells, outer: unknown }) as number, one.unknown, 1e-9);
    expectRelative(
      wassersteinOfCells({ ...cells, outer: { kind: 'mean excess', reference: old, current: fresh } }) as number,
      one.byExcess,
      1e-9,
    );
    const outer: OuterCells = { kind: 'means', reference: means[0] as number, current: means[1] as number };
    expectRelative(wassersteinOfCells({ ...cells, outer }) as number, one.byMeans, 1e-9);
  });

  test('finds a shift of even rows exactly, from the mean excess or from the means', () => {
    // Rows spread evenly over (0, 10] against the same moved up by one half; cells of one between 1 and 9.
    const edges = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const reference = new Array<number>(10).fill(20);
    const current = [10, ...new Array<number>(8).fill(20), 30];
    const excess: OuterCells = {
      kind: 'mean excess',
      reference: { below: 0.5, above: 0.5 },
      current: { below: 0.25, above: 0.75 },
    };
    expectRelative(wassersteinOfCells({ edges, reference, current, outer: excess }) as number, 0.5, 1e-12);
    const means: OuterCells = { kind: 'means', reference: 5, current: 5.5 };
    expectRelative(wassersteinOfCells({ edges, reference, current, outer: means }) as number, 0.5, 1e-12);
    expectRelative(wassersteinOfCells({ edges, reference, current, outer: unknown }) as number, 0.4, 1e-12);
  });

  test('comes close to the samples themselves', () => {
    const { ref, cur, w1 } = vectors.numeric;
    const edges = Array.from({ length: 11 }, (_, k) => 2.5 + 0.5 * k);
    const cellsOf = (values: readonly number[]) =>
      Array.from(
        { length: 12 },
        (_, cell) => values.filter((one) => one > (edges[cell - 1] ?? -Infinity) && one <= (edges[cell] ?? Infinity)).length,
      );
    const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
    const outer: OuterCells = { kind: 'means', reference: mean(ref), current: mean(cur) };
    expectRelative(wassersteinOfCells({ edges, reference: cellsOf(ref), current: cellsOf(cur), outer }) as number, w1, 0.03);
  });

  test('is absent without rows; one cell knows its means only', () => {
    expect(wassersteinOfCells({ edges: [0], reference: [0, 0], current: [1, 2], outer: unknown })).toBeNull();
    expect(wassersteinOfCells({ edges: [], reference: [3], current: [5], outer: unknown })).toBe(0);
    expect(
      wassersteinOfCells({ edges: [], reference: [3], current: [5], outer: { kind: 'means', reference: 1, current: 4 } }),
    ).toBe(3);
    const none = { below: 0, above: 0 };
    expect(() =>
      wassersteinOfCells({
        edges: [],
        reference: [3],
        current: [5],
        outer: { kind: 'mean excess', reference: none, current: none },
      }),
    ).toThrow(/at least one edge: there is none/);
  });

  test('refuses edges that are none of these cells', () => {
    const of = (edges: number[]) => () => wassersteinOfCells({ edges, reference: [1, 2, 3], current: [1, 2, 3], outer: unknown });
    expect(of([1])).toThrow(/one edge fewer than cells: 1 and 3/);
    expect(of([2, 2])).toThrow(/finite and ascend: edge 1 is 2/);
    expect(of([2, 1])).toThrow(RangeError);
    expect(of([2, Number.NaN])).toThrow(RangeError);
    expect(of([2, Number.POSITIVE_INFINITY])).toThrow(/edge 1 is Infinity/);
  });
});
