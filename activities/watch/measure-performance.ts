/** How good the model that serves is, by the labels that have come, and by its probabilities alone. */
import { type PerformanceReport, type PerformanceWindow, performanceReportSchema } from '#domain/contracts/performance-report.ts';
import type { MetricName } from '#domain/contracts/pipeline-spec/training.ts';
import { decideEstimate, defaultLargestCalibrationError } from '#domain/decide/performance/estimate-breach.ts';
import { findLabelledShareBreach } from '#domain/decide/performance/labelled-share-breach.ts';
import { decidePerformance, type PerformancePolicy } from '#domain/decide/performance/performance-breach.ts';
import { type CalibrationDecision, decideCalibration } from '#domain/decide/performance/recalibrate.ts';
import { toleratedDrop } from '#domain/decide/performance/tolerated-drop.ts';
import { calibrationPolicy } from '#domain/stats/performance/calibration-policy.ts';
import { performanceEvidenceId, togetherEvidenceId } from '#domain/stats/performance/compare-window.ts';
import { estimateEvidenceId } from '#domain/stats/performance/estimate-evidence.ts';
import { compareLabelledShare } from '#domain/stats/performance/labelled-share.ts';
import { estimateLagCurve, type LagCurve, lagOfShare } from '#domain/stats/performance/lag-curve.ts';
import { maturedShare } from '#domain/stats/performance/maturity.ts';
import { type Joined, withJoined } from '../../infra/performance/joined.ts';
import { readAnswers, readWaits } from '../../infra/performance/questions.ts';
import type { StepContext } from '../step-context.ts';
import { feedOf } from './label-feed.ts';
import { estimateWithoutLabels } from './label-free.ts';
import { columnsOfClusters } from './performance-clusters.ts';
import { countLabels } from './performance-labels.ts';
import type { LabelCounts, PerformanceDeps, PerformanceMeasurement, PerformanceQuestion } from './performance-question.ts';
import { beginOf, instantOf, readSubject, type Subject } from './performance-subject.ts';
import { confidence, listWindows, type Measured, measureOne, type Window } from './performance-windows.ts';
import { outputsOf, toScoredRows } from './scored-rows.ts';
import { secondOpinions } from './second-opinions.ts';

/** Bounds of an estimate without labels are three standard errors. */
const estimateConfidence = 0.9973;

/** Rows for the detectors: the newest. They step row by row. */
const mostRowsOfDetectors = 100_000;
/** Young windows that are shown. */
const mostProvisional = 7;

const toleratedOf = (metric: MetricName, { question, reference }: Subject) => {
  const { value, words } = toleratedDrop(question.spec.watch.performance.drop, metric, reference.metrics[metric]);
  return { tolerated: value, toleratedWords: words };
};

const policyFor = (metric: MetricName, subject: Subject): PerformancePolicy => ({
  evidenceId: performanceEvidenceId(metric),
  togetherId: togetherEvidenceId(metric),
  ...toleratedOf(metric, subject),
  confidence,
});

const calibrationOf = (subject: Subject, report: PerformanceWindow): CalibrationDecision | null => {
  if (subject.model.task !== 'binary' || report.kind !== 'matured') return null;
  const ranking = decidePerformance(report, policyFor('roc_auc', subject));
  const evidence = report.evidence.filter(({ id }) => id.startsWith('calibration/'));
  return decideCalibration(ranking, evidence, calibrationPolicy);
};

const compareShares = (subject: Subject, matured: readonly Window[]): PerformanceReport['labelledShare'] => {
  const newest = matured.at(-1);
  if (subject.policy.unlabelled === 'negative' || newest === undefined || matured.length < 2) return null;
  const earlier = matured.slice(0, -1).map(({ rows }) => rows);
  const sum = (of: 'labelled' | 'predictions') => earlier.reduce((total, rows) => total + rows[of], 0);
  return compareLabelledShare({ labelled: sum('labelled'), predictions: sum('predictions') }, newest.rows, confidence);
};

const opinionsOf = async (joined: Joined, subject: Subject, matured: readonly Window[]) => {
  const [first, last] = [matured[0], matured.at(-1)];
  if (first === undefined || last === undefined) return [];
  const { model, nowMs, policy, question, reference } = subject;
  const rows = await readAnswers(joined, {
    modelSha256: question.version.modelSha256,
    fromMs: Date.parse(first.from),
    toMs: Date.parse(last.to),
    unlabelled: policy.unlabelled === 'negative',
    width: outputsOf(model),
    most: mostRowsOfDetectors,
    prefer: 'newest',
  });
  return secondOpinions(toScoredRows(rows, model, nowMs, policy), reference.metrics['mae']);
};

type Found = {
  readonly curve: LagCurve;
  readonly matured: readonly Window[];
  readonly measured: readonly Measured[];
  readonly opinions: PerformanceReport['secondOpinions'];
  readonly labelFeed: PerformanceMeasurement['labelFeed'];
  readonly labels: LabelCounts;
};

