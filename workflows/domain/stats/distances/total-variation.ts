import type { Numbers } from '../ranks.ts';
import { sumOverShares } from './cells.ts';

/**
 * Total variation: the share of rows, 0 to 1, that would have to change cells to make both sides equal.
 *
 * One cell gives 0. Null where a side has no rows. Throws RangeError for cells that differ in number and for counts that
 * are negative or not whole.
 *
 * Source: definition: half the sum of |p - q|.
 * Agrees with: test/golden/vectors.json "categorical" and "permutation_tvd", 1e-9; test/golden/distances.json, 1e-12.
 * @example totalVariation([30, 50, 20], [45, 38, 17]) // 0.15
 */
export const totalVariation = (reference: Numbers, current: Numbers): number | null =>
  sumOverShares(reference, current, (p, q) => Math.abs(p - q) / 2);
