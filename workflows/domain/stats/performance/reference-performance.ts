import type { MetricName } from '../../contracts/pipeline-spec/training.ts';
import type { ClusterUnit, MetricByCluster, ReferenceClusters, ReferencePerformance } from '../../contracts/reference-profile.ts';
import { type Clusters, effectiveClusters } from '../comparison/clusters.ts';
import { calibrationErrorByMass } from '../metrics/calibration.ts';
import { measureAll } from '../metrics/metrics.ts';
import type { Scored } from '../metrics/scored.ts';
import type { Steps } from '../steps.ts';
import { fitCalibrator } from './calibrator.ts';
import { clusteredError, clusterSpread, metricOfClusters } from './cluster-metrics.ts';
import { calibrationCells, crossFitInSteps } from './cross-fitted-calibration.ts';
import { deviationPerRow } from './metric-uncertainty.ts';

/**
 * What later windows are compared with: every metric of the task with its deviation per row and, for two classes, a
 * calibrator with the error that it has on rows it has not seen. Measured on rows that the model was not trained on.
 *
 * Metrics that do not exist for these rows are left out, as is a deviation that cannot be estimated. No rows: rows 0,
 * nothing else. One class: no calibrator. Where rows belong together, also how much clusters of them differ. Deterministic
 * in `seed`, which deals the folds and draws the resamples.
 *
 * Source: of the parts.
 */
export function* measureReference(
  scored: Scored,
  seed: number,
  together: ClusteredBy | null = null,
): Steps<ReferencePerformance> {
  const metrics = measureAll(scored);
  const perRowDeviation: Record<string, number> = {};
  for (const metric of Object.keys(metrics) as MetricName[]) {
    const deviation = yield* deviationPerRow(metric, scored, seed);
    if (deviation !== null) perRowDeviation[metric] = deviation;
  }
  const calibrator = scored.task === 'binary' ? fitCalibrator(scored.labels, scored.answers) : null;
  const probabilities = calibrator === null ? null : yield* crossFitInSteps(scored.labels, scored.answers, { seed });
  const calibrationError = probabilities === null ? null : calibrationErrorByMass(scored.labels, probabilities, calibrationCells);
  const clusters = together === null ? null : yield* measureClusters(scored, together, seed);
  return { rows: scored.labels.length, metrics, perRowDeviation, calibrator, calibrationError, clusters };
}

/** Rows that belong together, and what they were put together by. */
export type ClusteredBy = { readonly unit: ClusterUnit; readonly clusters: Clusters };

function* measureClusters(scored: Scored, { unit, clusters }: ClusteredBy, seed: number): Steps<ReferenceClusters> {
  const error: Record<string, number> = {};
  const each: Record<string, MetricByCluster> = {};
  for (const metric of Object.keys(measureAll(scored)) as MetricName[]) {
    const found = yield* clusteredError(metric, scored, clusters, seed);
    if (found !== null) error[metric] = found;
    const spread = clusterSpread(yield* metricOfClusters(metric, scored, clusters, seed));
    if (spread !== null) each[metric] = spread;
  }
  return { unit, count: clusters.count, effective: effectiveClusters(clusters), error, each };
}

/** A metric with the limits between which it is expected on some number of rows. */
export type ControlBand = { readonly value: number; readonly low: number; readonly high: number };

/** Standard errors on either side of the reference, as control charts have it. */
const bandErrors = 3;

/**
 * The reference value of a metric, three standard errors either way, for so many rows. For display: it takes the reference
 * value as exactly known, and the normal distribution as true. Null where the reference does not have the metric or its
 * deviation, and without rows.
 *
 * Source: Shewhart, Economic Control of Quality of Manufactured Product (1931).
 * @example controlBand({ rows: 9, metrics: { mae: 2 }, perRowDeviation: { mae: 1 }, calibrator: null, calibrationError: null }, 'mae', 100).high // 2.3
 */
export const controlBand = (reference: ReferencePerformance, metric: string, rows: number): ControlBand | null => {
  const value = reference.metrics[metric];
  const deviation = reference.perRowDeviation[metric];
  if (value === undefined || deviation === undefined || !(rows > 0)) return null;
  const reach = (bandErrors * deviation) / Math.sqrt(rows);
  return { value, low: value - reach, high: value + reach };
};
