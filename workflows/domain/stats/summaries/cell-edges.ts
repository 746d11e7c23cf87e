import type { NumericLayout } from '../../contracts/reference-profile.ts';
import type { Numbers } from '../ranks.ts';

/** Below so many reference rows, half the cells: each needs rows enough to be a frequency. */
const fewRows = 2000;

/**
 * Cells to aim at for a reference of that many rows: 20, or 10 where it has fewer than 2,000.
 *
 * @example cellsFor(1999) // 10
 */
export const cellsFor = (referenceRows: number): number => (referenceRows < fewRows ? 10 : 20);

export type EdgePlan = {
  /** Quantiles of the reference at k / cells, k = 1 .. cells - 1; in any order, repeated where a value is heavy. */
  readonly quantiles: Numbers;
  /** Values that each hold more than 1 / cells of the reference by themselves. */
  readonly heavyValues: Numbers;
  readonly cells: number;
};

/**
 * Ascending inner edges of cells with about equal mass. A heavy value has a cell of its own, (next number below, value],
 * so that a change of its share is seen and does not hide its neighbours.
 *
 * There are at most cells - 1 + 2 * heavyValues edges; equal ones are one. A constant has two edges: it, less, more.
 * Throws RangeError for other than cells - 1 quantiles, for cells below 1 or not whole, and for numbers that are not finite.
 *
 * Source: definition of equal-mass bins; cells are (edges[k-1], edges[k]].
 * @example cellEdges({ quantiles: [1, 2, 2], heavyValues: [], cells: 4 }).length // 2
 */
export const cellEdges = ({ quantiles, heavyValues, cells }: EdgePlan): number[] => {
  if (!Number.isInteger(cells) || cells < 1 || quantiles.length !== cells - 1) {
    throw new RangeError(`Cannot make ${cells} cells as there must be one quantile less: there are ${quantiles.length}`);
  }
  const edges = new Set<number>();
  for (const value of [...Array.from(quantiles), ...Array.from(heavyValues)]) {
    if (!Number.isFinite(value)) throw new RangeError(`Cannot make cells as quantiles and values must be finite: ${value}`);
    edges.add(value);
  }
  for (const value of Array.from(heavyValues)) edges.add(nextDown(value));
  // Below the lowest of all numbers there is no edge: the value's cell is the first.
  edges.delete(Number.NEGATIVE_INFINITY);
  return [...edges].sort((left, right) => left - right);
};

/**
 * Layout of a variable from the reference itself: edges at its quantiles, cells of their own for heavy values.
 *
 * Quantiles are values of the reference, the smallest at which k / cells of it are reached (type 1), so that no cell but
 * one of a single value holds more than 2 / cells. Values must be finite: throws RangeError for others, which are set
 * aside before. No values: one cell. O(n log n); the values are kept unchanged.
 *
 * Source: Hyndman and Fan, "Sample quantiles in statistical packages", The American Statistician 50 (1996), type 1.
 * @example numericLayoutOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).edges.length // 9
 */
export const numericLayoutOf = (values: Numbers, cells: number = cellsFor(values.length)): NumericLayout => {
  if (values.length === 0) return { kind: 'numeric', edges: [] };
  // Adding zero makes -0 a zero: as an edge both are the same number.
  const sorted = Float64Array.from(values, (value) => value + 0).sort();
  // Infinities and NaN sort to the two ends.
  for (const end of [sorted[0], sorted.at(-1)]) {
    if (!Number.isFinite(end)) throw new RangeError(`Cannot make cells as every value must be finite: one is ${end}`);
  }
  const quantiles = Array.from(
    { length: cells - 1 },
    (_, k) => sorted[Math.ceil(((k + 1) * sorted.length) / cells) - 1] as number,
  );
  return { kind: 'numeric', edges: cellEdges({ quantiles, heavyValues: heavierThan(sorted.length / cells, sorted), cells }) };
};

const heavierThan = (rows: number, sorted: Float64Array): number[] => {
  const heavy: number[] = [];
  for (let start = 0; start < sorted.length; ) {
    let end = start + 1;
    while (end < sorted.length && sorted[end] === sorted[start]) end++;
    if (end - start > rows) heavy.push(sorted[start] as number);
    start = end;
  }
  return heavy;
};

/**
 * The largest number below a finite one; below the lowest of all, minus infinity.
 *
 * Source: nextDown of IEEE 754-2019, 5.3.1: neighbours differ by one when read as integers.
 * @example nextDown(1) // 0.9999999999999999
 */
export const nextDown = (value: number): number => {
  if (value === 0) return -Number.MIN_VALUE;
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  bits.setBigInt64(0, bits.getBigInt64(0) + (value > 0 ? -1n : 1n));
  return bits.getFloat64(0);
};
