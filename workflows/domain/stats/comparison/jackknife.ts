import type { RowWeights } from '../metrics/scored.ts';
import { finish, type Steps } from '../steps.ts';
import type { Clusters } from './clusters.ts';
import type { Difference } from './non-inferiority.ts';

/**
 * Leaves out one cluster after another and sees how far the statistic moves: its standard error with few clusters, where
 * resampling them would be too narrow. Null with fewer than two clusters, or where the statistic does not exist for all
 * rows or without some cluster. Cost: clusters * statistic.
 *
 * Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 11.5, over clusters and around the
 * statistic of all rows: MacKinnon, Nielsen and Webb, Journal of Econometrics 232 (2023), section 2.3.
 * Agrees with: test/golden/gate.json, the definition in NumPy, 1e-9.
 */
export const jackknife = (clusters: Clusters, statistic: (weights: RowWeights) => number | null): Difference | null =>
  finish(jackknifeInSteps(clusters, statistic));

/** The same in steps. */
export function* jackknifeInSteps(
  { ids, count }: Clusters,
  statistic: (weights: RowWeights) => number | null,
): Steps<Difference | null> {
  const weights = new Uint32Array(ids.length).fill(1);
  const estimate = statistic(weights);
  if (estimate === null || count < 2) return null;
  let squares = 0;
  for (let left = 0; left < count; left++) {
    for (let row = 0; row < ids.length; row++) weights[row] = ids[row] === left ? 0 : 1;
    const without = statistic(weights);
    if (without === null) return null;
    squares += (without - estimate) ** 2;
    yield;
  }
  return { estimate, standardError: Math.sqrt(((count - 1) / count) * squares) };
}
