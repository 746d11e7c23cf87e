import { ascendingOrder, type Numbers } from '../ranks.ts';
import { tieEnds } from './roc-auc.ts';
import type { WeightedMetric } from './scored.ts';

/**
 * Area under the precision-recall curve as average precision: precision at each threshold, weighted by the recall gained.
 *
 * Labels are 1 or 0, scores finite, both length n; rows with the same score enter together. Null without positives.
 * Not interpolated between thresholds, which would flatter. Sorts once, then O(n) for each set of weights.
 *
 * Source: Davis and Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006, section 4.
 * Agrees with: test/golden/metrics.json, `sklearn.metrics.average_precision_score`, 1e-12.
 * @example prepareAveragePrecision([0, 1, 1], [0.2, 0.1, 0.9])(everyRowOnce(3)) // 0.8333333333333333
 */
export const prepareAveragePrecision = (labels: Numbers, scores: Numbers): WeightedMetric => {
  const negated = Float64Array.from(scores, (score) => -score);
  const descending = ascendingOrder(negated);
  const ties = tieEnds(negated, descending);
  const isPositive = Uint8Array.from(descending, (row) => (labels[row] === 1 ? 1 : 0));
  return (weights) => {
    let positives = 0;
    let seen = 0;
    let sum = 0;
    let place = 0;
    for (const end of ties) {
      let positiveHere = 0;
      for (; place < end; place++) {
        const weight = weights[descending[place] as number] as number;
        seen += weight;
        if (isPositive[place] === 1) positiveHere += weight;
      }
      positives += positiveHere;
      if (positiveHere > 0) sum += positiveHere * (positives / seen);
    }
    return positives === 0 ? null : sum / positives;
  };
};
