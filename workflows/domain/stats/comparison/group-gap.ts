import type { FairnessReport } from '../../contracts/evaluation-report.ts';
import { predictedClasses, type Scored, type WeightedMetric } from '../metrics/scored.ts';

/** Rows of one group, such as those of one sex. */
export type Group = { readonly value: string; readonly rows: Uint32Array };
export type FairnessMeasure = FairnessReport['measures'][number]['measure'];

/** For a group: rows, rows predicted positive, positive rows, positive rows that were found. */
type GroupCounts = { rows: number; selected: number; positives: number; found: number };

/** What a model does to a group of rows, two classes; null where there is nothing to divide by. */
export const ratesOfGroup = (scored: Scored, { rows }: Group) => {
  const counts = countGroup(predictedClasses(scored), scored, rows, null);
  return {
    rows: counts.rows,
    positives: counts.positives,
    selectionRate: counts.rows === 0 ? 0 : counts.selected / counts.rows,
    truePositiveRate: counts.positives === 0 ? null : counts.found / counts.positives,
  };
};

const countGroup = (predicted: Int32Array, scored: Scored, rows: Uint32Array, weights: Uint32Array | null): GroupCounts => {
  const counts = { rows: 0, selected: 0, positives: 0, found: 0 };
  for (const row of rows) {
    const weight = weights === null ? 1 : (weights[row] as number);
    const isSelected = predicted[row] === 1;
    counts.rows += weight;
    if (isSelected) counts.selected += weight;
    if (scored.labels[row] !== 1) continue;
    counts.positives += weight;
    if (isSelected) counts.found += weight;
  }
  return counts;
};

/**
 * How unlike a model of two classes treats groups, over weighted rows. "equal opportunity difference": the highest share
 * of positive rows that is found, minus the lowest (0 is alike). "selection rate ratio": the lowest share that is
 * predicted positive over the highest (1 is alike). Null with fewer than two groups, where a group has no (positive)
 * rows, or where nobody is selected.
 *
 * Source: Hardt, Price and Srebro, "Equality of opportunity in supervised learning", NeurIPS 2016; Feldman et al.,
 * "Certifying and removing disparate impact", KDD 2015, definition 1.1. Extremes over groups: as Fairlearn has them.
 * Agrees with: test/golden/gate.json, the definition in NumPy, 1e-12.
 */
export const prepareGroupGap = (measure: FairnessMeasure, scored: Scored, groups: readonly Group[]): WeightedMetric => {
  const predicted = predictedClasses(scored);
  const isOpportunity = measure === 'equal opportunity difference';
  return (weights) => {
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (const { rows } of groups) {
      const counts = countGroup(predicted, scored, rows, weights);
      const [part, whole] = isOpportunity ? [counts.found, counts.positives] : [counts.selected, counts.rows];
      if (whole === 0) return null;
      least = Math.min(least, part / whole);
      most = Math.max(most, part / whole);
    }
    if (groups.length < 2 || (!isOpportunity && most === 0)) return null;
    return isOpportunity ? most - least : least / most;
  };
};
