/** What the watch makes of those weeks: reports, verdicts, and a record of each decision, by the real rules. */
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import type { DriftReport } from '#domain/contracts/drift-report.ts';
import type { PerformanceReport, PerformanceWindow } from '#domain/contracts/performance-report.ts';
import type { ReferencePerformance, ReferenceProfile, WindowCounts } from '#domain/contracts/reference-profile.ts';
import type { Verdict } from '#domain/contracts/verdict.ts';
import type { WatchPlan } from '#domain/contracts/watch.ts';
import { startDriftMemory } from '#domain/decide/drift/next-drift-state.ts';
import { observeReport } from '#domain/decide/drift/observe-report.ts';
import { defaultDriftPolicy } from '#domain/decide/drift/policy.ts';
import { decidePerformance } from '#domain/decide/performance/performance-breach.ts';
import { decideCalibration } from '#domain/decide/performance/recalibrate.ts';
import { type DraftDecision, decisionOfPerformance, judgeWindow } from '#domain/decide/watch/judge-window.ts';
import { measureDrift } from '#domain/stats/drift/measure-drift.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
import { calibrationPolicy } from '#domain/stats/performance/calibration-policy.ts';
import { performanceEvidenceId } from '#domain/stats/performance/compare-window.ts';
import { estimateLagCurve } from '#domain/stats/performance/lag-curve.ts';
import { measureWindow } from '#domain/stats/performance/measure-window.ts';
import { measureReference } from '#domain/stats/performance/reference-performance.ts';
import { finish } from '#domain/stats/steps.ts';
import { dayMs, type Instant, type Sha256 } from '#domain/units.ts';
import { digestOfJson } from '../../../infra/objects/digest.ts';
import { flights, type Row } from './world.ts';

export const scoredOf = (rows: readonly Row[]): Scored => ({
  task: 'binary',
  classes: 2,
  labels: Uint8Array.from(rows, ({ late }) => late),
  answers: Float64Array.from(rows, ({ score }) => score),
});
export const referenceOf = (rows: readonly Row[]): ReferencePerformance => finish(measureReference(scoredOf(rows), 1));

export type MeasuredDay = { readonly window: WindowCounts; readonly report: DriftReport; readonly decision: DecisionRecord };

const record = (draft: DraftDecision, at: Instant): DecisionRecord => ({
  format: 1,
  key: `watch-of-${flights}/${draft.kind}/${draft.subject}`,
  pipeline: flights,
  at,
  ...draft,
});

/** Windows in their order, each judged with what was remembered of those before. */
export const judgeDays = (profile: ReferenceProfile, profileSha256: Sha256, windows: readonly WindowCounts[]): MeasuredDay[] => {
  const predictions = profile.scores.length + (profile.predictions === null ? 0 : 1);
  let memory = startDriftMemory({ sha256: profileSha256, features: profile.features.length, predictions });
  return windows.map((window) => {
    const report = measureDrift(profile, window, { profileSha256 });
    const measured = { observation: observeReport(report), rows: window.rows, reportSha256: digestOfJson(report) };
    const judged = judgeWindow({ drift: defaultDriftPolicy } as WatchPlan, memory, measured);
    memory = judged.judgement.memory;
    return { window, report, decision: record(judged.decision, window.to) };
  });
};

export type MeasuredLabels = {
  readonly report: PerformanceReport;
  readonly verdict: Verdict;
  readonly decision: DecisionRecord;
};

type Day = { readonly from: Instant; readonly to: Instant; readonly rows: readonly Row[] };

const measureDay = (reference: ReferencePerformance, { from, to, rows }: Day, isMatured: boolean): PerformanceWindow => {
  const curve = estimateLagCurve({ waitsMs: [dayMs / 2, dayMs], arrived: [1, 1] });
  const labelled = isMatured ? rows : rows.slice(0, rows.length / 2);
  return finish(
    measureWindow(
      {
        from,
        to,
        predictions: rows.length,
        scored: scoredOf(labelled),
        clusters: null,
        together: null,
        agesMs: labelled.map(() => dayMs),
      },
      isMatured
        ? { kind: 'matured', ageMs: 2 * dayMs, afterMs: dayMs, by: 'lag' }
        : { kind: 'provisional', ageMs: dayMs / 2, afterMs: dayMs, arrivedShare: 0.5 },
      { reference, curve, compare: ['roc_auc'], confidence: 0.95, seed: 1 },
    ),
  );
};

/** Labels came within the day after; the newest window is provisional, and beside the last one that is matured. */
export const judgePerformance = (
  reference: ReferencePerformance,
  profileSha256: Sha256,
  days: readonly Day[],
): MeasuredLabels[] => {
  const newest = measureDay(reference, days.at(-1) as Day, false);
  const policy = { evidenceId: performanceEvidenceId('roc_auc'), tolerated: 0.02, confidence: 0.95 };
  return days.slice(0, -1).map((day, place) => {
    const measured = measureDay(reference, day, true);
    const verdict = decidePerformance(measured, policy);
    const report: PerformanceReport = {
      format: 1,
      pipeline: flights,
      profileSha256,
      at: day.to,
      lag95Ms: dayMs,
      windows: place === days.length - 2 ? [measured, newest] : [measured],
      labelledShare: null,
      estimate: [],
      secondOpinions: [],
    };
    const { from, to } = day;
    const draft = decisionOfPerformance({
      from,
      to,
      reportSha256: digestOfJson(report),
      performance: verdict,
      calibration: measured.kind === 'matured' ? decideCalibration(verdict, measured.evidence, calibrationPolicy) : null,
    });
    return { report, verdict, decision: record(draft as DraftDecision, to) };
  });
};
