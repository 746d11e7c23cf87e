import type { CanaryState } from '../../contracts/canary.ts';
import type { RolloutObservation } from '../../contracts/rollout.ts';
import { checkOf } from '../judgement.ts';
import { findHarm } from './find-harm.ts';
import { hear } from './hear.ts';
import { checkBeside, type RolloutRules } from './judge-rollout.ts';
import { type Judged, moveOn, rollBack, stayEnded } from './move.ts';

export type Word = { readonly by: string; readonly reason: string };

/** A person holds: the state as it is, with the name. Who holds already goes on holding, for the reason of the first time. */
export const holdForWord = (state: CanaryState, { by, reason }: Word): CanaryState =>
  state.hold?.by === 'person' ? state : { ...state, hold: { by: 'person', sinceMs: state.elapsedMs, name: by, reason } };

/** A person lets go. Arms that nobody listened to meanwhile count as heard now. */
export const resumeForWord = (state: CanaryState): CanaryState => ({
  ...state,
  hold: null,
  heardMs: { candidate: state.elapsedMs, champion: state.elapsedMs },
});

/** A person takes the candidate back; nothing is asked. */
export const rollBackForWord = (before: CanaryState, word: Word): Judged => {
  if (before.phase !== 'running') return stayEnded(before);
  return rollBack({ state: before }, `Rolled back by ${word.by}`, [checkOf('pass', word.reason)]);
};

/**
 * A person promotes, whatever is missing; but harm that is shown, by counters, labels or answers that differ, or a server that
 * refuses, is nobody's to wave through.
 */
export const promoteForWord = (plan: RolloutRules, before: CanaryState, observation: RolloutObservation, word: Word): Judged => {
  if (before.phase !== 'running') return stayEnded(before);
  const look = hear(plan.policy, before, observation.canary);
  const counted = look.assessment === null ? [] : findHarm(look.assessment, plan.policy);
  const harm = [...counted, ...checkBeside(plan, observation)].filter((one) => one.outcome === 'fail');
  if (harm.length > 0) return rollBack(look, `Rolled back, harm is shown, although ${word.by} promoted`, harm);
  const last = { ...look, state: { ...look.state, step: plan.policy.steps.length - 1 } };
  return moveOn(last, [checkOf('pass', `by ${word.by}: ${word.reason}`)]);
};
