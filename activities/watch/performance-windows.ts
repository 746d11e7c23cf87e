/** Windows of a version's predictions, each with what its labels say. */
import type { PerformanceWindow } from '#domain/contracts/performance-report.ts';
import { keptShareOf } from '#domain/contracts/pipeline-spec/operation.ts';
import type { MetricName } from '#domain/contracts/pipeline-spec/training.ts';
import { calibrationErrorByMass } from '#domain/stats/metrics/calibration.ts';
import { calibrateAll } from '#domain/stats/performance/calibrator.ts';
import { calibrationCells } from '#domain/stats/performance/cross-fitted-calibration.ts';
import { type LagCurve, shareArrived } from '#domain/stats/performance/lag-curve.ts';
import { type Maturity, maturityOf } from '#domain/stats/performance/maturity.ts';
import { type LabelledWindow, measureWindow } from '#domain/stats/performance/measure-window.ts';
import type { Instant } from '#domain/units.ts';
import { sha256Of } from '../../infra/objects/digest.ts';
import type { Joined } from '../../infra/performance/joined.ts';
import { countWindows, readAnswers, type WindowRows } from '../../infra/performance/questions.ts';
import { withPauses } from '../evaluation/comparisons.ts';
import type { StepContext } from '../step-context.ts';
import { clustersOf, isFew, lengthOf } from './performance-clusters.ts';
import type { PerformanceDeps, Span } from './performance-question.ts';
import { instantOf, type Subject } from './performance-subject.ts';
import { joinRows, outputsOf, type ScoredRows, toScoredRows } from './scored-rows.ts';

/** Of each bound. */
export const confidence = 0.95;

/**
 * Rows of a window that are measured; of more a sample is taken, the same again. At 50,000 the area under the curve is known
 * to about 0.003 and a share to 0.002, an eighth of the drop that is tolerated by default; ten times the rows would take
 * the 999 draws of the calibration test from half a second to five, and tell no more.
 */
const mostRows = 50_000;

export type Window = Span & { readonly rows: WindowRows; readonly maturity: Maturity };

/** Closed windows of this version in which something was answered and nothing is broken, oldest first. */
const listClosed = async (joined: Joined, subject: Subject, curve: LagCurve): Promise<Window[]> => {
  const { windowMs, nowMs, policy, question } = subject;
  const counted = await countWindows(joined, question.version.modelSha256, windowMs);
  return counted.flatMap((rows): Window[] => {
    const [fromMs, toMs] = [rows.index * windowMs, (rows.index + 1) * windowMs];
    const span = { from: instantOf(fromMs), to: instantOf(toMs) };
    if (toMs + question.spec.watch.lateness > nowMs || subject.isLeftOut(span)) return [];
    return [{ ...span, rows, maturity: maturityOf({ fromMs, toMs }, nowMs, curve, policy) }];
  });
};

/** Fewer of the rows that were counted have been shipped: the rest is on its way, and would never count. */
const completeShare = 0.95;
/** Which rows are kept is drawn by their ids: so many standard deviations fewer than their share are no sign of rows to come. */
const deviationsOfDraw = 4;

/** Fewer than these are not all that were kept of so many rows; the same where all are. */
const fewestShipped = (counted: number, kept: number): number => {
  const expected = kept * counted;
  return completeShare * expected - deviationsOfDraw * Math.sqrt(expected * (1 - kept));
};

/** In windows of data time: many times what shipping takes, even where a demo lives a day in seconds. */
const windowsAwaited = 2;

/** Rows that servers counted into windows of this version, by the beginning of the window. */
const countedRows = async (deps: Pick<PerformanceDeps, 'tallies'>, { question }: Subject, windows: readonly Window[]) => {
  const { pipeline, modelSha256, profileSha256 } = question.version;
  const [first, last] = [windows[0], windows.at(-1)];
  const rows = new Map<Instant, number>();
  if (first === undefined || last === undefined || profileSha256 === null) return rows;
  for (const counted of await deps.tallies.windows(pipeline, profileSha256, { from: first.from, to: last.to })) {
    if (counted.modelSha256 === modelSha256) rows.set(counted.from, (rows.get(counted.from) ?? 0) + counted.rows);
  }
  return rows;
};

/** As if its labels were still to come. */
const held = (window: Window, curve: LagCurve): Window => {
  const { ageMs, afterMs } = window.maturity;
  return { ...window, maturity: { kind: 'provisional', ageMs, afterMs, arrivedShare: shareArrived(curve, ageMs) } };
};

/**
 * The windows, of which a matured one that was told already is as it was, and a new one waits while its predictions are
 * still being shipped, and with it those after it, so that none is passed over. It waits for two windows' length at most: a
 * disk that was lost ships nothing any more.
 */
