/** What labels say to a watch: verdicts on windows that matured, counts, and what a retrain would be worth. */
import type { PerformanceReport } from '#domain/contracts/performance-report.ts';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import type { RetrainObservation } from '#domain/contracts/retrain-policy.ts';
import type { PerformanceMeasured } from '#domain/contracts/watch.ts';
import { declaredWorth, horizonDays, retrainPolicyOf } from '#domain/decide/retrain/retrain-policy.ts';
import { judgedOf } from '#domain/decide/watch/watch-state.ts';
import { type EstimatedLoss, expectedGain } from '#domain/stats/economics/expected-gain.ts';
import type { Instant } from '#domain/units.ts';
import type { MeasureWatchInput } from '../../workflows/watch-steps.ts';
import { toApplicationFailure } from '../boundary.ts';
import type { StepContext } from '../step-context.ts';
import type { PerformanceDeps, PerformanceMeasurement, PerformanceQuestion } from './performance-question.ts';
import type { MeasureDeps, Served } from './served.ts';

export type MeasurePerformance = (
  deps: PerformanceDeps,
  question: PerformanceQuestion,
  context: StepContext,
) => Promise<PerformanceMeasurement | null>;

/** One-sided; a gain is weighed as a person would who does not like to pay for nothing. */
const gainConfidence = 0.9;

type Gain = RetrainObservation['gain'];
type Known = { readonly served: Served; readonly dataTime: Instant };

/** Errors per prediction of the newest matured window; null where none tells. */
const currentLoss = ({ windows }: PerformanceReport): { loss: EstimatedLoss; rows: number } | null => {
  const matured = windows.filter((one) => one.kind === 'matured').at(-1);
  const accuracy = matured?.metrics.accuracy;
  if (matured === undefined || accuracy === undefined || matured.labelled === 0) return null;
  const standardError = Math.sqrt((accuracy * (1 - accuracy)) / matured.labelled);
  return { loss: { estimate: 1 - accuracy, standardError }, rows: matured.labelled };
};

/** Of a freshly trained model: what this one had on its hold-out, when it was fresh. */
const freshLoss = ({ profile }: Served): EstimatedLoss | null => {
  const known = profile?.performance ?? null;
  const accuracy = known?.metrics.accuracy;
  if (known === null || accuracy === undefined || known.rows === 0) return null;
  return { estimate: 1 - accuracy, standardError: Math.sqrt((accuracy * (1 - accuracy)) / known.rows) };
};

/** What retraining now would bring, where the pipeline says what an error costs; null where it cannot be told. */
const weighGain = (spec: PipelineSpec, report: PerformanceReport, { served, dataTime }: Known): Gain => {
  const worth = declaredWorth(spec.retrain);
  const [current, fresh] = [currentLoss(report), freshLoss(served)];
  if (worth === null || current === null || fresh === null) return null;
  const { predictionsPerDay, valuePerError, costPerRun } = worth;
  const horizon = horizonDays(retrainPolicyOf(spec.retrain), Date.parse(served.trainedAt), Date.parse(dataTime));
  const evidence = expectedGain({
    predictionsPerDay,
    valuePerError,
    current: current.loss,
    fresh,
    horizonDays: horizon,
    rows: current.rows,
    confidence: gainConfidence,
  });
  return { lower: evidence.lower, cost: costPerRun, evidenceIds: [evidence.id] };
};

const questionOf = async (deps: MeasureDeps, input: MeasureWatchInput, spec: PipelineSpec, { served, dataTime }: Known) => {
  const { pipeline, cursor } = input;
  const [trained, quarantined] = await Promise.all([deps.snapshots.lastTrained(pipeline), deps.watch.quarantine.list(pipeline)]);
  const { maturedUntil, estimatedUntil } = judgedOf(cursor, served.profileSha256);
  const question: PerformanceQuestion = {
    version: served.version,
    spec,
    dataTime,
    maturedUntil,
    estimatedUntil,
    labelsSince: trained?.lastEventAt ?? null,
    quarantined: quarantined.filter(({ releasedAt }) => releasedAt === null).map(({ from, to }) => ({ from, to })),
  };
  return { question, lastTrainingRows: trained?.rows ?? 0 };
};

