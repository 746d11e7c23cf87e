import type { Numbers } from '../ranks.ts';
import { pairCells, sumOverShares } from './cells.ts';

/** (p - q) log(p / q); nothing where both are empty, infinite where one is. */
const contribution = (p: number, q: number): number => (p === q ? 0 : (p - q) * Math.log(p / q));

/**
 * Population stability index, bare: sum of (p - q) ln(p / q) over the cells, with p and q the shares of both sides.
 *
 * For comparison with other tools; decisions use `smoothedPsi`. Equal shares, and one cell, give 0; a cell that is empty
 * on one side only gives Infinity. Null where a side has no rows. Throws RangeError for cells that differ in number and
 * for counts that are negative or not whole.
 *
 * Source: Kullback and Leibler, Annals of Mathematical Statistics 22 (1951), section 2: the symmetric divergence J.
 * Agrees with: test/golden/vectors.json "psi", 1e-9; test/golden/distances.json, 1e-12.
 * @example psi([100, 200, 300, 250, 150], [80, 150, 300, 280, 190]) // 0.0317023863...
 */
export const psi = (reference: Numbers, current: Numbers): number | null => sumOverShares(reference, current, contribution);

/**
 * Population stability index with half a row added to each cell of both sides, then normalised: what decisions use.
 *
 * Finite whatever is empty, and it never hangs on an arbitrary tiny constant. `added` is the number of rows per cell.
 * Null where a side has no rows. Throws what `psi` throws, and RangeError unless `added` is above 0.
 *
 * Source: `psi`; half a row is the mean of a posterior under the prior of Jeffreys, Proceedings of the Royal Society A 186 (1946).
 * Agrees with: test/golden/vectors.json "psi_zero", 1e-9; test/golden/distances.json, 1e-12.
 * @example smoothedPsi([100, 200, 300, 250, 150], [0, 150, 320, 300, 230]) // 0.5876949659...
 */
export const smoothedPsi = (reference: Numbers, current: Numbers, added = 0.5): number | null => {
  if (!(added > 0)) throw new RangeError(`Cannot smooth counts as the rows added to a cell must be above 0: they are ${added}`);
  const pair = pairCells(reference, current);
  if (pair === null) return null;
  const referenceTotal = pair.referenceRows + added * reference.length;
  const currentTotal = pair.currentRows + added * current.length;
  let sum = 0;
  for (let cell = 0; cell < reference.length; cell++) {
    const p = ((reference[cell] as number) + added) / referenceTotal;
    const q = ((current[cell] as number) + added) / currentTotal;
    sum += contribution(p, q);
  }
  return sum;
};
