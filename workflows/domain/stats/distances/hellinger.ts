import type { Numbers } from '../ranks.ts';
import { sumOverShares } from './cells.ts';

/**
 * Hellinger distance, 0 (equal) to 1 (nothing shared). Empty cells need no smoothing.
 *
 * One cell gives 0. Null where a side has no rows. Throws RangeError for cells that differ in number and for counts that
 * are negative or not whole.
 *
 * Source: definition: the root of half the sum of (sqrt p - sqrt q)^2.
 * Agrees with: test/golden/vectors.json "categorical", 1e-9; test/golden/distances.json, 1e-12.
 * @example hellingerDistance([100, 200, 300, 250, 150], [80, 150, 300, 280, 190]) // 0.0629097677...
 */
export const hellingerDistance = (reference: Numbers, current: Numbers): number | null => {
  const halved = sumOverShares(reference, current, (p, q) => (Math.sqrt(p) - Math.sqrt(q)) ** 2 / 2);
  return halved === null ? null : Math.min(1, Math.sqrt(halved));
};
