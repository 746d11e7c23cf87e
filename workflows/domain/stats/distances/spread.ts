import { quantileOfSorted } from '../quantile.ts';
import type { Numbers } from '../ranks.ts';
import { sortedSample } from './sorted-sample.ts';

/** How far the values of a sample lie apart, in their unit. */
export type Spread = {
  readonly median: number;
  /** Root of the mean squared deviation: divisor n. */
  readonly standardDeviation: number;
  readonly interquartileRange: number;
};

/**
 * Spreads of a sample by which a distance may be divided. One value, or equal ones, spread by 0. Null for an empty sample.
 * Throws RangeError for values that are not finite.
 *
 * Source: definitions; quantiles of type 7.
 * Agrees with: test/golden/vectors.json "numeric", 1e-9; test/golden/distances.json, `numpy.std` and `scipy.stats.iqr`, 1e-12.
 * @example spreadOf([1, 2, 3, 4, 5]).interquartileRange // 2
 */
export const spreadOf = (values: Numbers): Spread | null => {
  if (values.length === 0) return null;
  const sorted = sortedSample(values);
  const median = quantileOfSorted(sorted, 0.5);
  // Deviations are taken from the median first, so that values far from zero keep the digits in which they differ.
  const shifted = sorted.map((value) => value - median);
  const mean = shifted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const squares = shifted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    median,
    standardDeviation: Math.sqrt(squares / sorted.length),
    interquartileRange: quantileOfSorted(sorted, 0.75) - quantileOfSorted(sorted, 0.25),
  };
};
