import type { Numbers } from '../ranks.ts';
import { pairCells } from './cells.ts';

/**
 * L-infinity distance: the largest difference of shares in one cell, 0 to 1. It keeps its size with many categories, where
 * sums over cells grow by noise.
 *
 * One cell gives 0. Null where a side has no rows. Throws RangeError for cells that differ in number and for counts that
 * are negative or not whole.
 *
 * Source: definition: max |p - q|.
 * Agrees with: test/golden/vectors.json "categorical", 1e-9; test/golden/distances.json, 1e-12.
 * @example largestDifference([100, 200, 300, 250, 150], [80, 150, 300, 280, 190]) // 0.05
 */
export const largestDifference = (reference: Numbers, current: Numbers): number | null => {
  const pair = pairCells(reference, current);
  if (pair === null) return null;
  let largest = 0;
  for (let cell = 0; cell < reference.length; cell++) {
    const difference = (reference[cell] as number) / pair.referenceRows - (current[cell] as number) / pair.currentRows;
    largest = Math.max(largest, Math.abs(difference));
  }
  return largest;
};