export const listWindows = async (
  deps: Pick<PerformanceDeps, 'tallies'>,
  joined: Joined,
  subject: Subject,
  curve: LagCurve,
): Promise<Window[]> => {
  const { windowMs, question } = subject;
  const windows = await listClosed(joined, subject, curve);
  const isNew = ({ to, maturity }: Window): boolean =>
    maturity.kind === 'matured' && (question.maturedUntil === null || to > question.maturedUntil);
  const counted = await countedRows(deps, subject, windows.filter(isNew));
  const kept = keptShareOf(question.spec.serve.capture);
  const isAwaited = (window: Window): boolean =>
    isNew(window) &&
    window.maturity.ageMs <= (window.maturity.afterMs ?? 0) + windowsAwaited * windowMs &&
    window.rows.predictions < fewestShipped(counted.get(window.from) ?? 0, kept);
  const first = windows.findIndex(isAwaited);
  return first === -1 ? windows : windows.map((window, index) => (index >= first ? held(window, curve) : window));
};

const readRows = async (joined: Joined, subject: Subject, window: Window, most = mostRows): Promise<ScoredRows> => {
  const { model, nowMs, policy, question } = subject;
  const rows = await readAnswers(joined, {
    modelSha256: question.version.modelSha256,
    fromMs: Date.parse(window.from),
    toMs: Date.parse(window.to),
    unlabelled: policy.unlabelled === 'negative' && window.maturity.kind === 'matured',
    width: outputsOf(model),
    most,
    prefer: 'sample',
  });
  return toScoredRows(rows, model, nowMs, policy);
};

export type Measured = { readonly window: Window; readonly report: PerformanceWindow; readonly calibrationError: number | null };

/** Error of the calibrated probabilities, on which an estimate without labels rests. */
const calibrationErrorOf = ({ scored }: ScoredRows, { reference }: Subject): number | null => {
  if (scored.task !== 'binary' || reference.calibrator === null || scored.labels.length === 0) return null;
  return calibrationErrorByMass(scored.labels, calibrateAll(reference.calibrator, scored.answers), calibrationCells);
};

/** Clusters that are asked together: a week, where they are days. More would hide for longer that a loss has begun. */
const clustersTogether = 7;

/** Windows that begin in one cluster, one after the other: read at once, and as much of each cluster. */
const spansOf = (windows: readonly Window[], lengthMs: number): Window[] => {
  const clusterOf = ({ from }: Window): number => Math.floor(Date.parse(from) / lengthMs);
  const spans: Window[] = [];
  for (const window of windows) {
    const last = spans.at(-1);
    if (last !== undefined && last.to === window.from && clusterOf(last) === clusterOf(window))
      spans[spans.length - 1] = { ...last, to: window.to };
    else spans.push(window);
  }
  return spans;
};

/** A window of few clusters with those before it; null for any other, and where there are none. */
const readTogether = async (
  joined: Joined,
  subject: Subject,
  { window, before }: WindowInLine,
  rows: ScoredRows,
): Promise<LabelledWindow['together']> => {
  const few = clustersOf(subject, rows);
  if (window.maturity.kind !== 'matured' || before.length === 0 || !isFew(few)) return null;
  const lengthMs = Math.max(subject.windowMs, lengthOf(few.by) ?? 0);
  const earlier = before.slice(1 - clustersTogether * Math.ceil(lengthMs / subject.windowMs));
  // Of each as many at most: a cluster of many times the rows of the others would be all the evidence there is.
  const most = Math.floor(mostRows / clustersTogether);
  const [first, ...others] = spansOf([...earlier, window], lengthMs) as [Window, ...Window[]];
  const parts: [ScoredRows, ...ScoredRows[]] = [await readRows(joined, subject, first, most)];
  for (const one of others) parts.push(await readRows(joined, subject, one, most));
  const all = joinRows(parts);
  const clusters = clustersOf(subject, all);
  return clusters === null ? null : { scored: all.scored, clusters };
};

/** A window, and the matured ones before it, oldest first. */
export type WindowInLine = { readonly window: Window; readonly before: readonly Window[] };

export const measureOne = async (
  joined: Joined,
  subject: Subject,
  curve: LagCurve,
  line: WindowInLine,
  context: StepContext | undefined,
): Promise<Measured> => {
  const { window } = line;
  const rows = await readRows(joined, subject, window);
  const { reference, metric, model, question } = subject;
  const compare = [...new Set<MetricName>(model.task === 'binary' ? [metric, 'roc_auc'] : [metric])];
  const seed = Number.parseInt(sha256Of(`${question.version.profileSha256} ${window.from}`).slice(0, 8), 16);
  const labelled = {
    from: window.from,
    to: window.to,
    predictions: window.rows.predictions,
    ...rows,
    clusters: clustersOf(subject, rows),
    together: await readTogether(joined, subject, line, rows),
  };
  const steps = measureWindow(labelled, window.maturity, { reference, curve, compare, confidence, seed });
  const report = { ...(await withPauses(steps, context)), labelled: labelledOf(subject, window, rows) };
  context?.heartbeat({ stage: 'performance', window: window.from });
  return { window, report, calibrationError: calibrationErrorOf(rows, subject) };
};

/** A sample does not say how many labels there are; and where no label means negative, more rows are settled than labelled. */
const labelledOf = ({ policy }: Subject, { rows, maturity }: Window, { scored }: ScoredRows): number =>
  policy.unlabelled === 'negative' && maturity.kind === 'matured' ? Math.max(rows.labelled, scored.labels.length) : rows.labelled;
