import type { TriggerPolicy, TriggerState } from '../../contracts/retrain-policy.ts';

/** `unknown` was not measured, `pending` is high but not for long enough, `not re-armed` fired for this already. */
export type TriggerStatus = 'unknown' | 'quiet' | 'pending' | 'not re-armed' | 'fires';

export type Triggered = { readonly state: TriggerState; readonly status: TriggerStatus };

export const armedTrigger: TriggerState = { armed: true, inARow: 0 };
/** After it fired: what is still high was answered. */
export const spentTrigger: TriggerState = { armed: false, inARow: 0 };

/**
 * One step of a trigger with hysteresis: re-arms below `low`; fires, where it is armed, from `high` so many times in a
 * row. Between the two it does neither, so that a score that trembles around one level is one alarm.
 * Firing does not spend it: only a decision does. A score of null changes nothing. Does not throw.
 *
 * Agrees with: test/golden/vectors.json "policy".
 */
export const stepTrigger = ({ high, low, consecutive }: TriggerPolicy, before: TriggerState, score: number | null): Triggered => {
  if (score === null) return { state: before, status: 'unknown' };
  const armed = before.armed || score < low;
  const inARow = score >= high ? before.inARow + 1 : 0;
  const state = { armed, inARow };
  if (inARow === 0) return { state, status: 'quiet' };
  if (inARow < consecutive) return { state, status: 'pending' };
  return { state, status: armed ? 'fires' : 'not re-armed' };
};
