import { meanOf } from '../mean.ts';
import { midRanks, type Numbers } from '../ranks.ts';

/** Rows of each class, in their order. */
export type RowsByLabel = { readonly positive: Uint32Array; readonly negative: Uint32Array };

/** Label 1 is positive, anything else negative. */
export const splitByLabel = (labels: Numbers): RowsByLabel => {
  const rows = Array.from({ length: labels.length }, (_, row) => row);
  return {
    positive: Uint32Array.from(rows.filter((row) => labels[row] === 1)),
    negative: Uint32Array.from(rows.filter((row) => labels[row] !== 1)),
  };
};

/**
 * For each positive, the share of negatives that it outranks (V10); for each negative, the share of positives that
 * outrank it (V01). Ties count half. The mean of either is the area under the ROC curve.
 */
export type Placements = { readonly auc: number; readonly ofPositives: Float64Array; readonly ofNegatives: Float64Array };

/**
 * Placements of all rows in O(n log n). There must be a row of each class.
 *
 * Source: Sun and Xu, IEEE Signal Processing Letters 21 (2014), section III.
 */
export const placementsOf = (scores: Numbers, rows: RowsByLabel): Placements => {
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
  return { auc: meanOf(ofPositives), ofPositives, ofNegatives };
};

/** What one model places higher than another, row by row. */
export const subtractPlacements = (left: Placements, right: Placements): Placements => ({
  auc: left.auc - right.auc,
  ofPositives: left.ofPositives.map((value, i) => value - (right.ofPositives[i] as number)),
  ofNegatives: left.ofNegatives.map((value, j) => value - (right.ofNegatives[j] as number)),
});
