import type { Numbers } from '../ranks.ts';
import type { Clusters } from './clusters.ts';
import type { Difference } from './non-inferiority.ts';
import { type Placements, placementsOf, type RowsByLabel, splitByLabel, subtractPlacements } from './placements.ts';

export type ClusteredRocComparison = Difference & {
  readonly championAuc: number;
  readonly challengerAuc: number;
  readonly positives: number;
  readonly negatives: number;
};

/**
 * Compares the areas under the ROC curve of two models that score the same rows, where rows come in clusters: DeLong's
 * test with its placements summed within clusters. Every row a cluster of its own: DeLong's test itself.
 *
 * Labels and scores as for `compareRocAuc`. Null where fewer than two clusters hold a positive row, or a negative one.
 * Models that rank the rows identically have difference 0 and standard error 0. O(n log n).
 *
 * Source: Obuchowski, "Nonparametric analysis of clustered ROC curve data", Biometrics 53 (1997), equations 2 to 5.
 * Agrees with: test/golden/gate.json, the same sums over all pairs, 1e-9.
 */
export const compareRocAucOfClusters = (
  labels: Numbers,
  champion: Numbers,
  challenger: Numbers,
  clusters: Clusters,
): ClusteredRocComparison | null => {
  const rows = splitByLabel(labels);
  if (rows.positive.length === 0 || rows.negative.length === 0) return null;
  const old = placementsOf(champion, rows);
  const fresh = placementsOf(challenger, rows);
  const variance = varianceOf(subtractPlacements(fresh, old), rows, clusters);
  if (variance === null) return null;
  return {
    championAuc: old.auc,
    challengerAuc: fresh.auc,
    estimate: fresh.auc - old.auc,
    standardError: Math.sqrt(variance),
    positives: rows.positive.length,
    negatives: rows.negative.length,
  };
};

/**
 * Standard error of the area under the ROC curve of one model, where rows come in clusters. Null as above.
 *
 * Source: Obuchowski (1997), equation 4.
 * Agrees with: `compareRocAucOfClusters` with a champion that ranks nothing, to the last bit.
 */
export const rocAucErrorOfClusters = (labels: Numbers, scores: Numbers, clusters: Clusters): number | null => {
  const rows = splitByLabel(labels);
  if (rows.positive.length === 0 || rows.negative.length === 0) return null;
  const variance = varianceOf(placementsOf(scores, rows), rows, clusters);
  return variance === null ? null : Math.sqrt(variance);
};

/** Deviations of the placements from the difference of the areas, summed within clusters. */
type Deviations = { readonly sums: Float64Array; readonly occupied: number };
const deviationsOf = (placements: Float64Array, rows: Uint32Array, auc: number, { ids, count }: Clusters): Deviations => {
  const sums = new Float64Array(count);
  const seen = new Uint8Array(count);
  rows.forEach((row, index) => {
    const id = ids[row] as number;
    seen[id] = 1;
    sums[id] = (sums[id] as number) + (placements[index] as number) - auc;
  });
  return { sums, occupied: seen.reduce((total, one) => total + one, 0) };
};

/** S10 / M + S01 / N + 2 S11 / (M N), where each S has a factor of its own: clusters that hold such rows / (those - 1). */
const varianceOf = (change: Placements, rows: RowsByLabel, clusters: Clusters): number | null => {
  const ofPositives = deviationsOf(change.ofPositives, rows.positive, change.auc, clusters);
  const ofNegatives = deviationsOf(change.ofNegatives, rows.negative, change.auc, clusters);
  if (ofPositives.occupied < 2 || ofNegatives.occupied < 2) return null;
  const [positives, negatives] = [rows.positive.length, rows.negative.length];
  const product = (left: Deviations, right: Deviations): number =>
    left.sums.reduce((total, sum, id) => total + sum * (right.sums[id] as number), 0);
  const factor = (occupied: number): number => occupied / (occupied - 1);
  const variance =
    (factor(ofPositives.occupied) * product(ofPositives, ofPositives)) / positives ** 2 +
    (factor(ofNegatives.occupied) * product(ofNegatives, ofNegatives)) / negatives ** 2 +
    (2 * factor(clusters.count) * product(ofPositives, ofNegatives)) / (positives * negatives);
  // Never below zero but for rounding: there are at least as many clusters as clusters with rows of one class.
  return Math.max(0, variance);
};
