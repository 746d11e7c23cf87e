/** How good the model that serves is, by the labels that have come, and by its probabilities alone. */
import { type ModelPackage, modelPackageSchema } from '#domain/contracts/model-version.ts';
import { type PerformanceReport, type PerformanceWindow, performanceReportSchema } from '#domain/contracts/performance-report.ts';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import type { MetricName } from '#domain/contracts/pipeline-spec/training.ts';
import { type ReferencePerformance, type ReferenceProfile, referenceProfileSchema } from '#domain/contracts/reference-profile.ts';
import { decideEstimate, defaultLargestCalibrationError } from '#domain/decide/performance/estimate-breach.ts';
import { findLabelledShareBreach } from '#domain/decide/performance/labelled-share-breach.ts';
import { decidePerformance, type PerformancePolicy } from '#domain/decide/performance/performance-breach.ts';
import { type CalibrationDecision, decideCalibration } from '#domain/decide/performance/recalibrate.ts';
import { calibrationErrorByMass } from '#domain/stats/metrics/calibration.ts';
import { calibrationEvidenceIds } from '#domain/stats/performance/calibration-evidence.ts';
import { calibrateAll } from '#domain/stats/performance/calibrator.ts';
import { performanceEvidenceId } from '#domain/stats/performance/compare-window.ts';
import { calibrationCells } from '#domain/stats/performance/cross-fitted-calibration.ts';
import { estimateEvidenceId } from '#domain/stats/performance/estimate-evidence.ts';
import { compareLabelledShare } from '#domain/stats/performance/labelled-share.ts';
import { estimateLagCurve, type LagCurve, lagOfShare } from '#domain/stats/performance/lag-curve.ts';
import { type LabelPolicy, type Maturity, maturedShare, maturityOf } from '#domain/stats/performance/maturity.ts';
import { measureWindow } from '#domain/stats/performance/measure-window.ts';
import type { Instant } from '#domain/units.ts';
import { sha256Of } from '../../infra/objects/digest.ts';
import { type Joined, withJoined } from '../../infra/performance/joined.ts';
import {
  countUnknownIds,
  countWindows,
  readAnswers,
  readWaits,
  tallyLabels,
  tallyRows,
  type WindowRows,
} from '../../infra/performance/questions.ts';
import { withPauses } from '../evaluation/comparisons.ts';
import type { StepContext } from '../step-context.ts';
import { estimateWithoutLabels } from './label-free.ts';
import type { LabelCounts, PerformanceDeps, PerformanceMeasurement, PerformanceQuestion, Span } from './performance-question.ts';
import { createLabelReader, outputsOf, type ScoredRows, toScoredRows } from './scored-rows.ts';
import { secondOpinions } from './second-opinions.ts';

/** Of each bound. */
const confidence = 0.95;
/** Bounds of an estimate without labels are three standard errors. */
const estimateConfidence = 0.9973;
/** Of both tests of calibration together; a recalibration goes through the gate, so a false alarm costs minutes. */
const calibrationLevel = 0.05;
/** Error beyond chance under which a threshold that was chosen by cost stays right enough. */
const toleratedCalibration = 0.01;

/**
 * Rows of a window that are measured; of more a sample is taken, the same again. At 50,000 the area under the curve is known
 * to about 0.003 and a share to 0.002, an eighth of the drop that is tolerated by default; ten times the rows would take
 * the 999 draws of the calibration test from half a second to five, and tell no more.
 */
const mostRows = 50_000;
/** Rows for the detectors: the newest. They step row by row. */
const mostRowsOfDetectors = 100_000;
/** Windows that are looked at, newest first, beyond the time that labels take. */
const windowsBack = 30;
/** However long ago the last training was: labels older than this are no news. */
const mostWindowsBack = 120;
/** Young windows that are shown. */
const mostProvisional = 7;

const usualMetric = { binary: 'roc_auc', multiclass: 'accuracy', regression: 'rmse' } as const;

type Subject = {
  readonly question: PerformanceQuestion;
  readonly profile: ReferenceProfile;
  readonly reference: ReferencePerformance;
  readonly model: ModelPackage;
  readonly metric: MetricName;
  readonly policy: LabelPolicy;
  readonly nowMs: number;
  readonly windowMs: number;
  readonly isLeftOut: (span: Span) => boolean;
};

const policyOf = ({ watch }: PipelineSpec): LabelPolicy => {
  const { horizon = null, unlabelled } = watch.labels;
  return unlabelled === 'negative' && horizon !== null
    ? { unlabelled, horizonMs: horizon }
    : { unlabelled: 'unknown', horizonMs: horizon };
};

