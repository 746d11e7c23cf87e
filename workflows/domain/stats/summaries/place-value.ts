import type { CategoricalLayout, CellCounts, Layout, NumericLayout } from '../../contracts/reference-profile.ts';
import { createBloomReader } from './bloom-filter.ts';
import { type Aside, emptyCounts } from './cell-counts.ts';

/** A cell by its index, or the counter beside the cells. */
export type Place = number | Aside;

/** Where a layout counts a value. Made once, asked for every row. */
export type Placer = (value: unknown) => Place;

/**
 * Index of the cell that holds a number, which is the number of edges below it: cell k is (edges[k-1], edges[k]].
 *
 * Edges ascend. Without edges everything is in cell 0. The zeros are one number. Infinities would land in the outer cells
 * and NaN in the first: `createPlacer` sets them aside before. O(log edges).
 *
 * Source: binary search for the lower bound.
 * @example cellOf([0, 10, 20], 10) // 1
 */
export const cellOf = (edges: ArrayLike<number>, value: number): number => {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((edges[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
};

/**
 * Makes the function that says where a value counts.
 *
 * In either layout null, undefined and NaN are `missing`. Numeric: infinities are `nonFinite`, all that is not a number
 * is `wrongType`, a numeric text too. Categorical: a text counts at its value, else in `other` where the reference had
 * it, else in `new`; the empty text is a category as any other; what is not a text is `wrongType`, so a column of numbers
 * or booleans is turned into text before.
 *
 * Throws RangeError for edges that do not ascend or are not finite, and for a category that is named twice.
 *
 * Source: the contract of the reference profile.
 * @example createPlacer({ kind: 'numeric', edges: [0, 10] })(10.5) // 2
 */
export const createPlacer = (layout: Layout): Placer =>
  layout.kind === 'numeric' ? placeNumbers(layout) : placeCategories(layout);

const placeNumbers = (layout: NumericLayout): Placer => {
  const edges = Float64Array.from(layout.edges);
  edges.forEach((edge, index) => {
    if (!Number.isFinite(edge) || (index > 0 && !((edges[index - 1] as number) < edge))) {
      throw new RangeError(`Cannot place numbers as edges must be finite and ascend: they are ${layout.edges.join(', ')}`);
    }
  });
  return (value) => {
    if (typeof value !== 'number') return value === null || value === undefined ? 'missing' : 'wrongType';
    if (Number.isFinite(value)) return cellOf(edges, value);
    return Number.isNaN(value) ? 'missing' : 'nonFinite';
  };
};

const placeCategories = (layout: CategoricalLayout): Placer => {
  const cells = new Map(layout.values.map((value, cell) => [value, cell]));
  if (cells.size !== layout.values.length) {
    throw new RangeError(`Cannot place categories as each must be named once: they are ${layout.values.join(', ')}`);
  }
  const seen = seenReader(layout.seen);
  const other = layout.values.length;
  return (value) => {
    if (typeof value !== 'string') return isAbsent(value) ? 'missing' : 'wrongType';
    return cells.get(value) ?? (seen(value) ? other : other + 1);
  };
};

const isAbsent = (value: unknown): boolean => value === null || value === undefined || Number.isNaN(value);

const seenReader = (seen: CategoricalLayout['seen']): ((value: string) => boolean) => {
  if (seen.kind === 'bloom') return createBloomReader(seen);
  const values = new Set(seen.values);
  return (value) => values.has(value);
};

/**
 * Counts values into the cells of a layout. No values: all zeros. O(values * log cells).
 *
 * Source: definition. Throws as `createPlacer` does, whatever the values are.
 */
export const countValues = (layout: Layout, values: Iterable<unknown>): CellCounts => {
  const place = createPlacer(layout);
  const counts = emptyCounts(layout);
  for (const value of values) {
    const at = place(value);
    if (typeof at === 'number') (counts.cells[at] as number)++;
    else counts[at]++;
  }
  return counts;
};
