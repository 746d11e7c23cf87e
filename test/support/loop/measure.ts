/** What the watch makes of those weeks: reports, verdicts, and a record of each decision, by the real rules. */
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import type { DriftReport } from '#domain/contracts/drift-report.ts';
import type { PerformanceReport } from '#domain/contracts/performance-report.ts';
import type { ReferencePerformance, ReferenceProfile, WindowCounts } from '#domain/contracts/reference-profile.ts';
import type { Verdict } from '#domain/contracts/verdict.ts';
import { nextDriftState, startDriftMemory } from '#domain/decide/drift/next-drift-state.ts';
import { observeReport } from '#domain/decide/drift/observe-report.ts';
import { defaultDriftPolicy } from '#domain/decide/drift/policy.ts';
import { decidePerformance } from '#domain/decide/performance/performance-breach.ts';
import { measureDrift } from '#domain/stats/drift/measure-drift.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
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

const record = (
  kind: DecisionRecord['kind'],
  subject: string,
  at: Instant,
  verdict: Pick<Verdict, 'reason' | 'inequalities' | 'evidenceIds'>,
  action: string,
  rest: Pick<DecisionRecord, 'input' | 'output'>,
): DecisionRecord => ({
  format: 1,
  key: `watch-drift/${flights}/${kind}/${subject}`,
  pipeline: flights,
  kind,
  subject,
  at,
  action,
  reason: verdict.reason,
  inequalities: [...verdict.inequalities],
  evidenceIds: [...verdict.evidenceIds],
  ...rest,
});

/** Windows in their order, each judged with what was remembered of those before. */
export const judgeDays = (profile: ReferenceProfile, profileSha256: Sha256, windows: readonly WindowCounts[]): MeasuredDay[] => {
  const policy = defaultDriftPolicy;
  const predictions = profile.scores.length + (profile.predictions === null ? 0 : 1);
  let memory = startDriftMemory({ sha256: profileSha256, features: profile.features.length, predictions });
  return windows.map((window) => {
    const report = measureDrift(profile, window, { profileSha256 });
    const judged = nextDriftState(policy, memory, observeReport(report));
    const { verdict, raised } = judged;
    const subject = `${window.from}/${window.to}`;
    const kind = report.breaches.length > 0 ? 'quality' : 'drift';
    const action = kind === 'quality' ? 'quarantine' : verdict.outcome;
    const input = { policy, memory, reportSha256: digestOfJson(report) };
    const decision = record(kind, subject, window.to, verdict, action, {
      input,
      output: { verdict, raised, memory: judged.memory },
    });
    memory = judged.memory;
    return { window, report, decision };
  });
};

export type MeasuredLabels = { readonly report: PerformanceReport; readonly decision: DecisionRecord };

/** Labels came within the day after; the newest window is provisional. */
export const judgePerformance = (
  reference: ReferencePerformance,
  profileSha256: Sha256,
  days: readonly { readonly from: Instant; readonly to: Instant; readonly rows: readonly Row[] }[],
): MeasuredLabels[] => {
  const curve = estimateLagCurve({ waitsMs: [dayMs / 2, dayMs], arrived: [1, 1] });
  return days.map(({ from, to, rows }, place) => {
    const isLast = place === days.length - 1;
    const labelled = isLast ? rows.slice(0, rows.length / 2) : rows;
    const measured = finish(
      measureWindow(
        { from, to, predictions: rows.length, scored: scoredOf(labelled), agesMs: labelled.map(() => dayMs) },
        isLast
          ? { kind: 'provisional', ageMs: dayMs / 2, afterMs: dayMs, arrivedShare: 0.5 }
          : { kind: 'matured', ageMs: 2 * dayMs, afterMs: dayMs, by: 'lag' },
        { reference, curve, compare: ['roc_auc'], confidence: 0.95, seed: 1 },
      ),
    );
    const policy = { evidenceId: performanceEvidenceId('roc_auc'), tolerated: 0.02, confidence: 0.95 };
    const verdict = decidePerformance(measured, policy);
    const report: PerformanceReport = {
      format: 1,
      pipeline: flights,
      profileSha256,
      at: to,
      lag95Ms: dayMs,
      windows: [measured],
      labelledShare: null,
      estimate: [],
      secondOpinions: [],
    };
    const output = { verdict, remedy: null };
    return {
      report,
      decision: record('performance', `${from}/${to}`, to, verdict, verdict.outcome, { input: { policy }, output }),
    };
  });
};
