import { ascendingOrder, type Numbers } from '../ranks.ts';
import { checkPValues } from './p-values.ts';

/**
 * P-values adjusted for even one false alarm among all tests: rejecting those at or below alpha keeps its probability at
 * most alpha, however the tests depend on each other. For variables of which each may alarm by itself.
 *
 * In the order given. Ties stay ties, one p-value stays itself, none gives none. Throws RangeError for what is not in [0, 1].
 *
 * Source: Holm, Scandinavian Journal of Statistics 6 (1979), step-down.
 * Agrees with: test/golden/vectors.json "multiplicity", 1e-9; test/golden/multiple.json, `statsmodels` multipletests "holm", 1e-12.
 * @example holm([0.01, 0.04, 0.03]) // Float64Array [0.03, 0.06, 0.06]
 */
export const holm = (pValues: Numbers): Float64Array => {
  checkPValues(pValues);
  const order = ascendingOrder(pValues);
  const adjusted = new Float64Array(order.length);
  let most = 0;
  for (let rank = 0; rank < order.length; rank++) {
    const test = order[rank] as number;
    most = Math.min(1, Math.max(most, (pValues[test] as number) * (order.length - rank)));
    adjusted[test] = most;
  }
  return adjusted;
};