/** The first report of a window is what holds: its verdict was told, and a decision rests on it. */
const keepWindows = async (
  deps: MeasureDeps,
  { pipeline }: MeasureWatchInput,
  { served }: Known,
  found: PerformanceMeasurement,
) => {
  const { reportSha256, metric, report } = found;
  const profileSha256 = served.profileSha256;
  const windows: PerformanceMeasured['windows'] = [];
  if (reportSha256 === null) return windows;
  for (const { from, to, performance, calibration } of found.windows) {
    const measured = report.windows.find((one) => one.from === from && one.to === to);
    const evidence =
      measured?.kind === 'matured' ? measured.evidence.find(({ id }) => performance.evidenceIds.includes(id)) : undefined;
    const bounds =
      evidence?.kind === 'interval' ? { estimate: evidence.estimate, lower: evidence.lower, upper: evidence.upper } : {};
    const summary = {
      kind: 'matured',
      metric,
      ...bounds,
      value: measured?.metrics[metric] ?? null,
      predictions: measured?.predictions ?? 0,
      labelled: measured?.labelled ?? 0,
    };
    if (profileSha256 !== null) {
      const row = {
        pipeline,
        kind: 'performance',
        profileSha256,
        from,
        to,
        sha256: reportSha256,
        outcome: performance.outcome,
        summary,
      } as const;
      await deps.watch.reports.record(row);
    }
    windows.push({ from, to, reportSha256, performance, calibration });
  }
  return windows;
};

/** Labels that stay away are broken data: the window stands in quarantine, and asks for nobody's training. */
const quarantine = async (
  deps: MeasureDeps,
  { pipeline }: MeasureWatchInput,
  { served }: Known,
  found: PerformanceMeasurement,
) => {
  const window = found.windows.at(-1);
  const { profileSha256 } = served;
  if (window === undefined || profileSha256 === null || found.breaches.length === 0) return;
  const { from, to } = window;
  const rows = found.report.windows.find((one) => one.to === to)?.predictions ?? 0;
  await deps.watch.quarantine.add({ pipeline, profileSha256, from, to, breaches: found.breaches, rows });
};

/** Labels that only come with the sources are never handed in: nobody knows here that there are no new ones. */
const countsOf = async ({ watch }: MeasureDeps, { pipeline }: MeasureWatchInput, counts: PerformanceMeasured['labels']) =>
  (await watch.labels.hasAny(pipeline)) ? counts : null;

const measure = async (
  deps: MeasureDeps,
  measurePerformance: MeasurePerformance,
  input: MeasureWatchInput,
  spec: PipelineSpec,
  served: Served | null,
  dataTime: Instant | null,
  context: StepContext,
): Promise<PerformanceMeasured | null> => {
  if (served === null || dataTime === null) return null;
  const known = { served, dataTime };
  const { question, lastTrainingRows } = await questionOf(deps, input, spec, known);
  const { content, scratch, limits, watch } = deps;
  const found = await measurePerformance({ content, scratch, limits, ...watch }, question, context);
  if (found === null) return null;
  await quarantine(deps, input, known, found);
  const { estimate, breaches, labelFeed, labels, reportSha256 } = found;
  const counts = { newRows: labels.newRows, newRareRows: labels.newRareRows, lastTrainingRows };
  return {
    windows: await keepWindows(deps, input, known, found),
    estimate: estimate === null || reportSha256 === null ? null : { ...estimate, reportSha256 },
    breaches: [...breaches],
    labelFeed,
    labels: await countsOf(deps, input, counts),
    gain: weighGain(spec, found.report, known),
  };
};

/** Counted as the last of its attempts: what would be tried for ever then, say a database that is away, fails the look. */
const isFinal = (error: unknown): boolean => toApplicationFailure(error, Number.MAX_SAFE_INTEGER).nonRetryable === true;

export type LabelsMeasured = {
  /** Null while nobody serves, or nothing came; what cannot be compared has counts of nothing. */
  readonly performance: PerformanceMeasured | null;
  readonly problem: string | null;
};

/** Labels that cannot be measured, say as a part of them is damaged, keep no window from being judged. */
export const measureLabels = async (...asked: Parameters<typeof measure>): Promise<LabelsMeasured> => {
  try {
    return { performance: await measure(...asked), problem: null };
  } catch (error) {
    const { signal } = asked[6];
    if (signal.aborted || !isFinal(error)) throw error;
    return { performance: null, problem: `Cannot measure labels: ${(error as Error).message}`.slice(0, 500) };
  }
};
