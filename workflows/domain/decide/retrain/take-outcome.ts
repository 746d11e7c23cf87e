import type { RetrainPolicy, RetrainState } from '../../contracts/retrain-policy.ts';
import type { RunOutcome } from '../../contracts/verdict.ts';

export type Taken = { readonly state: RetrainState; readonly page: string | null };

/** Outcomes after which the serving model is still the one that was complained of. */
const uncured: readonly RunOutcome[] = ['rejected', 'inconclusive', 'failed'];

/**
 * What the end of a run teaches. Promoted: all is forgiven, and what is still high stays answered. Rejected, inconclusive
 * or failed: triggers are armed again, because the cure was not taken. So many rejected (or failed) in a row: wait twice
 * as long each time, and tell a person, because retraining is not the cure. An inconclusive run neither counts nor
 * forgives; a held one waits for its person.
 */
export const takeOutcome = (policy: RetrainPolicy, before: RetrainState, outcome: RunOutcome): Taken => {
  const freed: RetrainState = {
    ...before,
    running: null,
    // Of a run that somebody else started only the end is known.
    lastStartMs: before.running === null ? before.lastMs : before.lastStartMs,
    triggers: uncured.includes(outcome) ? armAll(before.triggers) : before.triggers,
  };
  if (before.running?.kind === 'recalibrate') {
    return { state: { ...freed, recalibrationFailed: uncured.includes(outcome) }, page: null };
  }
  const state = countRun(freed, outcome);
  const inARow = outcome === 'rejected' ? state.rejectedInARow : outcome === 'failed' ? state.failedInARow : 0;
  if (inARow < policy.backOff.after) return { state, page: null };
  const backOffUntilMs = state.lastMs + backOffMs(policy, inARow);
  return { state: { ...state, backOffUntilMs }, page: pageOf(outcome, inARow, backOffUntilMs) };
};

/**
 * A start that came to nothing (the same run was made before, or it could not begin) took no compute: the budget has it back.
 * The cooldown holds on, or the next look would try again.
 */
export const refundStart = (state: RetrainState): RetrainState => {
  if (state.running?.kind !== 'retrain') return state;
  return { ...state, startsMs: state.startsMs.slice(0, -1), runs: Math.max(0, state.runs - 1) };
};

const armAll = ({ performance, estimate, drift, calibration }: RetrainState['triggers']): RetrainState['triggers'] => ({
  performance: { ...performance, armed: true },
  estimate: { ...estimate, armed: true },
  drift: { ...drift, armed: true },
  calibration: { ...calibration, armed: true },
});

const countRun = (state: RetrainState, outcome: RunOutcome): RetrainState => {
  if (outcome === 'promoted') {
    return { ...state, rejectedInARow: 0, failedInARow: 0, backOffUntilMs: null, recalibrationFailed: false };
  }
  if (outcome === 'failed') return { ...state, failedInARow: state.failedInARow + 1 };
  // Whatever a gate said of it, the run came to its end.
  const rejectedInARow = state.rejectedInARow + (outcome === 'rejected' ? 1 : 0);
  return { ...state, rejectedInARow, failedInARow: 0 };
};

/** Doubled with each that follows, up to the longest. */
const backOffMs = ({ backOff }: RetrainPolicy, inARow: number): number =>
  Math.min(backOff.longestMs, backOff.firstMs * 2 ** (inARow - backOff.after));

const pageOf = (outcome: RunOutcome, inARow: number, untilMs: number): string =>
  `${inARow} ${outcome === 'failed' ? 'runs failed' : 'challengers were rejected'} in a row: retraining is not the cure; no run by itself before ${new Date(untilMs).toISOString()}`;
