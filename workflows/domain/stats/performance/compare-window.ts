import type { Evidence } from '../../contracts/evidence.ts';
import type { MetricName } from '../../contracts/pipeline-spec/training.ts';
import type { ReferencePerformance } from '../../contracts/reference-profile.ts';
import { bootstrapInSteps, percentileBounds } from '../comparison/bootstrap.ts';
import { type Clusters, effectiveClusters, tooFewClusters } from '../comparison/clusters.ts';
import { meanOf } from '../mean.ts';
import { checkScored } from '../metrics/check-scored.ts';
import { metricTable } from '../metrics/metrics.ts';
import { lossesOfRows } from '../metrics/row-losses.ts';
import { everyRowOnce, type Scored } from '../metrics/scored.ts';
import { normalUpperQuantile } from '../special/normal.ts';
import { studentUpperQuantile } from '../special/student-t.ts';
import type { Steps } from '../steps.ts';
import { newcombeOfWorth, type Share } from '../two-sample/proportions.ts';
import { around, type Change, errorOf, type Known, type Missing } from './change.ts';
import { changeOfFewClusters, independent, type Spread, spreadOfClusters } from './compare-clusters.ts';
import { fewestLabelledOfClass, fewestLabelledRows } from './fewest-labelled.ts';
import { deviationOf, isMeanMetric, rocAucError, shareOfMetric } from './metric-uncertainty.ts';

export type PerformanceQuestion = {
  readonly metric: MetricName;
  /** Labelled rows of a matured window. */
  readonly window: Scored;
  readonly reference: ReferencePerformance;
  /** Which rows of the window belong together; null: each is evidence of its own. */
  readonly clusters: Clusters | null;
  /** Of each bound for itself; above 1/2. */
  readonly confidence: number;
  readonly seed: number;
};

const resamples = 1000;
/** More resamples without a value than this share, and the rest are not a sample of anything. */
const mostMissing = 0.01;

/** Id of the evidence on a metric of a matured window. */
export const performanceEvidenceId = (metric: string): string => `performance/${metric}/window against reference`;

/**
 * How much a matured window differs from the reference performance: evidence of kind interval, turned so that more is
 * better (window minus reference, or reference minus window for a loss), with one-sided bounds.
 *
 * A proportion by Newcombe's interval; the area under the ROC curve of two classes by DeLong's variance; a mean of losses
 * by Welch's t; anything else by a bootstrap of the window, its reach combined with that of the reference by squares. The
 * reference is an estimate too, and its error counts.
 *
 * Where rows come in clusters these reach as much further as clusters differ (`spreadOfClusters`), with Student's t by what
 * the clusters are worth. A window of too few clusters, such as one day, is compared with those of the reference one by
 * one (`changeOfFewClusters`).
 *
 * Insufficient with fewer than 30 labelled rows, with fewer than 10 of either of two classes for the area, where the metric
 * does not exist in the window, where the reference has no value or no deviation for it, and with too few clusters. Throws
 * RangeError for a confidence outside (1/2, 1), and for labels and answers that are none (`checkScored`).
 *
 * Source: Newcombe, Statistics in Medicine 17 (1998), method 10; DeLong et al. (1988); Welch, Biometrika 34 (1947);
 * combination: Zou and Donner, Statistics in Medicine 27 (2008).
 * Agrees with: test/golden/performance.json "changes", `statsmodels` and SciPy, 1e-9.
 */
export function* compareWindow(question: PerformanceQuestion): Steps<Evidence> {
  const { metric, window, confidence } = question;
  if (!(confidence > 0.5 && confidence < 1))
    throw new RangeError(`Cannot bound a change as the confidence must be in (1/2, 1): it is ${confidence}`);
  checkScored(window);
  return evidenceOf(question, { id: performanceEvidenceId(metric), of: 'window' }, yield* changeOf(question));
}

/** Id of the evidence on a metric of a window of few clusters together with those before it. */
export const togetherEvidenceId = (metric: string): string => `performance/${metric}/windows together against reference`;

