import type { MetricName } from '../../contracts/pipeline-spec/training.ts';
import type { MetricByCluster } from '../../contracts/reference-profile.ts';
import { bootstrapInSteps } from '../comparison/bootstrap.ts';
import { rocAucErrorOfClusters } from '../comparison/clustered-auc.ts';
import { clusteredMean } from '../comparison/clustered-mean.ts';
import type { Clusters } from '../comparison/clusters.ts';
import { jackknifeInSteps } from '../comparison/jackknife.ts';
import { meanOf } from '../mean.ts';
import { correctRows } from '../metrics/confusion.ts';
import { measure, metricTable } from '../metrics/metrics.ts';
import { lossesOfRows } from '../metrics/row-losses.ts';
import { type Scored, takeRows } from '../metrics/scored.ts';
import type { Steps } from '../steps.ts';
import { fewestLabelledOfClass, fewestLabelledRows } from './fewest-labelled.ts';
import { deviationOf, deviationPerRow, isMeanMetric, shareOfMetric } from './metric-uncertainty.ts';

/** A metric of the rows of one cluster, with the variance that so few independent rows give it. */
export type ClusterMetric = { readonly value: number; readonly variance: number };

/** Enough for a standard error that is right within a tenth; clusters are many. */
const resamples = 50;
/** Fewer clusters than these are too few to draw from. */
const fewestToDraw = 50;

const rowsOf = ({ ids, count }: Clusters): Uint32Array[] => {
  const sizes = new Uint32Array(count);
  for (const id of ids) sizes[id] = (sizes[id] as number) + 1;
  const found = Array.from(sizes, (size) => new Uint32Array(size));
  const filled = new Uint32Array(count);
  ids.forEach((id, row) => {
    const place = filled[id] as number;
    (found[id] as Uint32Array)[place] = row;
    filled[id] = place + 1;
  });
  return found;
};

const rarerOf = ({ labels }: Scored): number => {
  const positives = Array.from(labels).filter((label) => label === 1).length;
  return Math.min(positives, labels.length - positives);
};

/** A share that never failed is not known to be certain: half a row is added to either side. */
const varianceOf = (metric: MetricName, part: Scored, deviation: number): number => {
  const share = shareOfMetric(metric, part);
  if (share === null) return deviation ** 2 / part.labels.length;
  const near = (share.count + 0.5) / (share.rows + 1);
  return (near * (1 - near)) / share.rows;
};

/**
 * A metric taken in each cluster for itself: of those with 30 rows and, for two classes by rank, 10 of either. What is
 * too small, or lacks the metric, is left out.
 *
 * Source: of the parts.
 */
export function* metricOfClusters(
  metric: MetricName,
  scored: Scored,
  clusters: Clusters,
  seed: number,
): Steps<readonly ClusterMetric[]> {
  const found: ClusterMetric[] = [];
  for (const rows of rowsOf(clusters)) {
    if (rows.length < fewestLabelledRows) continue;
    const part = takeRows(scored, rows);
    if (metric === 'roc_auc' && part.task === 'binary' && rarerOf(part) < fewestLabelledOfClass) continue;
    const value = measure(metric, part);
    const deviation = value === null ? null : yield* deviationPerRow(metric, part, seed, resamples);
    if (value !== null && deviation !== null) found.push({ value, variance: varianceOf(metric, part, deviation) });
    yield;
  }
  return found;
}

/**
 * How much a metric differs from one cluster to the next, beyond what their rows explain: of the variance of the values,
 * what is left after the mean of their own variances, and never below 0. Each cluster counts once, whatever its rows.
 * Null with fewer than two.
 *
 * Source: the unweighted moment estimator of a random effect: Hedges and Olkin, Statistical Methods for Meta-Analysis
 * (1985), section 9.B.
 * @example clusterSpread([{ value: 1, variance: 0.5 }, { value: 3, variance: 0.5 }])?.between // 1.2247448713...
 */
export const clusterSpread = (found: readonly ClusterMetric[]): MetricByCluster | null => {
  if (found.length < 2) return null;
  const values = Float64Array.from(found, ({ value }) => value);
  const own = meanOf(Float64Array.from(found, ({ variance }) => variance));
  const variance = deviationOf(values) ** 2;
  return {
    clusters: found.length,
    mean: meanOf(values),
    meanError: Math.sqrt(Math.max(variance, own) / found.length),
    between: Math.sqrt(Math.max(0, variance - own)),
  };
};

/**
 * Standard error of a metric of all rows, where those of a cluster may be alike: of a mean and of accuracy by sums within
 * clusters, of the area under the ROC curve by Obuchowski, of anything else by the jackknife, or from 50 clusters on by a
 * bootstrap of clusters. Null with fewer than two clusters, or where the metric or its error cannot be had.
 *
 * Source: of the parts.
 */
export function* clusteredError(metric: MetricName, scored: Scored, clusters: Clusters, seed: number): Steps<number | null> {
  if (clusters.count < 2) return null;
  if (metric === 'accuracy') return clusteredMean(correctRows(scored), clusters).standardError;
  if (isMeanMetric(metric)) return clusteredMean(lossesOfRows(metric, scored), clusters).standardError;
  if (metric === 'roc_auc' && scored.task === 'binary') {
    return rocAucErrorOfClusters(scored.labels, scored.answers, clusters);
  }
  const statistic = metricTable[metric].prepare(scored);
  const plan = { rows: scored.labels.length, clusters, resamples: 4 * resamples, seed, statistic };
  const found = clusters.count < fewestToDraw ? yield* jackknifeInSteps(clusters, statistic) : yield* bootstrapInSteps(plan);
  return found?.standardError ?? null;
}
