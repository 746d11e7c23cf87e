import type { MetricName } from '../../contracts/pipeline-spec/training.ts';
import type { ReferencePerformance } from '../../contracts/reference-profile.ts';
import { type Clusters, fewestClusters, tooFewOf } from '../comparison/clusters.ts';
import { meanOf } from '../mean.ts';
import type { Scored } from '../metrics/scored.ts';
import { studentUpperQuantile } from '../special/student-t.ts';
import type { Steps } from '../steps.ts';
import { around, type Change, errorOf, type Known, type Missing } from './change.ts';
import { clusteredError, metricOfClusters } from './cluster-metrics.ts';
import { deviationPerRow } from './metric-uncertainty.ts';

export type ClusterQuestion = {
  readonly metric: MetricName;
  readonly window: Scored;
  readonly clusters: Clusters;
  readonly reference: ReferencePerformance;
  readonly confidence: number;
  readonly seed: number;
};

/**
 * A window of few clusters, such as one day, against those of the reference: the mean of what each cluster of the window
 * shows, less the mean over those of the reference, with what clusters differ by among themselves. Compared like with
 * like, for a metric within a day is another thing than over a week. Student's t by the clusters of the reference.
 *
 * Missing where the reference does not say how clusters differ, or has fewer than 5 in which the metric exists, and where
 * no cluster of the window is large enough; `few` says why the window does not answer for itself.
 *
 * Source: the prediction interval of a new group: Higgins, Thompson and Spiegelhalter, Journal of the Royal Statistical
 * Society A 172 (2009), section 3.3; with clusters - 1 degrees of freedom, exact where all clusters are alike in size.
 */
export function* changeOfFewClusters(question: ClusterQuestion, few: string): Steps<Change | Missing> {
  const { metric, window, clusters, reference, confidence, seed } = question;
  const { by } = clusters;
  if (reference.clusters == null) return { reason: `${few}, and the reference does not say how clusters by ${by} differ` };
  const known = reference.clusters.each[metric];
  const count = known?.clusters ?? 0;
  if (known === undefined || count < fewestClusters)
    return {
      reason: `${few}, and clusters by ${by} of the reference with a ${metric} ${count} >= ${fewestClusters} does not hold`,
    };
  const found = yield* metricOfClusters(metric, window, clusters, seed);
  if (found.length === 0) return { reason: `${few}, and none of them has rows enough for a ${metric} of its own` };
  const own = meanOf(Float64Array.from(found, ({ variance }) => variance));
  const standardError = Math.sqrt((known.between ** 2 + own) / found.length + known.meanError ** 2);
  const estimate = meanOf(Float64Array.from(found, ({ value }) => value)) - known.mean;
  const reach = studentUpperQuantile(1 - confidence, count - 1) * standardError;
  return { ...around(estimate, reach), standardError, method: `cluster by cluster, by ${by}` };
}

/** What clusters add to the variance of independent rows, on either side, and how well that is known. */
export type Spread = { readonly ofWindow: number; readonly ofReference: number; readonly degreesOfFreedom: number };

/** Rows that are evidence each of its own. */
export const independent: Spread = { ofWindow: 0, ofReference: 0, degreesOfFreedom: Number.POSITIVE_INFINITY };

type Side = { readonly ofRows: number; readonly ofClusters: number; readonly effective: number };

/** Never narrower than independent rows would be. */
const varianceOf = ({ ofRows, ofClusters }: Side): number => Math.max(ofRows, ofClusters);

const join = (window: Side, reference: Side): Spread => {
  const [fresh, old] = [varianceOf(window), varianceOf(reference)];
  const total = fresh + old;
  const part = total === 0 ? 1 : fresh / total;
  return {
    ofWindow: fresh - window.ofRows,
    ofReference: old - reference.ofRows,
    degreesOfFreedom: 1 / (part ** 2 / (window.effective - 1) + (1 - part) ** 2 / (reference.effective - 1)),
  };
};

/** That of the window of a profile that does not know: its rows, as they were taken before. */
const sideOfReference = (known: Known, { metric, reference, clusters }: ClusterQuestion): Side | Missing => {
  const ofRows = errorOf(known) ** 2;
  const old = reference.clusters;
  if (old == null) return { ofRows, ofClusters: ofRows, effective: known.rows };
  const few = tooFewOf({ by: `${clusters.by} of the reference`, count: old.count, effective: old.effective });
  if (few !== null) return { reason: few };
  const error = old.error[metric];
  return error === undefined
    ? { reason: `the reference has no error of ${metric} by ${clusters.by}` }
    : { ofRows, ofClusters: error ** 2, effective: old.effective };
};

/**
 * What clusters add to the variance of a metric, in a window that has enough of them and in the reference. Degrees of
 * freedom by Welch and Satterthwaite, from what the clusters of either are worth.
 *
 * A reference from before clusters were measured counts with its rows. Missing where its clusters are too few.
 *
 * Source: Welch, Biometrika 34 (1947); errors over clusters as `clusteredError` names them.
 */
export function* spreadOfClusters(question: ClusterQuestion, known: Known, effective: number): Steps<Spread | Missing> {
  const { metric, window, clusters, seed } = question;
  const reference = sideOfReference(known, question);
  if ('reason' in reference) return reference;
  const deviation = yield* deviationPerRow(metric, window, seed);
  const error = yield* clusteredError(metric, window, clusters, seed);
  if (deviation === null || error === null)
    return {
      reason: `${metric} does not exist for these rows, or without one of the ${clusters.count} clusters by ${clusters.by}`,
    };
  return join({ ofRows: deviation ** 2 / window.labels.length, ofClusters: error ** 2, effective }, reference);
}
