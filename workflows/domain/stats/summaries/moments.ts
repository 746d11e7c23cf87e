import type { Moments } from '../../contracts/reference-profile.ts';

/**
 * Moments of no rows: the neutral element of `mergeMoments`. The mean of nothing is written as 0, with `count` 0 beside it;
 * ask `varianceOf`, which knows.
 */
export const emptyMoments: Moments = Object.freeze({ count: 0, mean: 0, squaredDeviations: 0, min: null, max: null });

/** Squares of larger numbers, summed, would not be numbers any more. */
const largest = 1e140;

/**
 * Count, mean, sum of squared deviations and extremes, in one pass. Values that are not finite are set aside before:
 * throws RangeError for them, and for one beyond 1e140 in size, whose square could not be summed.
 *
 * Relative error of the sum of squares: about 1e-16 times mean / deviation where that is above 1; sums of squares would
 * lose that factor twice.
 *
 * Source: Welford, "Note on a method for calculating corrected sums of squares and products", Technometrics 4 (1962).
 * Agrees with: test/golden/vectors.json "merge", 1e-9; test/golden/summaries.json, long arithmetic, 1e-12.
 * @example momentsOf([1, 2, 6]).squaredDeviations // 14
 */
export const momentsOf = (values: Iterable<number>): Moments => {
  let { count, mean, squaredDeviations, min, max } = emptyMoments;
  for (const value of values) {
    if (!(Math.abs(value) <= largest)) {
      throw new RangeError(`Cannot take moments as every value must be a number of at most ${largest}: ${value}`);
    }
    count++;
    const fromOld = value - mean;
    mean += fromOld / count;
    squaredDeviations += fromOld * (value - mean);
    // Adding zero makes -0 a zero: JSON knows only one.
    min = min === null || value < min ? value + 0 : min;
    max = max === null || value > max ? value + 0 : max;
  }
  return { count, mean, squaredDeviations, min, max };
};

/**
 * Moments of two disjoint sets of rows as those of their union. Commutative and associative, up to rounding.
 *
 * Source: Chan, Golub and LeVeque, "Algorithms for computing the sample variance: analysis and recommendations",
 * The American Statistician 37 (1983), equation 2.1.
 * Agrees with: test/golden/vectors.json "merge", 1e-9.
 * @example mergeMoments(momentsOf([1, 2]), momentsOf([6])).mean // 3
 */
export const mergeMoments = (left: Moments, right: Moments): Moments => {
  if (left.count === 0) return right;
  if (right.count === 0) return left;
  // The same side is moved by the same step whichever is called left, and equal means stay as they are.
  const [base, other] = isBase(left, right) ? [left, right] : [right, left];
  const count = base.count + other.count;
  const apart = other.mean - base.mean;
  return {
    count,
    mean: base.mean + apart * (other.count / count),
    squaredDeviations: left.squaredDeviations + right.squaredDeviations + apart * apart * ((left.count * right.count) / count),
    min: Math.min(left.min as number, right.min as number),
    max: Math.max(left.max as number, right.max as number),
  };
};

const isBase = (one: Moments, two: Moments): boolean => (one.count === two.count ? one.mean <= two.mean : one.count > two.count);

/**
 * Variance of the rows themselves (divisor n). Null where there is no row.
 *
 * Source: definition.
 */
export const varianceOf = ({ count, squaredDeviations }: Moments): number | null =>
  count === 0 ? null : squaredDeviations / count;
