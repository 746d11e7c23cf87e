import type { Numbers } from '../ranks.ts';
import { deviance } from '../special/log-gamma.ts';
import { sumOverShares } from './cells.ts';

/**
 * Divergence of Kullback and Leibler in nats: how much is lost when the current shares stand for those of the reference.
 *
 * Not symmetric. Infinity where a cell is empty in the current sample and not in the reference; 0 for one cell and for
 * equal shares. Null where a side has no rows. Throws RangeError for cells that differ in number and for counts that
 * are negative or not whole.
 *
 * Source: Kullback and Leibler (1951), equation 2.4. Each cell is summed as p log(p / q) + q - p, which is never negative,
 * so that nothing cancels where the two are close; what it adds sums to zero.
 * Agrees with: test/golden/vectors.json "categorical", 1e-9; test/golden/distances.json, `scipy.special.kl_div`, 1e-12.
 * @example kullbackLeibler([100, 200, 300, 250, 150], [80, 150, 300, 280, 190]) // 0.0160602815...
 */
export const kullbackLeibler = (reference: Numbers, current: Numbers): number | null =>
  sumOverShares(reference, current, (p, q) => (q === 0 && p > 0 ? Number.POSITIVE_INFINITY : deviance(p, q)));
