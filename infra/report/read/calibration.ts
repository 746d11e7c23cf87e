/** Whether probabilities came true, window by window. */
import { z } from 'zod';
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import type { PerformanceWindow } from '#domain/contracts/performance-report.ts';
import { calibrationEvidenceIds, calibrationTestIds } from '#domain/stats/performance/calibration-evidence.ts';
import type { CalibrationPoint } from '../data.ts';

const decidedSchema = z.object({ calibration: z.object({ outcome: z.string() }).nullable() });

/** What was decided of the probabilities; null where nothing was recorded of them. */
const outcomeOf = ({ output }: DecisionRecord): string | null =>
  decidedSchema.safeParse(output).data?.calibration?.outcome ?? null;

const toPoint = (
  { from, to, evidence }: Extract<PerformanceWindow, { kind: 'matured' }>,
  outcomes: ReadonlyMap<string, string | null>,
): CalibrationPoint => {
  const valueOf = (id: string): number | null => {
    const found = evidence.find((one) => one.id === id);
    return found?.kind === 'measurement' ? found.value : null;
  };
  const tests = evidence.flatMap((one) => (one.kind === 'p-value' && calibrationTestIds.includes(one.id) ? [one.pValue] : []));
  return {
    from,
    to,
    observedOverExpected: valueOf(calibrationEvidenceIds.observedOverExpected),
    brier: valueOf(calibrationEvidenceIds.brier),
    error: valueOf(calibrationEvidenceIds.errorByMass),
    excess: valueOf(calibrationEvidenceIds.excess),
    pValue: tests.length === 0 ? null : Math.min(...tests),
    outcome: outcomes.get(`${from}/${to}`) ?? 'not judged',
  };
};

/** By time; none where answers are no probabilities of two classes. */
export const readCalibration = (
  windows: readonly PerformanceWindow[],
  decisions: readonly DecisionRecord[],
): CalibrationPoint[] => {
  const outcomes = new Map(decisions.map((record) => [record.subject, outcomeOf(record)]));
  return windows
    .flatMap((window) => (window.kind === 'matured' ? [toPoint(window, outcomes)] : []))
    .filter(({ observedOverExpected }) => observedOverExpected !== null);
};
