import type { MetricName } from '../../contracts/pipeline-spec/training.ts';
import { bootstrapInSteps } from '../comparison/bootstrap.ts';
import { placementsOf, splitByLabel } from '../comparison/placements.ts';
import { meanOf } from '../mean.ts';
import { correctRows } from '../metrics/confusion.ts';
import { metricTable } from '../metrics/metrics.ts';
import { lossesOfRows, type MeanMetric, meanMetrics } from '../metrics/row-losses.ts';
import { predictedClasses, type Scored } from '../metrics/scored.ts';
import type { Numbers } from '../ranks.ts';
import type { Steps } from '../steps.ts';
import type { Share } from '../two-sample/proportions.ts';

/** Resamples for a standard error: more change its second digit only. With 50 it is right within a tenth. */
const mostResamples = 200;
const fewestResamples = 50;
/** Draws in all, unless 50 resamples need more: some seconds of one core. */
const mostDraws = 20_000_000;

export const isMeanMetric = (metric: MetricName): metric is MeanMetric => (meanMetrics as readonly string[]).includes(metric);

/**
 * How far a metric of n rows lies from that of all rows like them, times the square root of n: a deviation per row, from
 * which the standard error on any number of rows follows. Null where the metric, or its error, cannot be had.
 *
 * Of a proportion by the binomial distribution, of a mean by the standard deviation of the losses, of the area under the
 * ROC curve by DeLong's variance, of anything else by a bootstrap of 200 resamples (50 on very many rows). Rows are taken as independent.
 *
 * Source: of the parts.
 */
export function* deviationPerRow(metric: MetricName, scored: Scored, seed: number, most = mostResamples): Steps<number | null> {
  const rows = scored.labels.length;
  const share = shareOfMetric(metric, scored);
  if (share !== null) {
    const value = share.count / share.rows;
    return share.rows === 0 ? null : Math.sqrt((value * (1 - value) * rows) / share.rows);
  }
  if (isMeanMetric(metric)) return rows < 2 ? null : deviationOf(lossesOfRows(metric, scored));
  if (metric === 'roc_auc' && scored.task === 'binary') {
    const area = rocAucError(scored.labels, scored.answers);
    return area === null ? null : area.standardError * Math.sqrt(rows);
  }
  const statistic = metricTable[metric].prepare(scored);
  const resamples = Math.max(fewestResamples, Math.min(most, Math.floor(mostDraws / rows)));
  const result = yield* bootstrapInSteps({ rows, resamples, seed, statistic });
  return result === null ? null : result.standardError * Math.sqrt(rows);
}

/**
 * A metric that is a share of rows, counted: accuracy of any number of classes; precision and recall of two. Null for
 * other metrics.
 *
 * Source: definition.
 */
export const shareOfMetric = (metric: MetricName, scored: Scored): Share | null => {
  const rows = scored.labels.length;
  if (metric === 'accuracy')
    return {
      count: countWhere(
        rows,
        (
          (right) => (row) =>
            right[row] === 1
        )(correctRows(scored)),
      ),
      rows,
    };
  if (scored.task !== 'binary' || (metric !== 'precision' && metric !== 'recall')) return null;
  const called = predictedClasses(scored);
  const isActual = (row: number): boolean => scored.labels[row] === 1;
  const isCalled = (row: number): boolean => called[row] === 1;
  const hits = countWhere(rows, (row) => isActual(row) && isCalled(row));
  return { count: hits, rows: countWhere(rows, metric === 'recall' ? isActual : isCalled) };
};

const countWhere = (rows: number, holds: (row: number) => boolean): number => {
  let count = 0;
  for (let row = 0; row < rows; row++) if (holds(row)) count++;
  return count;
};

/**
 * Area under the ROC curve of one model with its standard error. Null with fewer than two rows of either class, for no
 * variance can then be estimated; 0 where the scores separate the classes. Labels 1 and 0, scores finite, both length n.
 *
 * Source: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), equations 4 and 5.
 * Agrees with: test/golden/vectors.json "delong", variances of each model, 1e-9.
 */
export const rocAucError = (
  labels: Numbers,
  scores: Numbers,
): { readonly auc: number; readonly standardError: number } | null => {
  const rows = splitByLabel(labels);
  if (rows.positive.length < 2 || rows.negative.length < 2) return null;
  const { auc, ofPositives, ofNegatives } = placementsOf(scores, rows);
  const variance = deviationOf(ofPositives) ** 2 / ofPositives.length + deviationOf(ofNegatives) ** 2 / ofNegatives.length;
  return { auc, standardError: Math.sqrt(variance) };
};

/** Standard deviation of at least two values, divisor one less than their number. */
export const deviationOf = (values: Float64Array): number => {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
};
