import type { Numbers } from '../ranks.ts';
import { pairCells } from './cells.ts';

/** Mean distance of the rows in the outer cells from the nearest edge; 0 where such a cell is empty. */
export type MeanExcess = { readonly below: number; readonly above: number };

/** What is known of the rows in the two outer cells, which are open. */
export type OuterCells =
  | { readonly kind: 'mean excess'; readonly reference: MeanExcess; readonly current: MeanExcess }
  | { readonly kind: 'means'; readonly reference: number; readonly current: number }
  | { readonly kind: 'unknown' };

export type CellWasserstein = {
  /** Ascending inner edges, one fewer than cells; cell k holds (edges[k-1], edges[k]]. */
  readonly edges: Numbers;
  readonly reference: Numbers;
  readonly current: Numbers;
  readonly outer: OuterCells;
};

/**
 * Wasserstein-1 distance from counts of cells, in the unit of the edges: an estimate.
 *
 * Rows are taken as spread evenly over an inner cell, where the difference of the distribution functions is then a line.
 * The outer cells contribute what is known of them: from mean excesses, the difference of (share times excess) at each
 * end; from means of all rows, what the inner cells leave of the difference of the means; unknown, nothing. Both of the
 * former are exact where one distribution lies beyond the other at that end, and too small otherwise.
 *
 * Two open cells without any width in between give the outer part alone. Null where a side has no rows. Throws RangeError
 * for edges that do not ascend, are not finite or do not fit the cells; for mean excesses without an edge; and for counts
 * that are negative or not whole.
 *
 * Source: the integral of |F - G|; at an end, the integral of F alone is share times mean excess (the integrated tail).
 * Agrees with: test/golden/distances.json, numerical integration of the piecewise linear functions, 1e-9.
 * @example wassersteinOfCells({ edges: [0, 1, 3], reference: [0, 4, 4, 0], current: [0, 8, 0, 0], outer: { kind: 'unknown' } }) // 0.75
 */
export const wassersteinOfCells = ({ edges, reference, current, outer }: CellWasserstein): number | null => {
  checkEdges(edges, reference.length);
  const pair = pairCells(reference, current);
  if (pair === null) return null;
  const { referenceRows: n, currentRows: m } = pair;
  let gap = share(reference, 0, n) - share(current, 0, m);
  let distance = 0;
  let signed = 0;
  for (let cell = 1; cell < edges.length; cell++) {
    const width = (edges[cell] as number) - (edges[cell - 1] as number);
    const next = gap + share(reference, cell, n) - share(current, cell, m);
    distance += width * meanOfLine(gap, next);
    signed += (width * (gap + next)) / 2;
    gap = next;
  }
  return distance + outerPart(outer, signed, pair.reference, pair.current, n, m);
};

const share = (counts: Numbers, cell: number, rows: number): number => (counts[cell] as number) / rows;

/** Mean of |y| along a line from one value to another, which may cross zero. */
const meanOfLine = (from: number, to: number): number => {
  const size = Math.abs(from) + Math.abs(to);
  return from * to >= 0 ? size / 2 : (from * from + to * to) / (2 * size);
};

const outerPart = (outer: OuterCells, signed: number, reference: Numbers, current: Numbers, n: number, m: number): number => {
  if (outer.kind === 'unknown') return 0;
  // The integral of F - G over the whole line is the current mean less that of the reference.
  if (outer.kind === 'means') return Math.abs(outer.current - outer.reference - signed);
  const last = reference.length - 1;
  if (last === 0) throw new RangeError('Cannot use mean excesses as there must be at least one edge: there is none');
  const below = share(reference, 0, n) * outer.reference.below - share(current, 0, m) * outer.current.below;
  const above = share(reference, last, n) * outer.reference.above - share(current, last, m) * outer.current.above;
  return Math.abs(below) + Math.abs(above);
};

const checkEdges = (edges: Numbers, cells: number): void => {
  if (edges.length + 1 !== cells) {
    throw new RangeError(`Cannot measure cells as there must be one edge fewer than cells: ${edges.length} and ${cells}`);
  }
  for (let k = 0; k < edges.length; k++) {
    const edge = edges[k] as number;
    if (!Number.isFinite(edge) || (k > 0 && edge <= (edges[k - 1] as number))) {
      throw new RangeError(`Cannot measure cells as edges must be finite and ascend: edge ${k} is ${edge}`);
    }
  }
};
