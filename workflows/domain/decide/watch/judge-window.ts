import type { DecisionRecord } from '../../contracts/decision.ts';
import type { DriftJudgement, DriftMemory } from '../../contracts/drift-state.ts';
import type { Signal } from '../../contracts/retrain-policy.ts';
import type { PerformanceVerdict, WatchPlan, WatchWindow } from '../../contracts/watch.ts';
import { nextDriftState } from '../drift/next-drift-state.ts';
import { signalOfVerdict } from '../retrain/signals.ts';

/** A decision before it has its number and its instant. */
export type DraftDecision = Omit<DecisionRecord, 'format' | 'key' | 'pipeline' | 'at'>;

export type JudgedWindow = {
  readonly judgement: DriftJudgement;
  readonly decision: DraftDecision;
  readonly signal: Signal | null;
};

const driftActions = { fail: 'alarm', pass: 'no alarm', inconclusive: 'cannot tell', error: 'not judged' } as const;

/** How windows are named in decisions: by their span. */
export const nameSpan = ({ from, to }: { readonly from: string; readonly to: string }): string => `${from}/${to}`;

/**
 * One window of live traffic, judged: the verdict on drift, or the quarantine of what is broken. The observation is not
 * in the decision: it is read from the report again, by its digest.
 *
 * Source: `nextDriftState`. Does not throw.
 */
export const judgeWindow = (plan: WatchPlan, memory: DriftMemory, window: WatchWindow): JudgedWindow => {
  const { observation, reportSha256 } = window;
  const judgement = nextDriftState(plan.drift, memory, observation);
  const { verdict, raised } = judgement;
  const isBroken = observation.breaches.length > 0;
  return {
    judgement,
    signal: signalOfVerdict('drift', verdict),
    decision: {
      kind: isBroken ? 'quality' : 'drift',
      subject: nameSpan(observation),
      action: isBroken ? 'quarantine' : driftActions[verdict.outcome],
      reason: verdict.reason,
      inequalities: verdict.inequalities,
      evidenceIds: verdict.evidenceIds,
      input: { policy: plan.drift, memory, reportSha256 },
      output: { verdict, raised, memory: judgement.memory },
    },
  };
};

const performanceActions = { fail: 'breach', pass: 'no breach', inconclusive: 'cannot tell', error: 'not judged' } as const;

/**
 * What was measured of a window whose labels have matured, as a decision. Probabilities that are wrong are told before a
 * ranking that holds: they are what the window asks for.
 */
export const decisionOfPerformance = (measured: PerformanceVerdict): DraftDecision | null => {
  const { performance, calibration, reportSha256 } = measured;
  const verdict = performance ?? calibration?.verdict ?? null;
  if (verdict === null) return null;
  const remedy = calibration?.remedy ?? 'none';
  const isMiscalibrated = calibration !== null && remedy === 'recalibrate';
  const told = isMiscalibrated && performance !== null ? [calibration.verdict, performance] : [verdict];
  return {
    kind: 'performance',
    subject: nameSpan(measured),
    action: isMiscalibrated ? 'miscalibrated' : performanceActions[verdict.outcome],
    reason: told.map(({ reason }) => reason).join('; '),
    inequalities: told.flatMap(({ inequalities }) => inequalities),
    evidenceIds: told.flatMap(({ evidenceIds }) => evidenceIds),
    input: { reportSha256 },
    output: { verdict, calibration: calibration?.verdict ?? null, remedy },
  };
};
