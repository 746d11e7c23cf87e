import { midRanks, type Numbers } from '../ranks.ts';
import { normalUpperTail } from '../special/normal.ts';

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
  const old = placements(champion, rows);
  const fresh = placements(challenger, rows);
  const moment = (left: Placements, right: Placements): number =>
    covarianceOf(left.ofPositives, right.ofPositives) / positives + covarianceOf(left.ofNegatives, right.ofNegatives) / negatives;
  // The variance of the difference is taken of differences: subtracting three variances could leave a rounding below zero.
  const change = subtract(fresh, old);
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
    pTwoSided: twoSided(difference, standardError),
    positives,
    negatives,
  };
};

type Split = { readonly positive: Uint32Array; readonly negative: Uint32Array };
const splitByLabel = (labels: Numbers): Split => {
  const rows = Array.from({ length: labels.length }, (_, row) => row);
  return {
    positive: Uint32Array.from(rows.filter((row) => labels[row] === 1)),
    negative: Uint32Array.from(rows.filter((row) => labels[row] !== 1)),
  };
};

/**
 * For each positive, the share of negatives that it outranks (V10); for each negative, the share of positives that
 * outrank it (V01). Ties count half. The mean of either is the area.
 */
type Placements = { readonly auc: number; readonly ofPositives: Float64Array; readonly ofNegatives: Float64Array };
const placements = (scores: Numbers, rows: Split): Placements => {
  const positiveScores = Float64Array.from(rows.positive, (row) => scores[row] as number);
  const negativeScores = Float64Array.from(rows.negative, (row) => scores[row] as number);
  const pooled = new Float64Array(positiveScores.length + negativeScores.length);
  pooled.set(positiveScores);
  pooled.set(negativeScores, positiveScores.length);
  const overall = midRanks(pooled);
  // A rank among all minus the rank among one's own kind counts the other kind below.
  const amongPositives = midRanks(positiveScores);
  const amongNegatives = midRanks(negativeScores);
  const ofPositives = positiveScores.map(
    (_, i) => ((overall[i] as number) - (amongPositives[i] as number)) / negativeScores.length,
  );
  const ofNegatives = negativeScores.map(
    (_, j) => 1 - ((overall[positiveScores.length + j] as number) - (amongNegatives[j] as number)) / positiveScores.length,
  );
  return { auc: mean(ofPositives), ofPositives, ofNegatives };
};

const subtract = (left: Placements, right: Placements): Placements => ({
  auc: left.auc - right.auc,
  ofPositives: left.ofPositives.map((value, i) => value - (right.ofPositives[i] as number)),
  ofNegatives: left.ofNegatives.map((value, j) => value - (right.ofNegatives[j] as number)),
});

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const covarianceOf = (left: Float64Array, right: Float64Array): number => {
  const leftMean = mean(left);
  const rightMean = mean(right);
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += ((left[i] as number) - leftMean) * ((right[i] as number) - rightMean);
  return sum / (left.length - 1);
};

const twoSided = (difference: number, standardError: number): number => {
  if (difference === 0) return 1;
  return standardError === 0 ? 0 : 2 * normalUpperTail(Math.abs(difference) / standardError);
};
