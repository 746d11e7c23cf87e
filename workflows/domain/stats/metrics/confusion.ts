import { predictedClasses, type RowWeights, type Scored, type WeightedMetric } from './scored.ts';

/** For one class: rows found, rows called by its name, rows that are of it. */
type ClassCounts = { readonly hits: number; readonly predicted: number; readonly actual: number };

/**
 * Share of rows whose predicted class is the label. Null without rows.
 *
 * Source: definition. Agrees with: test/golden/metrics.json, `sklearn.metrics.accuracy_score`, 1e-12.
 */
export const prepareAccuracy = (scored: Scored): WeightedMetric => {
  const correct = correctRows(scored);
  return (weights) => {
    let right = 0;
    let all = 0;
    for (let row = 0; row < correct.length; row++) {
      all += weights[row] as number;
      right += (correct[row] as number) * (weights[row] as number);
    }
    return all === 0 ? null : right / all;
  };
};

/** 1 where the predicted class is the label, else 0. */
export const correctRows = (scored: Scored): Uint8Array => {
  const predicted = predictedClasses(scored);
  return Uint8Array.from(predicted, (value, row) => (value === scored.labels[row] ? 1 : 0));
};

/**
 * Precision, recall and F1: of class 1 for two classes, else the plain mean over the classes that occur or are predicted.
 *
 * For two classes null where the divisor is zero: nothing predicted has no precision. In a mean over classes such a class
 * counts as 0, because never finding a class that occurs is a failure and not an absence.
 *
 * Source: van Rijsbergen, Information Retrieval (1979), chapter 7; macro average: Manning et al. (2008), section 13.6.
 * Agrees with: test/golden/metrics.json, `sklearn.metrics.precision_recall_fscore_support` with average "binary"
 * and "macro", 1e-12.
 */
export const preparePrecision = (scored: Scored): WeightedMetric =>
  overClasses(scored, ({ hits, predicted }) => [hits, predicted]);
export const prepareRecall = (scored: Scored): WeightedMetric => overClasses(scored, ({ hits, actual }) => [hits, actual]);
export const prepareF1 = (scored: Scored): WeightedMetric =>
  overClasses(scored, ({ hits, predicted, actual }) => [2 * hits, predicted + actual]);

const overClasses = (scored: Scored, fraction: (counts: ClassCounts) => readonly [number, number]): WeightedMetric => {
  const predicted = predictedClasses(scored);
  const actual = Int32Array.from(scored.labels);
  return (weights) => {
    const counts = countClasses(scored.classes, predicted, actual, weights);
    if (scored.task === 'binary') {
      const [part, whole] = fraction(counts[1] as ClassCounts);
      return whole === 0 ? null : part / whole;
    }
    const seen = counts.filter((count) => count.predicted + count.actual > 0).map(fraction);
    if (seen.length === 0) return null;
    return seen.reduce((sum, [part, whole]) => sum + (whole === 0 ? 0 : part / whole), 0) / seen.length;
  };
};

const countClasses = (classes: number, predicted: Int32Array, labels: Int32Array, weights: RowWeights): ClassCounts[] => {
  const hits = new Float64Array(classes);
  const called = new Float64Array(classes);
  const actual = new Float64Array(classes);
  for (let row = 0; row < predicted.length; row++) {
    const guess = predicted[row] as number;
    const truth = labels[row] as number;
    const weight = weights[row] as number;
    called[guess] = (called[guess] as number) + weight;
    actual[truth] = (actual[truth] as number) + weight;
    if (guess === truth) hits[guess] = (hits[guess] as number) + weight;
  }
  return Array.from(hits, (hit, k) => ({ hits: hit, predicted: called[k] as number, actual: actual[k] as number }));
};
