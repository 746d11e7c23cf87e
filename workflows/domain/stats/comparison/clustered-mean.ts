import { type Clusters, sumByCluster } from './clusters.ts';
import type { Difference } from './non-inferiority.ts';

/**
 * Mean over rows with a standard error that lets the rows of a cluster be alike: the square root of
 * G / (G - 1) * sum over clusters of (sum of deviations)^2 / n^2. Every row a cluster of its own: the usual error of a mean.
 *
 * Throws RangeError with fewer than two clusters. All values equal: error 0.
 *
 * Source: Liang and Zeger, Biometrika 73 (1986); the factor G / (G - 1): Cameron and Miller, Journal of Human
 * Resources 50 (2015), section II.B.
 * Agrees with: test/golden/gate.json, `statsmodels` OLS on a constant with cov_type "cluster", 1e-9.
 * @example clusteredMean([1, 1, 0, 0], { by: 'day', ids: Uint32Array.of(0, 0, 1, 1), count: 2 }).standardError // 0.5
 */
export const clusteredMean = (values: ArrayLike<number>, clusters: Clusters): Difference => {
  const { count } = clusters;
  if (count < 2) throw new RangeError(`Cannot take a clustered mean as there must be at least 2 clusters: there are ${count}`);
  const rows = values.length;
  const sums = sumByCluster(clusters, values);
  const sizes = sumByCluster(clusters, new Uint8Array(rows).fill(1));
  const estimate = sums.reduce((total, sum) => total + sum, 0) / rows;
  const squares = sums.reduce((total, sum, id) => total + (sum - (sizes[id] as number) * estimate) ** 2, 0);
  return { estimate, standardError: Math.sqrt((count / (count - 1)) * squares) / rows };
};
