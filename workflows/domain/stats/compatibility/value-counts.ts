import type { Numbers } from '../ranks.ts';

/** A value that can be counted by itself. */
export type Value = string | number | boolean;

/** Counts of two samples in the same cells. */
export type CountedPair = { readonly reference: number[]; readonly current: number[] };

/**
 * How often each distinct value of either sample occurs in both, one cell a value, in order of first appearance.
 *
 * Source: definition.
 * @example countByValue(['a', 'b', 'a'], ['c']).reference.length // 3
 */
export const countByValue = (reference: readonly Value[], current: readonly Value[]): CountedPair => {
  const cells = new Map<Value, number>();
  for (const value of reference) if (!cells.has(value)) cells.set(value, cells.size);
  for (const value of current) if (!cells.has(value)) cells.set(value, cells.size);
  const countsOf = (values: readonly Value[]): number[] => {
    const counts = new Array<number>(cells.size).fill(0);
    for (const value of values) {
      const cell = cells.get(value) as number;
      counts[cell] = (counts[cell] as number) + 1;
    }
    return counts;
  };
  return { reference: countsOf(reference), current: countsOf(current) };
};

/**
 * Cells of equal width over the range of both samples together, as many as Sturges' rule gives for their joint size;
 * [low, high), and the last one [low, high]. One far value in either sample moves every edge, which is why profiles have
 * edges of their own.
 *
 * The same value throughout gives one cell, nothing on both sides one empty cell. Values must be finite.
 *
 * Source: Sturges, JASA 21 (1926), as `numpy.histogram_bin_edges(..., bins='sturges')` applies it to fractions.
 * Agrees with: test/golden/evidently.json, through the distances of these cells, 1e-9.
 * @example countBySturges([1, 2, 3, 4], [2, 3, 3, 3]).reference.length // 4
 */
export const countBySturges = (reference: Numbers, current: Numbers): CountedPair => {
  const [low, high] = rangeOf(reference, current);
  const rows = reference.length + current.length;
  const width = (high - low) / (Math.log2(rows) + 1);
  const cells = width > 0 ? Math.ceil((high - low) / width) : 1;
  const step = (high - low) / cells;
  const edgeOf = (cell: number): number => (cell === cells ? high : low + cell * step);
  const cellOf = (value: number): number => {
    let cell = Math.min(cells - 1, Math.trunc(((value - low) / (high - low)) * cells) || 0);
    // The division may land on the wrong side of an edge by a rounding.
    if (value < edgeOf(cell)) cell--;
    else if (cell < cells - 1 && value >= edgeOf(cell + 1)) cell++;
    return cell;
  };
  const countsOf = (values: Numbers): number[] => {
    const counts = new Array<number>(cells).fill(0);
    for (let row = 0; row < values.length; row++) {
      const cell = cellOf(values[row] as number);
      counts[cell] = (counts[cell] as number) + 1;
    }
    return counts;
  };
  return { reference: countsOf(reference), current: countsOf(current) };
};

const rangeOf = (...samples: readonly Numbers[]): readonly [low: number, high: number] => {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const values of samples) {
    for (let row = 0; row < values.length; row++) {
      low = Math.min(low, values[row] as number);
      high = Math.max(high, values[row] as number);
    }
  }
  return low > high ? [0, 0] : [low, high];
};
