import type { Numbers } from '../ranks.ts';
import { twoSidedTest } from './non-inferiority.ts';
import { type Placements, placementsOf, splitByLabel, subtractPlacements } from './placements.ts';

export type RocComparison = {
  readonly championAuc: number;
  readonly challengerAuc: number;
  readonly championVariance: number;
  readonly challengerVariance: number;
  readonly covariance: number;
  /** Challenger minus champion. */
  readonly difference: number;
  readonly standardError: number;
  readonly pTwoSided: number;
  readonly positives: number;
  readonly negatives: number;
};

/**
 * DeLong's test: compares the areas under the ROC curve of two models that score the same rows.
 *
 * `labels` hold 1 for a positive row and 0 for a negative one; scores are finite, any scale; all three have length n.
 * Null with fewer than two rows of either class, for no variance can then be estimated. Models that rank the rows
 * identically have difference 0, standard error 0 and p 1. O(n log n). Inputs are kept unchanged.
 *
 * Source: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), equations 4 to 7; by mid-ranks as in
 * Sun and Xu, IEEE Signal Processing Letters 21 (2014), section III.
 * Agrees with: test/golden/vectors.json "delong", 1e-9; test/golden/comparisons.json, a pairwise O(n^2) computation, 1e-9.
 */
export const compareRocAuc = (labels: Numbers, champion: Numbers, challenger: Numbers): RocComparison | null => {
  const rows = splitByLabel(labels);
  const positives = rows.positive.length;
  const negatives = rows.negative.length;
  if (positives < 2 || negatives < 2) return null;
  const old = placementsOf(champion, rows);
  const fresh = placementsOf(challenger, rows);
  const moment = (left: Placements, right: Placements): number =>
    covarianceOf(left.ofPositives, right.ofPositives) / positives + covarianceOf(left.ofNegatives, right.ofNegatives) / negatives;
  // The variance of the difference is taken of differences: subtracting three variances could leave a rounding below zero.
  const change = subtractPlacements(fresh, old);
  const difference = fresh.auc - old.auc;
  const standardError = Math.sqrt(moment(change, change));
  return {
    championAuc: old.auc,
    challengerAuc: fresh.auc,
    championVariance: moment(old, old),
    challengerVariance: moment(fresh, fresh),
    covariance: moment(fresh, old),
    difference,
    standardError,
    pTwoSided: twoSidedTest({ estimate: difference, standardError }, Number.POSITIVE_INFINITY),
    positives,
    negatives,
  };
};

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const covarianceOf = (left: Float64Array, right: Float64Array): number => {
  const leftMean = mean(left);
  const rightMean = mean(right);
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += ((left[i] as number) - leftMean) * ((right[i] as number) - rightMean);
  return sum / (left.length - 1);
};
