import { array, assert, constantFrom, double, integer, oneof, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cellEdges, cellsFor, nextDown, numericLayoutOf } from '#domain/stats/summaries/cell-edges.ts';
import { countValues, createPlacer } from '#domain/stats/summaries/place-value.ts';
import golden from '../../../golden/summaries.json' with { type: 'json' };

describe('cells of a numeric layout', () => {
  test.each(golden.cells)('hold what NumPy counts: $name, edges $edges', ({ edges, values, cells }) => {
    expect(countValues({ kind: 'numeric', edges }, Object.freeze(values)).cells).toEqual(cells);
  });

  test.each(golden.edges)('have the edges that NumPy finds: $name, $cells cells', ({ values, cells, edges }) => {
    expect(numericLayoutOf(Object.freeze(values), cells).edges).toEqual(edges);
  });

  test('are 20, or 10 for few rows', () => expect([0, 1999, 2000, 1e9].map(cellsFor)).toEqual([10, 10, 20, 20]));
});

describe('cellEdges()', () => {
  test('sorts, and makes equal edges one', () => {
    const quantiles = Object.freeze([3, 1, 1, 2]);
    expect(cellEdges({ quantiles, heavyValues: [], cells: 5 })).toEqual([1, 2, 3]);
    expect(cellEdges({ quantiles: [0, -0], heavyValues: [], cells: 3 })).toEqual([0]);
  });

  test('gives a heavy value a cell in which nothing else is', () => {
    const edges = cellEdges({ quantiles: [0, 0, 5], heavyValues: [0], cells: 4 });
    expect(edges).toEqual([-Number.MIN_VALUE, 0, 5]);
    const place = createPlacer({ kind: 'numeric', edges });
    expect([-Number.MIN_VALUE, -0, 0, Number.MIN_VALUE].map(place)).toEqual([0, 1, 1, 2]);
  });

  test('a constant has two edges; one cell has none; nothing has none', () => {
    expect(numericLayoutOf([7, 7, 7]).edges).toEqual([nextDown(7), 7]);
    expect(cellEdges({ quantiles: [], heavyValues: [], cells: 1 })).toEqual([]);
    expect(numericLayoutOf([]).edges).toEqual([]);
  });

  test('the lowest of all numbers has no edge below it', () => {
    expect(cellEdges({ quantiles: [], heavyValues: [-Number.MAX_VALUE], cells: 1 })).toEqual([-Number.MAX_VALUE]);
  });

  test.each([
    { quantiles: [1], heavyValues: [], cells: 1 },
    { quantiles: [1], heavyValues: [], cells: 3 },
    { quantiles: [], heavyValues: [], cells: 0 },
    { quantiles: [1, 2], heavyValues: [], cells: 2.5 },
    { quantiles: [Number.NaN], heavyValues: [], cells: 2 },
    { quantiles: [1], heavyValues: [Number.POSITIVE_INFINITY], cells: 2 },
  ])('refuses $quantiles, $heavyValues for $cells cells', (plan) => expect(() => cellEdges(plan)).toThrow(RangeError));

  test('no cell but that of a single value holds more than twice its share', () => {
    const value = oneof(integer({ min: -3, max: 3 }), double({ noNaN: true, noDefaultInfinity: true }), constantFrom(-0, 0, 0.1));
    assert(
      property(array(value, { minLength: 1, maxLength: 120 }), integer({ min: 1, max: 12 }), (values, cells) => {
        Object.freeze(values);
        const layout = numericLayoutOf(values, cells);
        const place = createPlacer(layout);
        const counts = countValues(layout, values).cells;
        expect(counts.reduce((sum, rows) => sum + rows, 0)).toBe(values.length);
        counts.forEach((rows, cell) => {
          const distinct = new Set(values.filter((value) => place(value) === cell).map((value) => value + 0));
          if (distinct.size > 1) expect(rows).toBeLessThanOrEqual((2 * values.length) / cells);
        });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('nextDown()', () => {
  test.each([
    [1, 1 - Number.EPSILON / 2],
    [-1, -1 - Number.EPSILON],
    [0, -Number.MIN_VALUE],
    [-0, -Number.MIN_VALUE],
    [Number.MIN_VALUE, 0],
    [-Number.MAX_VALUE, Number.NEGATIVE_INFINITY],
  ])('of %d is %d', (value, below) => expect(nextDown(value)).toBe(below));

  test('leaves no number between', () => {
    assert(
      property(double({ noNaN: true, noDefaultInfinity: true, min: -1e300 }), (value) => {
        const below = nextDown(value);
        expect(below).toBeLessThan(value);
        const middle = below / 2 + value / 2;
        expect(middle <= below || middle >= value).toBe(true);
      }),
    );
  });
});
