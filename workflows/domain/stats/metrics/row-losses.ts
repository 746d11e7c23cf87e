import type { Scored, WeightedMetric } from './scored.ts';

/** Probabilities are kept this far from 0 and 1, so that one certain mistake costs 36 and not infinity. */
const smallestProbability = Number.EPSILON;

const probabilityOf = (scored: Scored, row: number, target: number): number => {
  if (scored.task === 'multiclass') return scored.answers[row * scored.classes + target] as number;
  const positive = scored.answers[row] as number;
  return target === 1 ? positive : 1 - positive;
};

/** Metrics that are the mean of a loss that each row has for itself. */
export const meanMetrics = ['log_loss', 'brier', 'mae'] as const;
export type MeanMetric = (typeof meanMetrics)[number];

/**
 * The loss of each row; its mean is the metric. Length n.
 *
 * Source: definition.
 * @example lossesOfRows('mae', { task: 'regression', classes: 0, labels: [3, 5], answers: [4, 3] }) // Float64Array [1, 2]
 */
export const lossesOfRows = (metric: MeanMetric, scored: Scored): Float64Array =>
  Float64Array.from(scored.labels, (_, row) => lossOfRow[metric](scored, row));

/** Mean of such losses. Null without rows. */
const meanOverRows = (losses: Float64Array): WeightedMetric => {
  return (weights) => {
    let sum = 0;
    let all = 0;
    for (let row = 0; row < losses.length; row++) {
      all += weights[row] as number;
      sum += (losses[row] as number) * (weights[row] as number);
    }
    return all === 0 ? null : sum / all;
  };
};

/**
 * Mean negative logarithm of the probability that was given to the true class.
 *
 * Probabilities are clipped to [2.2e-16, 1 - 2.2e-16]; those of more than two classes are first divided by their sum. Where
 * that is 0, nothing was promised to any class, and the true one had 0.
 *
 * Source: Good, "Rational decisions", Journal of the Royal Statistical Society B 14 (1952).
 * Agrees with: test/golden/vectors.json "calibration", 1e-9; test/golden/metrics.json, `sklearn.metrics.log_loss`, 1e-12.
 * @example prepareLogLoss({ task: 'binary', classes: 2, labels: [1], answers: [0.5] })(everyRowOnce(1)) // 0.6931471805599453
 */
export const prepareLogLoss = (scored: Scored): WeightedMetric => meanOverRows(lossesOfRows('log_loss', scored));

const logLossOf = (scored: Scored, row: number): number => {
  const total = totalOf(scored, row);
  const given = total > 0 ? probabilityOf(scored, row, scored.labels[row] as number) / total : 0;
  return -Math.log(Math.min(1 - smallestProbability, Math.max(smallestProbability, given)));
};

const totalOf = (scored: Scored, row: number): number => {
  if (scored.task === 'binary') return 1;
  let total = 0;
  for (let k = 0; k < scored.classes; k++) total += probabilityOf(scored, row, k);
  return total;
};

/**
 * Mean squared distance of the probabilities from the truth: of class 1 for two classes (0 to 1), summed over the
 * classes for more (0 to 2).
 *
 * Source: Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950).
 * Agrees with: test/golden/vectors.json "calibration", 1e-9; test/golden/metrics.json, `sklearn.metrics.brier_score_loss`, 1e-12.
 */
export const prepareBrier = (scored: Scored): WeightedMetric => meanOverRows(lossesOfRows('brier', scored));

const brierOf = (scored: Scored, row: number): number => {
  if (scored.task === 'binary') return (probabilityOf(scored, row, 1) - (scored.labels[row] as number)) ** 2;
  let sum = 0;
  for (let k = 0; k < scored.classes; k++) {
    sum += (probabilityOf(scored, row, k) - (scored.labels[row] === k ? 1 : 0)) ** 2;
  }
  return sum;
};

const residual = (scored: Scored, row: number): number => (scored.labels[row] as number) - (scored.answers[row] as number);

/**
 * Root of the mean squared error, in the unit of the label.
 *
 * Source: definition. Agrees with: test/golden/metrics.json, `sklearn.metrics.root_mean_squared_error`, 1e-12.
 */
export const prepareRmse = (scored: Scored): WeightedMetric => {
  const meanSquare = meanOverRows(Float64Array.from(scored.labels, (_, row) => residual(scored, row) ** 2));
  return (weights) => {
    const square = meanSquare(weights);
    return square === null ? null : Math.sqrt(square);
  };
};

/**
 * Mean absolute error, in the unit of the label.
 *
 * Source: definition. Agrees with: test/golden/metrics.json, `sklearn.metrics.mean_absolute_error`, 1e-12.
 */
export const prepareMae = (scored: Scored): WeightedMetric => meanOverRows(lossesOfRows('mae', scored));

const lossOfRow: Readonly<Record<MeanMetric, (scored: Scored, row: number) => number>> = {
  log_loss: logLossOf,
  brier: brierOf,
  mae: (scored, row) => Math.abs(residual(scored, row)),
};