const readSubject = async (deps: PerformanceDeps, question: PerformanceQuestion): Promise<Subject | null> => {
  const { version, spec, dataTime, quarantined } = question;
  if (version.profileSha256 === null) return null;
  const profile = referenceProfileSchema.parse(await deps.content.getJson(version.profileSha256));
  if (profile.performance === null) return null;
  const model = modelPackageSchema.parse(await deps.content.getJson(version.modelSha256));
  return {
    question,
    profile,
    reference: profile.performance,
    model,
    metric: spec.watch.performance.metric ?? spec.gate.metric ?? usualMetric[model.task],
    policy: policyOf(spec),
    nowMs: Date.parse(dataTime),
    windowMs: profile.season.windowMs,
    isLeftOut: ({ from, to }) => quarantined.some((broken) => broken.from < to && from < broken.to),
  };
};

const instantOf = (ms: number): Instant => new Date(ms).toISOString() as Instant;

/** Where events begin that matter: so many windows, after the time that labels may take, and all since the last training. */
const beginOf = ({ question, nowMs, windowMs, policy }: Subject): number => {
  const { data } = question.spec;
  const waitMs = Math.max(policy.horizonMs ?? 0, data.label.known_after);
  const usual = nowMs - 2 * waitMs - windowsBack * windowMs;
  const trained = question.labelsSince === null ? usual : Date.parse(question.labelsSince);
  const begin = Math.max(Math.min(usual, trained), nowMs - 2 * waitMs - mostWindowsBack * windowMs);
  return Math.floor(begin / windowMs) * windowMs;
};

type Window = Span & { readonly rows: WindowRows; readonly maturity: Maturity };

/** Closed windows of this version in which something was answered and nothing is broken, oldest first. */
const listWindows = async (joined: Joined, subject: Subject, curve: LagCurve): Promise<Window[]> => {
  const { windowMs, nowMs, policy, question } = subject;
  const counted = await countWindows(joined, question.version.modelSha256, windowMs);
  return counted.flatMap((rows): Window[] => {
    const [fromMs, toMs] = [rows.index * windowMs, (rows.index + 1) * windowMs];
    const span = { from: instantOf(fromMs), to: instantOf(toMs) };
    if (toMs + question.spec.watch.lateness > nowMs || subject.isLeftOut(span)) return [];
    return [{ ...span, rows, maturity: maturityOf({ fromMs, toMs }, nowMs, curve, policy) }];
  });
};

const readRows = async (joined: Joined, subject: Subject, window: Window): Promise<ScoredRows> => {
  const { model, nowMs, policy, question } = subject;
  const rows = await readAnswers(joined, {
    modelSha256: question.version.modelSha256,
    fromMs: Date.parse(window.from),
    toMs: Date.parse(window.to),
    unlabelled: policy.unlabelled === 'negative' && window.maturity.kind === 'matured',
    width: outputsOf(model),
    most: mostRows,
    prefer: 'sample',
  });
  return toScoredRows(rows, model, nowMs, policy);
};

type Measured = { readonly window: Window; readonly report: PerformanceWindow; readonly calibrationError: number | null };

/** Error of the calibrated probabilities, on which an estimate without labels rests. */
const calibrationErrorOf = ({ scored }: ScoredRows, { reference }: Subject): number | null => {
  if (scored.task !== 'binary' || reference.calibrator === null || scored.labels.length === 0) return null;
  return calibrationErrorByMass(scored.labels, calibrateAll(reference.calibrator, scored.answers), calibrationCells);
};

const measureOne = async (
  joined: Joined,
  subject: Subject,
  curve: LagCurve,
  window: Window,
  context: StepContext | undefined,
): Promise<Measured> => {
  const rows = await readRows(joined, subject, window);
  const { reference, metric, model, question } = subject;
  const compare = [...new Set<MetricName>(model.task === 'binary' ? [metric, 'roc_auc'] : [metric])];
  const seed = Number.parseInt(sha256Of(`${question.version.profileSha256} ${window.from}`).slice(0, 8), 16);
  const labelled = { from: window.from, to: window.to, predictions: window.rows.predictions, ...rows };
  const steps = measureWindow(labelled, window.maturity, { reference, curve, compare, confidence, seed });
  const report = { ...(await withPauses(steps, context)), labelled: labelledOf(subject, window, rows) };
  context?.heartbeat({ stage: 'performance', window: window.from });
  return { window, report, calibrationError: calibrationErrorOf(rows, subject) };
};

/** A sample does not say how many labels there are; and where no label means negative, more rows are settled than labelled. */
const labelledOf = ({ policy }: Subject, { rows, maturity }: Window, { scored }: ScoredRows): number =>
  policy.unlabelled === 'negative' && maturity.kind === 'matured' ? Math.max(rows.labelled, scored.labels.length) : rows.labelled;

const policyFor = (evidenceId: string, { question }: Subject): PerformancePolicy => ({
  evidenceId,
  tolerated: question.spec.watch.performance.drop,
  confidence,
});

