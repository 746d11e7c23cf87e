import { pairCells } from '../distances/cells.ts';
import type { Numbers } from '../ranks.ts';

/**
 * PSI with a small constant in place of each empty share, and no renormalising, as Evidently has it: 0.0001, or a
 * millionth of the smallest other share of that side where that is at most 0.0001.
 *
 * For comparison only: where a cell is empty the result depends on the constant more than on the data. Null where a side
 * has no rows. Throws RangeError for cells that differ in number and for counts that are negative or not whole.
 *
 * Source: behaviour of Evidently 0.7.23.
 * Agrees with: test/golden/vectors.json "psi_zero", 1e-9; test/golden/evidently.json, 1e-9.
 * @example zeroFilledPsi([100, 200, 300, 250, 150], [0, 150, 320, 300, 230]) // 0.7490712254...
 */
export const zeroFilledPsi = (reference: Numbers, current: Numbers): number | null => {
  const pair = pairCells(reference, current);
  if (pair === null) return null;
  const currentShares = filledShares(current, pair.currentRows);
  return filledShares(reference, pair.referenceRows).reduce((sum, p, cell) => {
    const q = currentShares[cell] as number;
    return sum + (p - q) * Math.log(p / q);
  }, 0);
};

const filledShares = (counts: Numbers, rows: number): number[] => {
  const shares = Array.from(counts, (count) => count / rows);
  const smallest = Math.min(...shares.filter((share) => share > 0));
  const filling = smallest <= 0.0001 ? smallest / 1e6 : 0.0001;
  return shares.map((share) => (share === 0 ? filling : share));
};
