import { ascendingOrder, type Numbers } from '../ranks.ts';
import { checkPValues } from './p-values.ts';

/**
 * P-values adjusted for the share of false discoveries: rejecting those at or below q keeps the expected share of false
 * ones among the rejected at most q, for tests that are independent or positively dependent.
 *
 * In the order given. Ties stay ties, one p-value stays itself, none gives none. Leave out what could not be tested: an
 * untested variable is no p-value of 1. Throws RangeError for what is not in [0, 1].
 *
 * Source: Benjamini and Hochberg, Journal of the Royal Statistical Society B 57 (1995), step-up.
 * Agrees with: test/golden/vectors.json "multiplicity", 1e-9; test/golden/multiple.json, `statsmodels` multipletests "fdr_bh", 1e-12.
 * @example benjaminiHochberg([0.01, 0.04, 0.03]) // Float64Array [0.03, 0.04, 0.04]
 */
export const benjaminiHochberg = (pValues: Numbers): Float64Array => stepUp(pValues, 1);

/**
 * The same for tests that may depend on each other in any way: larger by 1 + 1/2 + ... + 1/k for k tests.
 *
 * Source: Benjamini and Yekutieli, Annals of Statistics 29 (2001), theorem 1.3.
 * Agrees with: test/golden/vectors.json "multiplicity", 1e-9; test/golden/multiple.json, `statsmodels` multipletests "fdr_by", 1e-12.
 * @example benjaminiYekutieli([0.02, 0.5]) // Float64Array [0.06, 0.75]
 */
export const benjaminiYekutieli = (pValues: Numbers): Float64Array => {
  let harmonic = 0;
  for (let k = pValues.length; k > 0; k--) harmonic += 1 / k;
  return stepUp(pValues, harmonic);
};

/** From the largest to the smallest: the least of p * factor * k / rank so far. */
const stepUp = (pValues: Numbers, factor: number): Float64Array => {
  checkPValues(pValues);
  const order = ascendingOrder(pValues);
  const adjusted = new Float64Array(order.length);
  let least = 1;
  for (let rank = order.length; rank > 0; rank--) {
    const test = order[rank - 1] as number;
    least = Math.min(least, ((pValues[test] as number) * factor * order.length) / rank);
    adjusted[test] = least;
  }
  return adjusted;
};
