import { incompleteBeta } from './incomplete-beta.ts';
import { incompleteGamma } from './incomplete-gamma.ts';

/**
 * Probability of at most that many events, of which so many are expected; mean >= 0. With mean 0 there are none.
 * Throws RangeError for a count that is not a whole number >= 0, and for another mean.
 *
 * Source: DLMF 8.4.10: it is Q(count + 1, mean). Agrees with: test/golden/quantiles.json, `mpmath` with 50 digits, 1e-11.
 * @example poissonLowerTail(0, 2) // 0.1353352832...
 */
export const poissonLowerTail = (count: number, mean: number): number => {
  check(count, mean);
  return incompleteGamma(count + 1, mean).upper;
};

/**
 * Probability of at least that many events. At least 0 is certain. Else as the lower tail.
 *
 * Source: DLMF 8.4.9: it is P(count, mean). Agrees with: test/golden/quantiles.json, `mpmath` with 50 digits, 1e-11.
 * @example poissonUpperTail(1, 2) // 0.8646647167...
 */
export const poissonUpperTail = (count: number, mean: number): number => {
  check(count, mean);
  return count === 0 ? 1 : incompleteGamma(count, mean).lower;
};

/** Counts that scatter more than events that come independently: variance = mean + mean^2 / shape. Both above 0. */
export type NegativeBinomial = { readonly mean: number; readonly shape: number };

/**
 * Probability of at most that many events. Throws RangeError for a count that is not a whole number >= 0, and for a mean
 * or shape that is not > 0. A shape of 1e6 times the mean is a Poisson distribution for all that matters.
 *
 * Source: DLMF 8.17.5: it is I_p(shape, count + 1) with p = shape / (shape + mean).
 * Agrees with: test/golden/quantiles.json, `mpmath` with 50 digits, 1e-10.
 * @example negativeBinomialLowerTail(0, { mean: 2, shape: 2 }) // 0.25
 */
export const negativeBinomialLowerTail = (count: number, { mean, shape }: NegativeBinomial): number => {
  checkShape(count, mean, shape);
  return incompleteBeta(shape, count + 1, shape / (shape + mean), mean / (shape + mean)).lower;
};

/**
 * Probability of at least that many events. At least 0 is certain. Else as the lower tail.
 *
 * Source: DLMF 8.17.4. Agrees with: test/golden/quantiles.json, `mpmath` with 50 digits, 1e-10.
 * @example negativeBinomialUpperTail(1, { mean: 2, shape: 2 }) // 0.75
 */
export const negativeBinomialUpperTail = (count: number, { mean, shape }: NegativeBinomial): number => {
  checkShape(count, mean, shape);
  return count === 0 ? 1 : incompleteBeta(count, shape, mean / (shape + mean), shape / (shape + mean)).lower;
};

const check = (count: number, mean: number): void => {
  if (!Number.isSafeInteger(count) || count < 0 || !(mean >= 0 && mean < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`Cannot take a tail of counts as the count must be whole and the mean >= 0: ${count}, ${mean}`);
  }
};

const checkShape = (count: number, mean: number, shape: number): void => {
  check(count, mean);
  if (!(mean > 0) || !(shape > 0 && shape < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`Cannot take a tail of counts as mean and shape must be > 0: they are ${mean} and ${shape}`);
  }
};