/**
 * The same of a window of few clusters together with those before it, cluster by cluster: a loss that lasts shows in a
 * week of days where one day shows nothing.
 *
 * Source: `changeOfFewClusters`.
 */
export function* compareTogether(question: PerformanceQuestion & { readonly clusters: Clusters }): Steps<Evidence> {
  const { metric, clusters } = question;
  const few = `clusters by ${clusters.by} ${clusters.count}`;
  return evidenceOf(
    question,
    { id: togetherEvidenceId(metric), of: 'windows together' },
    yield* changeOfFewClusters(question, few),
  );
}

const evidenceOf = (
  question: PerformanceQuestion,
  { id, of }: { readonly id: string; readonly of: string },
  found: Change | Missing,
): Evidence => {
  const { metric, window, confidence } = question;
  const isLoss = metricTable[metric].better === 'lower';
  const what = `${metric}, ${isLoss ? `reference minus ${of}` : `${of} minus reference`}`;
  const common = { id, what, rows: window.labels.length };
  if ('reason' in found) return { ...common, kind: 'insufficient', reason: found.reason };
  const clusters = clustersOf(question);
  return { ...common, kind: 'interval', ...(isLoss ? turned(found) : found), confidence, sides: 'one', ...clusters };
};

const clustersOf = ({ clusters, reference }: PerformanceQuestion): { clusters?: Interval['clusters'] } =>
  clusters === null ? {} : { clusters: { by: clusters.by, count: clusters.count, reference: reference.clusters?.count ?? null } };

type Interval = Extract<Evidence, { kind: 'interval' }>;

const turned = (change: Change): Change => ({
  ...change,
  estimate: -change.estimate,
  lower: -change.upper,
  upper: -change.lower,
});

function* changeOf(question: PerformanceQuestion): Steps<Change | Missing> {
  const { metric, window, reference } = question;
  const rows = window.labels.length;
  if (rows < fewestLabelledRows) return { reason: `labelled rows ${rows} >= ${fewestLabelledRows} does not hold` };
  const value = reference.metrics[metric];
  const deviation = reference.perRowDeviation[metric];
  if (value === undefined || deviation === undefined || reference.rows < 2)
    return { reason: `the reference has no ${metric} with its deviation` };
  const known = { value, deviation, rows: reference.rows };
  const { clusters } = question;
  if (clusters === null) return yield* changeOfRows(question, known, independent);
  const few = tooFewClusters(clusters);
  if (few !== null) return yield* changeOfFewClusters({ ...question, clusters }, few);
  const spread = yield* spreadOfClusters({ ...question, clusters }, known, effectiveClusters(clusters));
  if ('reason' in spread) return spread;
  const found = yield* changeOfRows(question, known, spread);
  return 'reason' in found ? found : { ...found, method: `${found.method}, clusters by ${clusters.by}` };
}

function* changeOfRows(question: PerformanceQuestion, known: Known, spread: Spread): Steps<Change | Missing> {
  const { metric, window } = question;
  const share = shareOfMetric(metric, window);
  if (share !== null) return changeOfShare(share, question, known, spread);
  if (isMeanMetric(metric)) return changeOfMean(lossesOfRows(metric, window), question, known, spread);
  if (metric === 'roc_auc' && window.task === 'binary') return changeOfArea(question, known, spread);
  return yield* changeByResampling(question, known, spread);
}

const changeOfShare = (
  share: Share,
  { metric, confidence }: PerformanceQuestion,
  known: Known,
  spread: Spread,
): Change | Missing => {
  if (share.rows === 0) return { reason: `${metric} does not exist for these rows` };
  const old = shareOfReference(metric, known);
  const limits =
    old === null
      ? null
      : newcombeOfWorth(worthOf(old, spread.ofReference), worthOf(share, spread.ofWindow), quantileOf(confidence, spread));
  if (limits === null)
    return { reason: `the reference does not say of how many rows its ${metric} of ${known.value} is a share` };
  const value = share.count / share.rows;
  const variance = (value * (1 - value)) / share.rows + spread.ofWindow + spread.ofReference;
  return { ...limits, standardError: Math.hypot(Math.sqrt(variance), errorOf(known)), method: 'Newcombe' };
};

