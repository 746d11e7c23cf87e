import type { Numbers } from '../ranks.ts';
import { sortedSample, walkDistinctValues } from './sorted-sample.ts';

/**
 * Wasserstein-1 distance of two samples, in the unit of the values: how far, on average, a row must be moved.
 *
 * Exact, for samples of any two sizes and with ties. Equal samples, and the same value throughout, give 0. Null where a
 * sample is empty. Throws RangeError for values that are not finite. O(n log n).
 *
 * Source: Vallender, Theory of Probability and its Applications 18 (1974): the integral of |F - G|.
 * Agrees with: test/golden/vectors.json "numeric", 1e-9; test/golden/distances.json, `scipy.stats.wasserstein_distance`, 1e-12.
 * @example wassersteinDistance([1, 2, 3], [2, 4]) // 1
 */
export const wassersteinDistance = (reference: Numbers, current: Numbers): number | null =>
  wassersteinOfSorted(sortedSample(reference), sortedSample(current));

/** The same for samples that are sorted already, and finite. */
export const wassersteinOfSorted = (reference: Numbers, current: Numbers): number | null => {
  const n = reference.length;
  const m = current.length;
  if (n === 0 || m === 0) return null;
  let previous = Math.min(reference[0] as number, current[0] as number);
  let gap = 0;
  let sum = 0;
  walkDistinctValues(reference, current, (value, referenceBelow, currentBelow) => {
    // Whole numbers: equal shares differ by nothing at all.
    if (gap > 0) sum += gap * (value - previous);
    gap = Math.abs(referenceBelow * m - currentBelow * n);
    previous = value;
  });
  return sum / n / m;
};

/**
 * What a Wasserstein distance is divided by to lose its unit: a spread of the reference (standard deviation with divisor
 * n, or interquartile range, which one far value cannot move), kept off zero by 0.1 % of the median and by 1e-12.
 *
 * A floor in the unit of the values would silence features of small numbers. Throws RangeError for a spread that is
 * negative or not finite, and for a median that is not finite.
 *
 * Source: definition.
 * @example wassersteinUnit(0, 50) // 0.05
 */
export const wassersteinUnit = (spread: number, median: number): number => {
  if (!(spread >= 0) || !Number.isFinite(spread) || !Number.isFinite(median)) {
    throw new RangeError(`Cannot normalise as spread >= 0 and median must be finite: they are ${spread} and ${median}`);
  }
  return Math.max(spread, 0.001 * Math.abs(median), 1e-12);
};
