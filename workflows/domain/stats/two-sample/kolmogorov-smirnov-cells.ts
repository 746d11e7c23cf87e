import { pairCells } from '../distances/cells.ts';
import type { Numbers } from '../ranks.ts';

export type BinnedDistance = {
  /** Largest difference of the distribution functions at an edge. */
  readonly distance: number;
  /** The distance of the samples themselves is at most this: between edges it can rise by what one cell holds. */
  readonly atMost: number;
};

/**
 * Kolmogorov-Smirnov distance of counts in ordered cells: never more than that of the samples, and less by at most what a
 * cell holds. A p-value of it is therefore too large, never too small.
 *
 * One cell gives distance 0 and says nothing (at most 1). Null where a side has no rows. Throws RangeError for cells that
 * differ in number and for counts that are negative or not whole.
 *
 * Source: definition; F(x) - G(x) in a cell lies between F(left) - G(right) and F(right) - G(left).
 * Agrees with: test/golden/two-sample.json, 1e-12.
 * @example binnedKolmogorovSmirnov([10, 10, 10], [20, 5, 5]).distance // 0.33333333333333337
 */
export const binnedKolmogorovSmirnov = (reference: Numbers, current: Numbers): BinnedDistance | null => {
  const pair = pairCells(reference, current);
  if (pair === null) return null;
  const { referenceRows: n, currentRows: m } = pair;
  let referenceBelow = 0;
  let currentBelow = 0;
  let distance = 0;
  let atMost = 0;
  for (let cell = 0; cell < reference.length; cell++) {
    const referenceLeft = referenceBelow / n;
    const currentLeft = currentBelow / m;
    referenceBelow += reference[cell] as number;
    currentBelow += current[cell] as number;
    distance = Math.max(distance, Math.abs(referenceBelow / n - currentBelow / m));
    atMost = Math.max(atMost, referenceBelow / n - currentLeft, currentBelow / m - referenceLeft);
  }
  return { distance, atMost };
};