/** So many independent rows as know a share as badly as these do, half a row added to either side. */
const worthOf = (share: Share, added: number): Share => {
  if (added === 0) return share;
  const near = (share.count + 0.5) / (share.rows + 1);
  const effect = 1 + (added * share.rows) / (near * (1 - near));
  return { count: share.count / effect, rows: share.rows / effect };
};

/** Standard errors to a bound. */
const quantileOf = (confidence: number, { degreesOfFreedom }: Spread): number =>
  studentUpperQuantile(1 - confidence, degreesOfFreedom);

/** A share of which only the deviation per row was kept: p (1 - p) n / deviation^2 are the rows that it is a share of. */
const shareOfReference = (metric: MetricName, { value, deviation, rows }: Known): Share | null => {
  const trials = metric === 'accuracy' ? rows : Math.round((value * (1 - value) * rows) / deviation ** 2);
  return trials > 0 && Number.isFinite(trials) ? { count: Math.round(value * trials), rows: trials } : null;
};

const changeOfMean = (losses: Float64Array, { confidence }: PerformanceQuestion, known: Known, spread: Spread): Change => {
  const estimate = meanOf(losses) - known.value;
  const ofWindow = deviationOf(losses) ** 2 / losses.length + spread.ofWindow;
  const ofReference = errorOf(known) ** 2 + spread.ofReference;
  const variance = ofWindow + ofReference;
  // By the window's part of the variance: squares of small variances would vanish.
  const part = ofWindow / variance;
  const ofRows = 1 / (part ** 2 / (losses.length - 1) + (1 - part) ** 2 / (known.rows - 1));
  const degrees = Math.min(ofRows, spread.degreesOfFreedom);
  // Losses that are all the same on both sides have no error, and no degrees of freedom.
  const reach = variance === 0 ? 0 : studentUpperQuantile(1 - confidence, degrees) * Math.sqrt(variance);
  return { ...around(estimate, reach), standardError: Math.sqrt(variance), method: 'Welch' };
};

const changeOfArea = ({ window, confidence }: PerformanceQuestion, known: Known, spread: Spread): Change | Missing => {
  const positives = Array.from(window.labels).filter((label) => label === 1).length;
  const rarer = Math.min(positives, window.labels.length - positives);
  const area = rocAucError(window.labels, window.answers);
  if (area === null || rarer < fewestLabelledOfClass)
    return { reason: `labelled rows of the rarer class ${rarer} >= ${fewestLabelledOfClass} does not hold` };
  const standardError = Math.sqrt(area.standardError ** 2 + errorOf(known) ** 2 + spread.ofWindow + spread.ofReference);
  return {
    ...around(area.auc - known.value, quantileOf(confidence, spread) * standardError),
    standardError,
    method: 'DeLong',
  };
};

function* changeByResampling(
  { metric, window, confidence, seed }: PerformanceQuestion,
  known: Known,
  spread: Spread,
): Steps<Change | Missing> {
  const rows = window.labels.length;
  const statistic = metricTable[metric].prepare(window);
  const value = statistic(everyRowOnce(rows));
  const result = value === null ? null : yield* bootstrapInSteps({ rows, resamples, seed, statistic });
  if (value === null || result === null || result.missing > mostMissing * resamples)
    return { reason: `${metric} does not exist for these ${rows} rows, or for many of their resamples` };
  const bounds = percentileBounds(result, confidence);
  const normal = normalUpperQuantile(1 - confidence);
  const others = Math.sqrt(errorOf(known) ** 2 + spread.ofWindow + spread.ofReference);
  const estimate = value - known.value;
  const widened = quantileOf(confidence, spread) / normal;
  return {
    estimate,
    lower: estimate - widened * Math.hypot(value - bounds.lower, normal * others),
    upper: estimate + widened * Math.hypot(bounds.upper - value, normal * others),
    standardError: Math.hypot(result.standardError, others),
    method: `bootstrap, ${resamples} resamples, mulberry32(${seed})`,
  };
}
