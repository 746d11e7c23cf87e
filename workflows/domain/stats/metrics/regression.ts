import { ascendingOrder } from '../ranks.ts';
import type { RowWeights, Scored, WeightedMetric } from './scored.ts';

/** Squares of larger ratios, summed, would not be numbers any more. */
const mostUnexplained = 1e140;

/**
 * Share of the label's variance that the answers explain: 1 - squared errors / squared distances from the mean.
 *
 * Below zero where the mean would have answered better. Null without rows, with a constant label, and
 * with one that varies so little beside the errors that their ratio is beyond 1e140.
 *
 * Source: definition. Agrees with: test/golden/metrics.json, `sklearn.metrics.r2_score`, 1e-11.
 */
export const prepareR2 = (scored: Scored): WeightedMetric => {
  const labels = Float64Array.from(scored.labels);
  const answers = Float64Array.from(scored.answers);
  const rows = labels.length;
  return (weights) => {
    let weight = 0;
    let sum = 0;
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let row = 0; row < rows; row++) {
      if (weights[row] === 0) continue;
      const label = labels[row] as number;
      weight += weights[row] as number;
      sum += (weights[row] as number) * label;
      if (label < low) low = label;
      if (label > high) high = label;
    }
    // The mean of equal labels may round to another number, and they would seem to vary.
    if (!(low < high)) return null;
    const mean = sum / weight;
    let errors = 0;
    let spread = 0;
    for (let row = 0; row < rows; row++) {
      const label = labels[row] as number;
      errors += (weights[row] as number) * (label - (answers[row] as number)) ** 2;
      spread += (weights[row] as number) * (label - mean) ** 2;
    }
    return errors <= mostUnexplained * spread && spread > 0 ? 1 - errors / spread : null;
  };
};

/**
 * Median of the absolute errors, in the unit of the label; the mean of the two middle ones for an even number.
 * Weights are whole numbers: a row that counts twice is there twice. Null without rows.
 *
 * Source: definition. Agrees with: test/golden/metrics.json, `sklearn.metrics.median_absolute_error`, 1e-12.
 */
export const prepareMedianAbsoluteError = (scored: Scored): WeightedMetric => {
  const errors = Float64Array.from(scored.labels, (label, row) => Math.abs(label - (scored.answers[row] as number)));
  const order = ascendingOrder(errors);
  return (weights) => {
    let total = 0;
    for (let row = 0; row < errors.length; row++) total += weights[row] as number;
    if (total === 0) return null;
    const lower = valueAtPlace(errors, order, weights, Math.floor((total - 1) / 2));
    const upper = valueAtPlace(errors, order, weights, Math.floor(total / 2));
    return (lower + upper) / 2;
  };
};

/** The value at a place, counted from 0, of the list in which each row stands as often as it counts. */
const valueAtPlace = (values: Float64Array, order: Uint32Array, weights: RowWeights, place: number): number => {
  let passed = 0;
  for (const row of order) {
    passed += weights[row] as number;
    if (passed > place) return values[row] as number;
  }
  throw new RangeError(`Cannot find place ${place} as there are ${passed} values`);
};
