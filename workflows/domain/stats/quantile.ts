/**
 * Quantile of sorted numbers by linear interpolation between the two neighbours, share in [0, 1] (type 7).
 * One number is every quantile; none throws RangeError, and so does another share.
 *
 * Source: Hyndman and Fan, "Sample quantiles in statistical packages", The American Statistician 50 (1996), type 7.
 * Agrees with: test/golden/metrics.json, `numpy.quantile` by default, 1e-12.
 * @example quantileOfSorted([1, 2, 4], 0.75) // 3
 */
export const quantileOfSorted = (sorted: ArrayLike<number>, share: number): number => {
  if (sorted.length === 0) throw new RangeError('Cannot take a quantile as there must be at least one number: there is none');
  if (!(share >= 0 && share <= 1)) throw new RangeError(`Cannot take a quantile as the share must be in [0, 1]: it is ${share}`);
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (position - below) * (high - low);
};