const look = async (
  deps: PerformanceDeps,
  joined: Joined,
  subject: Subject,
  beginMs: number,
  context: StepContext | undefined,
): Promise<Found> => {
  const waits = await readWaits(joined);
  const curve = estimateLagCurve(waits);
  const windows = await listWindows(deps, joined, subject, curve);
  const { maturedUntil } = subject.question;
  const matured = windows.filter(({ maturity }) => maturity.kind === 'matured');
  const fresh = matured.filter(({ to }) => maturedUntil === null || to > maturedUntil);
  const young = windows.filter(({ maturity }) => maturity.kind === 'provisional').slice(-mostProvisional);
  const measured: Measured[] = [];
  for (const window of [...fresh, ...young]) {
    const before = matured.filter(({ to }) => to <= window.from);
    measured.push(await measureOne(joined, subject, curve, { window, before }, context));
  }
  return {
    curve,
    matured,
    measured,
    opinions: await opinionsOf(joined, subject, matured),
    labelFeed: feedOf(waits, windows),
    labels: await countLabels(joined, subject, curve, beginMs),
  };
};

const estimateOf = (
  subject: Subject,
  free: Awaited<ReturnType<typeof estimateWithoutLabels>>,
  measuredError: number | null,
): PerformanceMeasurement['estimate'] => {
  const calibrationError = measuredError ?? subject.reference.calibrationError;
  const id = estimateEvidenceId(subject.metric);
  const evidence = free?.evidence.find((one) => one.id === id);
  if (free === null || evidence === undefined || calibrationError === null) return null;
  const { estimatedUntil } = subject.question;
  if (estimatedUntil !== null && free.to <= estimatedUntil) return null;
  const verdict = decideEstimate(evidence, calibrationError, {
    evidenceId: id,
    ...toleratedOf(subject.metric, subject),
    confidence: estimateConfidence,
    largestCalibrationError: defaultLargestCalibrationError,
  });
  return { from: free.from, to: free.to, verdict, calibrationError, calibrationLimit: defaultLargestCalibrationError };
};

/**
 * Measures what labels say of the version that serves: newly matured windows against its reference performance, younger
 * ones for display, the labelled share, an estimate without labels, and how many labels there are. A report with something
 * new is stored, addressed by its content: the same question on the same data gives the same digest. Null for a version
 * that has no reference performance. Reads; decides by `decide/performance`, and does nothing about it.
 */
export const measurePerformance = async (
  deps: PerformanceDeps,
  question: PerformanceQuestion,
  context?: StepContext,
): Promise<PerformanceMeasurement | null> => {
  const subject = await readSubject(deps, question);
  if (subject === null) return null;
  const { version, dataTime } = question;
  const beginMs = beginOf(subject);
  const { pipeline } = version;
  const from = instantOf(beginMs);
  const parts = await deps.predictionParts.select(pipeline, from);
  const found = await deps.scratch.withFolder('performance', (folder) => {
    const scope = { pipeline, parts, from, dataTime, groupBy: columnsOfClusters(subject), folder, signal: context?.signal };
    return withJoined(deps, scope, (joined) => look(deps, joined, subject, beginMs, context));
  });
  const until = instantOf(subject.nowMs - question.spec.watch.lateness);
  const free = await estimateWithoutLabels(
    deps,
    { version, until, isLeftOut: subject.isLeftOut },
    subject.profile,
    subject.model,
  );
  const report = performanceReportSchema.parse({
    format: 1,
    pipeline,
    profileSha256: version.profileSha256,
    at: dataTime,
    lag95Ms: lagOfShare(found.curve, maturedShare),
    windows: found.measured.map((one) => one.report),
    labelledShare: compareShares(subject, found.matured),
    estimate: free?.evidence ?? [],
    secondOpinions: found.opinions,
  });
  const estimate = estimateOf(subject, free, maturedOf(found).at(-1)?.calibrationError ?? null);
  const isNews = estimate !== null || maturedOf(found).length > 0;
  return { ...conclude(subject, found, report), estimate, reportSha256: isNews ? await deps.content.putJson(report) : null };
};

const maturedOf = ({ measured }: Found): Measured[] => measured.filter((one) => one.report.kind === 'matured');

const conclude = (
  subject: Subject,
  found: Found,
  report: PerformanceReport,
): Omit<PerformanceMeasurement, 'estimate' | 'reportSha256'> => {
  const matured = maturedOf(found);
  const policy = policyFor(subject.metric, subject);
  // Told when its window matures, and not again at each look.
  const breach = report.labelledShare === null || matured.length === 0 ? null : findLabelledShareBreach(report.labelledShare);
  return {
    report,
    metric: subject.metric,
    windows: matured.map(({ window, report: one }) => ({
      from: window.from,
      to: window.to,
      performance: decidePerformance(one, policy),
      calibration: calibrationOf(subject, one),
    })),
    breaches: breach === null ? [] : [breach],
    labelFeed: found.labelFeed,
    labels: found.labels,
  };
};
