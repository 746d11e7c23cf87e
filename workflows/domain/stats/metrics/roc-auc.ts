import { ascendingOrder, endOfTie, midRanks, type Numbers } from '../ranks.ts';
import type { WeightedMetric } from './scored.ts';

/**
 * Area under the ROC curve: the probability that a positive row scores above a negative one, ties counting half.
 *
 * Labels are 1 or 0, scores finite, both length n. Null where a class has no rows. O(n log n).
 *
 * Source: Hanley and McNeil, Radiology 143 (1982): the Mann-Whitney statistic over its largest value.
 * Agrees with: test/golden/metrics.json, `sklearn.metrics.roc_auc_score`, 1e-12.
 * @example rocAuc([0, 1, 1], [0.1, 0.1, 0.9]) // 0.75
 */
export const rocAuc = (labels: Numbers, scores: Numbers): number | null => {
  const ranks = midRanks(scores);
  let positives = 0;
  let rankSum = 0;
  for (let row = 0; row < labels.length; row++) {
    if (labels[row] !== 1) continue;
    positives++;
    rankSum += ranks[row] as number;
  }
  const negatives = labels.length - positives;
  if (positives === 0 || negatives === 0) return null;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
};

/**
 * The same over weighted rows: sorts once, then walks the ties from the lowest score up. O(n) for each set of weights.
 *
 * Source: definition. Agrees with: test/golden/metrics.json, `roc_auc_score` with `sample_weight`, 1e-12.
 */
export const prepareRocAuc = (labels: Numbers, scores: Numbers): WeightedMetric => {
  const order = ascendingOrder(scores);
  const ties = tieEnds(scores, order);
  const isPositive = Uint8Array.from(order, (row) => (labels[row] === 1 ? 1 : 0));
  return (weights) => {
    let pairsWon = 0;
    let positives = 0;
    let negatives = 0;
    let place = 0;
    for (const end of ties) {
      let positiveHere = 0;
      let negativeHere = 0;
      for (; place < end; place++) {
        const weight = weights[order[place] as number] as number;
        if (isPositive[place] === 1) positiveHere += weight;
        else negativeHere += weight;
      }
      pairsWon += positiveHere * (negatives + negativeHere / 2);
      positives += positiveHere;
      negatives += negativeHere;
    }
    return positives === 0 || negatives === 0 ? null : pairsWon / (positives * negatives);
  };
};

/** Where each run of equal values ends in an order of them. */
export const tieEnds = (values: Numbers, order: Uint32Array): number[] => {
  const ends: number[] = [];
  for (let start = 0; start < order.length; start = ends.at(-1) as number) ends.push(endOfTie(values, order, start));
  return ends;
};
