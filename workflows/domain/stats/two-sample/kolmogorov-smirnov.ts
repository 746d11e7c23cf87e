import { sortedSample, walkDistinctValues } from '../distances/sorted-sample.ts';
import type { Numbers } from '../ranks.ts';
import { kolmogorovTails } from '../special/kolmogorov.ts';
import { kolmogorovSmirnovExact } from './kolmogorov-smirnov-exact.ts';

/** Above so many pairs of rows the approximation is good, and counting all paths would take its time. */
const mostPairs = 4_000_000;

export type KolmogorovSmirnov = {
  /** Largest difference of the two distribution functions, 0 to 1. */
  readonly distance: number;
  readonly pValue: number;
  readonly method: 'exact' | 'Stephens';
};

/**
 * Two-sample Kolmogorov-Smirnov test, two-sided: sees a shift well, a change of spread or in the tails badly.
 *
 * Exact up to 4,000,000 pairs of rows, beyond that by the approximation of Stephens. Ties make the p-value too large.
 * Equal samples have p 1. Rows must be independent: with 20 rows an entity it fires several times too often. Null where
 * a sample is empty. Throws RangeError for values that are not finite. Inputs need not be sorted, and stay as they are.
 *
 * Source: Smirnov, Annals of Mathematical Statistics 19 (1948).
 * Agrees with: test/golden/vectors.json "ks", 1e-9; test/golden/two-sample.json, `scipy.stats.ks_2samp`, 1e-9.
 * @example kolmogorovSmirnovTest([1, 2, 3], [4, 5, 6]).pValue // 0.1
 */
export const kolmogorovSmirnovTest = (reference: Numbers, current: Numbers): KolmogorovSmirnov | null =>
  kolmogorovSmirnovOfSorted(sortedSample(reference), sortedSample(current));

/** The same for samples that are sorted already, and finite. */
export const kolmogorovSmirnovOfSorted = (reference: Numbers, current: Numbers): KolmogorovSmirnov | null => {
  const n = reference.length;
  const m = current.length;
  if (n === 0 || m === 0) return null;
  const steps = largestGap(reference, current);
  const distance = steps / n / m;
  return n * m <= mostPairs
    ? { distance, pValue: kolmogorovSmirnovExact(steps, n, m), method: 'exact' }
    : { distance, pValue: stephensPValue(distance, n, m), method: 'Stephens' };
};

/**
 * Largest |i m - j n|, with i and j the rows at or below a value: the distance times n m, in whole numbers, so that the
 * comparison with the boundary is exact. The arrays must be ascending.
 *
 * Source: definition.
 * @example largestGap([1, 2, 3], [2, 3]) // 2
 */
export const largestGap = (reference: Numbers, current: Numbers): number => {
  let largest = 0;
  walkDistinctValues(reference, current, (_, referenceBelow, currentBelow) => {
    largest = Math.max(largest, Math.abs(referenceBelow * current.length - currentBelow * reference.length));
  });
  return largest;
};

/**
 * P-value of a Kolmogorov-Smirnov distance between n and m rows, by a correction that makes the limiting distribution
 * good from a few rows on. Distance 0 has p 1. Throws RangeError unless the distance lies in [0, 1] and n, m are above 0.
 *
 * Source: Stephens, Journal of the Royal Statistical Society B 32 (1970): lambda = (sqrt(e) + 0.12 + 0.11 / sqrt(e)) D, e = n m / (n + m).
 * Agrees with: test/golden/vectors.json "ks", 1e-9; test/golden/two-sample.json, `scipy.special.kolmogorov`, 1e-10.
 * @example stephensPValue(0.3375, 20, 16) // 0.2118699655...
 */
export const stephensPValue = (distance: number, n: number, m: number): number => {
  if (!(distance >= 0 && distance <= 1) || !(n > 0) || !(m > 0)) {
    throw new RangeError(`Cannot judge a distance as it must be in [0, 1] between n and m > 0 rows: ${distance}, ${n}, ${m}`);
  }
  const root = Math.sqrt(n / (1 + n / m));
  return kolmogorovTails((root + 0.12 + 0.11 / root) * distance).upper;
};
