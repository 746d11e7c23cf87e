import type {
  RetrainDecision,
  RetrainObservation,
  RetrainPolicy,
  RetrainSignal,
  RetrainState,
} from '../../contracts/retrain-policy.ts';
import { chooseReason } from './choose-reason.ts';
import { counterfactualOf, followSchedule } from './follow-schedule.ts';
import { standingsOf } from './reasons.ts';
import { refundStart, takeOutcome } from './take-outcome.ts';
import { armedTrigger, spentTrigger, stepTrigger, type Triggered, type TriggerStatus } from './trigger.ts';
import { startsWithin, vetoChecksOf } from './vetoes.ts';

export type RetrainStep = { readonly state: RetrainState; readonly decision: RetrainDecision };

/** A watch that begins: all triggers armed, nothing running, the compared schedule one period away. */
export const beginRetrainState = (policy: RetrainPolicy, nowMs: number): RetrainState => ({
  format: 1,
  sinceMs: nowMs,
  lastMs: nowMs,
  triggers: { performance: armedTrigger, estimate: armedTrigger, drift: armedTrigger, calibration: armedTrigger },
  running: null,
  lastStartMs: null,
  startsMs: [],
  rejectedInARow: 0,
  failedInARow: 0,
  backOffUntilMs: null,
  recalibrationFailed: false,
  runs: 0,
  schedule: { nextMs: nowMs + policy.scheduleMs, runs: 0 },
});

/**
 * Whether to retrain now. Reasons are heard in their order: matured performance, the estimate without labels, drift with
 * an expected gain above the cost, age, new labels, calibration alone (which is recalibrated), a request. The first that
 * asks and is not vetoed decides; where all that ask are vetoed, the first of them is suppressed.
 *
 * A decision to retrain or recalibrate spends all triggers and counts as a run in progress until an observation brings
 * its end. Same policy, state, observation and time: same step. Changes none of its arguments and does not throw.
 *
 * Agrees with: test/golden/vectors.json "policy".
 */
export const decideRetrain = (
  policy: RetrainPolicy,
  before: RetrainState,
  observation: RetrainObservation,
  nowMs: number,
): RetrainStep => {
  const awake = { ...before, lastMs: Math.max(before.lastMs, nowMs) };
  const known = observation.cameToNothing === true ? refundStart(awake) : awake;
  const { state: told, page } =
    observation.ended === null ? { state: known, page: null } : takeOutcome(policy, known, observation.ended);
  const { state: triggered, statuses } = stepTriggers(policy, told, observation);
  const { schedule, wouldRetrain } = followSchedule(policy, triggered);
  const state = { ...triggered, schedule };
  const standings = standingsOf({ policy, state, observation, statuses });
  const choice = chooseReason(standings, (standing) => vetoChecksOf(policy, state, observation, standing));
  const after =
    choice.decision === 'retrain' || choice.decision === 'recalibrate' ? start(policy, state, choice.decision) : state;
  return { state: after, decision: { ...choice, page, counterfactual: counterfactualOf(after, wouldRetrain) } };
};

type Stepped = { readonly state: RetrainState; readonly statuses: Readonly<Record<RetrainSignal, TriggerStatus>> };

const stepTriggers = (policy: RetrainPolicy, state: RetrainState, { signals }: RetrainObservation): Stepped => {
  const step = (name: RetrainSignal) => stepTrigger(policy.triggers[name], state.triggers[name], signals[name]?.score ?? null);
  const stepped = {
    performance: step('performance'),
    estimate: step('estimate'),
    drift: step('drift'),
    calibration: step('calibration'),
  };
  const all = <Value>(of: (triggered: Triggered) => Value): Record<RetrainSignal, Value> => ({
    performance: of(stepped.performance),
    estimate: of(stepped.estimate),
    drift: of(stepped.drift),
    calibration: of(stepped.calibration),
  });
  const triggers = all((triggered) => triggered.state);
  return { state: { ...state, triggers }, statuses: all((triggered) => triggered.status) };
};

const start = (policy: RetrainPolicy, state: RetrainState, kind: 'retrain' | 'recalibrate'): RetrainState => {
  const started = {
    ...state,
    triggers: { performance: spentTrigger, estimate: spentTrigger, drift: spentTrigger, calibration: spentTrigger },
    running: { kind, sinceMs: state.lastMs },
    lastStartMs: state.lastMs,
  };
  if (kind === 'recalibrate') return started;
  const startsMs = [...startsWithin(policy, state), state.lastMs].slice(-policy.budget.runs);
  return { ...started, startsMs, runs: state.runs + 1 };
};
