import { array, assert, constant, constantFrom, double, float, integer, oneof, property, record, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CategoricalLayout, CellCounts, Layout, NumericLayout } from '#domain/contracts/reference-profile.ts';
import { cellCountsSchema, layoutSchema } from '#domain/contracts/reference-profile.ts';
import {
  addCounts,
  cellsOf,
  emptyCounts,
  rowsCounted,
  rowsInCells,
  subtractCounts,
} from '#domain/stats/summaries/cell-counts.ts';
import { cellOf, countValues, createPlacer } from '#domain/stats/summaries/place-value.ts';

const numeric: NumericLayout = Object.freeze({ kind: 'numeric', edges: Object.freeze([-1.5, 0, 10]) as unknown as number[] });
const categorical: CategoricalLayout = Object.freeze<CategoricalLayout>({
  kind: 'categorical',
  values: Object.freeze(['red', '', '__proto__']) as unknown as string[],
  seen: { kind: 'exact', values: ['mauve', 'constructor', 'red'] },
});
const frozen = (counts: CellCounts): CellCounts => {
  Object.freeze(counts.cells);
  return Object.freeze(counts);
};

describe('createPlacer() for numbers', () => {
  const place = createPlacer(numeric);

  test.each([
    [-1e308, 0],
    [-1.5, 0],
    [-1.4999999999999998, 1],
    [-0, 1],
    [0, 1],
    [5e-324, 2],
    [10, 2],
    [10.000000000000002, 3],
    [1e308, 3],
  ])('%d is in cell %d', (value, cell) => expect(place(value)).toBe(cell));

  test.each([
    [Number.NaN, 'missing'],
    [null, 'missing'],
    [undefined, 'missing'],
    [Number.POSITIVE_INFINITY, 'nonFinite'],
    [Number.NEGATIVE_INFINITY, 'nonFinite'],
    ['5', 'wrongType'],
    ['', 'wrongType'],
    [true, 'wrongType'],
    [5n, 'wrongType'],
    [{}, 'wrongType'],
    [[1], 'wrongType'],
  ])('%s is set aside as %s', (value, aside) => expect(place(value)).toBe(aside));

  test('without edges there is one cell', () => {
    expect(cellsOf({ kind: 'numeric', edges: [] })).toBe(1);
    expect(createPlacer({ kind: 'numeric', edges: [] })(-7)).toBe(0);
  });

  test.each([[[1, 1]], [[2, 1]], [[Number.NaN]], [[Number.POSITIVE_INFINITY]], [[0, -0]]])('refuses the edges %j', (edges) =>
    expect(() => createPlacer({ kind: 'numeric', edges })).toThrow(RangeError),
  );

  test('agrees with counting the edges below, for any edges and values', () => {
    const awkward = oneof(
      double({ noNaN: true, noDefaultInfinity: true }),
      float({ noNaN: true, noDefaultInfinity: true }),
      integer(),
    );
    assert(
      property(array(awkward), array(awkward), (some, values) => {
        const edges = Float64Array.from(new Set(some.map((edge) => edge + 0))).sort();
        // Values at the edges themselves are where a search goes wrong.
        for (const value of [...values, ...edges]) expect(cellOf(edges, value)).toBe(edges.filter((edge) => edge < value).length);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('createPlacer() for categories', () => {
  const place = createPlacer(categorical);
  const other = 3;
  const fresh = 4;

  test.each([
    ['red', 0],
    ['', 1],
    ['__proto__', 2],
    ['mauve', other],
    ['constructor', other],
    ['toString', fresh],
    ['Red', fresh],
    ['red ', fresh],
    ['\ud800', fresh],
    ['é', fresh],
  ])('%j is in cell %d', (value, cell) => expect(place(value)).toBe(cell));

  test.each([
    [null, 'missing'],
    [undefined, 'missing'],
    [Number.NaN, 'missing'],
    [7, 'wrongType'],
    [Number.POSITIVE_INFINITY, 'wrongType'],
    [false, 'wrongType'],
    [new String('red'), 'wrongType'],
  ])('%s is set aside as %s', (value, aside) => expect(place(value)).toBe(aside));

  test('refuses a category that is named twice', () =>
    expect(() => createPlacer({ kind: 'categorical', values: ['a', 'a'], seen: { kind: 'exact', values: [] } })).toThrow(
      RangeError,
    ));

  test('without values everything is other or new', () => {
    const bare = createPlacer({ kind: 'categorical', values: [], seen: { kind: 'exact', values: ['a'] } });
    expect([bare('a'), bare('b')]).toEqual([0, 1]);
  });
});

describe('counters', () => {
  const values = [1, null, 'x', Number.NaN, Number.NEGATIVE_INFINITY, 10, 11, '__proto__', 'red', 'mauve', 'nobody', ''];

  test('count every value once', () => {
    expect(countValues(numeric, values)).toEqual({ cells: [0, 0, 2, 1], missing: 2, nonFinite: 1, wrongType: 6 });
    expect(countValues(categorical, values)).toEqual({ cells: [1, 1, 1, 1, 2], missing: 2, nonFinite: 0, wrongType: 4 });
    expect(rowsCounted(countValues(numeric, values))).toBe(values.length);
    expect(rowsInCells(countValues(numeric, values))).toBe(3);
  });

  test('nothing counts as nothing', () => {
    for (const layout of [numeric, categorical]) {
      expect(countValues(layout, [])).toEqual(emptyCounts(layout));
      expect(rowsCounted(emptyCounts(layout))).toBe(0);
      expect(cellCountsSchema.safeParse(emptyCounts(layout)).success).toBe(true);
      expect(layoutSchema.safeParse(layout).success).toBe(true);
    }
  });

  test('of two layouts are not combined', () => {
    const one = emptyCounts(numeric);
    const two = emptyCounts(categorical);
    expect(() => addCounts(one, two)).toThrow('Cannot combine counters as both must have the same cells: they have 4 and 5');
    expect(() => subtractCounts(one, two)).toThrow(RangeError);
  });

  test.each(['missing', 'nonFinite', 'wrongType'] as const)('subtract nothing that is not there: %s', (aside) => {
    const none = emptyCounts(numeric);
    expect(() => subtractCounts(none, { ...none, [aside]: 1 })).toThrow(RangeError);
    expect(() => subtractCounts(none, { ...none, cells: [0, 0, 1, 0] })).toThrow(
      'Cannot subtract counters as the part must be within the whole: 1 rows of 0 in a cell',
    );
  });

  const anyValue = oneof(
    { weight: 4, arbitrary: double() },
    { weight: 2, arbitrary: integer({ min: -3, max: 12 }) },
    { weight: 2, arbitrary: constantFrom('red', '', '__proto__', 'mauve', 'constructor', 'valueOf') },
    string(),
    constantFrom(null, undefined, true, -0, Number.NaN, Number.POSITIVE_INFINITY),
  );
  const rowsOnServers = array(record({ value: anyValue, server: integer({ min: 0, max: 3 }) }), { maxLength: 60 });
  const anyLayout = oneof(constant<Layout>(numeric), constant<Layout>(categorical));

  test('do not depend on how rows are spread over servers, nor on the order of merging', () => {
    assert(
      property(anyLayout, rowsOnServers, (layout, rows) => {
        const whole = countValues(
          layout,
          rows.map((row) => row.value),
        );
        const parts = [0, 1, 2, 3].map((server) =>
          frozen(
            countValues(
              layout,
              rows.filter((row) => row.server === server).map((row) => row.value),
            ),
          ),
        );
        const forwards = parts.reduce(addCounts, frozen(emptyCounts(layout)));
        const backwards = parts.reduceRight((sum, part) => addCounts(part, sum));
        expect(forwards).toEqual(whole);
        expect(backwards).toEqual(whole);
        expect(rowsCounted(whole)).toBe(rows.length);
      }),
      { numRuns: 2000 },
    );
  });

  test('a part that is added and left out again leaves no trace', () => {
    assert(
      property(anyLayout, rowsOnServers, (layout, rows) => {
        const of = (wanted: boolean) =>
          frozen(
            countValues(
              layout,
              rows.filter(({ server }) => (server === 0) === wanted).map((row) => row.value),
            ),
          );
        expect(subtractCounts(frozen(addCounts(of(true), of(false))), of(false))).toEqual(of(true));
      }),
      { numRuns: 1000 },
    );
  });
});