const calibrationOf = (subject: Subject, report: PerformanceWindow): CalibrationDecision | null => {
  if (subject.model.task !== 'binary' || report.kind !== 'matured') return null;
  const ranking = decidePerformance(report, policyFor(performanceEvidenceId('roc_auc'), subject));
  const { errorTest, spiegelhalter, excess } = calibrationEvidenceIds;
  return decideCalibration(
    ranking,
    report.evidence.filter(({ id }) => id.startsWith('calibration/')),
    {
      testIds: [errorTest, spiegelhalter],
      excessId: excess,
      level: calibrationLevel,
      tolerated: toleratedCalibration,
    },
  );
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

/** Rows of all versions in windows that are old enough, by class. */
const countLabels = async (joined: Joined, subject: Subject, curve: LagCurve, beginMs: number): Promise<LabelCounts> => {
  const { windowMs, nowMs, policy, question, model } = subject;
  const afterMs = policy.unlabelled === 'negative' ? policy.horizonMs : (lagOfShare(curve, maturedShare) ?? policy.horizonMs);
  const { predictions, labelled, late } = await tallyRows(joined, afterMs);
  const unknownIds = await countUnknownIds(joined);
  const counts = { predictions, labelled, unknownIds, late };
  if (afterMs === null) return { newRows: 0, newRareRows: 0, ...counts };
  const maturedMs = Math.floor((nowMs - afterMs - 1) / windowMs) * windowMs;
  const sinceMs = Math.max(beginMs, question.labelsSince === null ? beginMs : Date.parse(question.labelsSince));
  const readLabel = createLabelReader(model);
  const byClass = new Map<number, number>();
  for (const { label, rows } of await tallyLabels(joined, sinceMs, maturedMs)) {
    const settled = label === null && policy.unlabelled === 'negative' ? 0 : readLabel(label);
    if (settled !== null) byClass.set(settled, (byClass.get(settled) ?? 0) + rows);
  }
  const newRows = [...byClass.values()].reduce((sum, rows) => sum + rows, 0);
  const newRareRows = model.task === 'regression' ? 0 : Math.min(...model.classes.map((_, index) => byClass.get(index) ?? 0));
  return { newRows, newRareRows, ...counts };
};

type Found = {
  readonly curve: LagCurve;
  readonly matured: readonly Window[];
  readonly measured: readonly Measured[];
  readonly opinions: PerformanceReport['secondOpinions'];
  readonly labels: LabelCounts;
};

const look = async (joined: Joined, subject: Subject, beginMs: number, context: StepContext | undefined): Promise<Found> => {
  const curve = estimateLagCurve(await readWaits(joined));
  const windows = await listWindows(joined, subject, curve);
  const { maturedUntil } = subject.question;
  const matured = windows.filter(({ maturity }) => maturity.kind === 'matured');
  const fresh = matured.filter(({ to }) => maturedUntil === null || to > maturedUntil);
  const young = windows.filter(({ maturity }) => maturity.kind === 'provisional').slice(-mostProvisional);
  const measured: Measured[] = [];
  for (const window of [...fresh, ...young]) measured.push(await measureOne(joined, subject, curve, window, context));
  return {
    curve,
    matured,
    measured,
    opinions: await opinionsOf(joined, subject, matured),
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
  const verdict = decideEstimate(evidence, calibrationError, {
    evidenceId: id,
    tolerated: subject.question.spec.watch.performance.drop,
    confidence: estimateConfidence,
    largestCalibrationError: defaultLargestCalibrationError,
  });
  return { from: free.from, to: free.to, verdict, calibrationError, calibrationLimit: defaultLargestCalibrationError };
};

/**
 * Measures what labels say of the version that serves: newly matured windows against its reference performance, younger
 * ones for display, the labelled share, an estimate without labels, and how many labels there are. The report is stored,
 * addressed by its content: the same question on the same data gives the same digest. Null for a version that has no
 * reference performance. Reads; decides by `decide/performance`, and does nothing about it.
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
    const scope = { pipeline, parts, from, dataTime, folder, signal: context?.signal };
    return withJoined(deps, scope, (joined) => look(joined, subject, beginMs, context));
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
  return conclude(subject, found, report, free, await deps.content.putJson(report));
};

const conclude = (
  subject: Subject,
  { measured, labels }: Found,
  report: PerformanceReport,
  free: Awaited<ReturnType<typeof estimateWithoutLabels>>,
  reportSha256: PerformanceMeasurement['reportSha256'],
): PerformanceMeasurement => {
  const matured = measured.filter((one) => one.report.kind === 'matured');
  const policy = policyFor(performanceEvidenceId(subject.metric), subject);
  // Told when its window matures, and not again at each look.
  const breach = report.labelledShare === null || matured.length === 0 ? null : findLabelledShareBreach(report.labelledShare);
  return {
    report,
    reportSha256,
    metric: subject.metric,
    windows: matured.map(({ window, report: one }) => ({
      from: window.from,
      to: window.to,
      performance: decidePerformance(one, policy),
      calibration: calibrationOf(subject, one),
    })),
    estimate: estimateOf(subject, free, matured.at(-1)?.calibrationError ?? null),
    breaches: breach === null ? [] : [breach],
    labels,
  };
};
