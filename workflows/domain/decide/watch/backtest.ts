import type { DriftMemory, DriftObservation, DriftPolicy } from '../../contracts/drift-state.ts';
import type { RetrainDecision, RetrainObservation, RetrainPolicy, RetrainState } from '../../contracts/retrain-policy.ts';
import { nextDriftState, startDriftMemory } from '../drift/next-drift-state.ts';
import { decideRetrain } from '../retrain/decide-retrain.ts';
import { signalOfVerdict } from '../retrain/signals.ts';
import { asKnown } from './decide-occasion.ts';

/** A decision about retraining as it was recorded; `window` where it was about one and its observation is at hand. */
export type MadeDecision = {
  readonly key: string;
  readonly at: string;
  readonly subject: string;
  readonly policy: RetrainPolicy;
  readonly state: RetrainState;
  readonly observation: RetrainObservation;
  readonly nowMs: number;
  readonly decision: RetrainDecision;
  readonly window: DriftObservation | null;
};
export type RemadeDecision = { readonly made: MadeDecision; readonly remade: RetrainDecision };
export type ChangedRules = { readonly retrain: RetrainPolicy; readonly drift: DriftPolicy };

type Reached = { readonly life: string; readonly state: RetrainState };

/** All of a key but the number of the decision: one watch, from its beginning to its end. */
const lifeOf = ({ key }: MadeDecision): string => key.slice(0, key.lastIndexOf('/'));

/** A watch that began again, or a question before there was a champion, has a beginning of its own. */
const stateBefore = (reached: Reached | null, made: MadeDecision): RetrainState => {
  const isSame = reached !== null && reached.life === lifeOf(made) && reached.state.sinceMs === made.state.sinceMs;
  return isSame ? reached.state : made.state;
};

/**
 * The decisions of a history, oldest first, made again by the rules that they were made by, each from the state that the
 * one before it left. They are what was recorded, byte for byte, or the rules or the record have changed since.
 *
 * Source: `decideRetrain`. Does not throw.
 */
export const remakeDecisions = (history: readonly MadeDecision[]): RemadeDecision[] => {
  let reached: Reached | null = null;
  return history.map((made) => {
    const earlier = stateBefore(reached, made);
    const step = decideRetrain(made.policy, asKnown(earlier), made.observation, made.nowMs);
    reached = { life: lifeOf(made), state: step.state };
    return { made, remade: step.decision };
  });
};

/** What the changed levels of drift make of a window; without its observation, what was heard then. */
const driftOf = (policy: DriftPolicy, memory: DriftMemory | null, { window, observation }: MadeDecision) => {
  if (window === null) return { memory, signal: observation.signals.drift };
  const { profileSha256, features, predictions } = window;
  const isSame = memory !== null && memory.profileSha256 === profileSha256;
  const shape = { sha256: profileSha256, features: features.length, predictions: predictions.length };
  const judged = nextDriftState(policy, isSame ? memory : startDriftMemory(shape), window);
  return { memory: judged.memory, signal: signalOfVerdict('drift', judged.verdict) };
};

/**
 * How a run ended, in a world where other runs were made: one that both worlds made ends as it did; one that only this one
 * makes is taken to be promoted by the next decision; one that only the history made is not heard of.
 */
const endedOf = (state: RetrainState, { observation, state: was }: MadeDecision): RetrainObservation['ended'] => {
  const wasOwn = was.running !== null;
  if (state.running !== null && !wasOwn) return 'promoted';
  if (state.running === null && wasOwn) return null;
  return observation.ended;
};

/** A watch that was snoozed stays snoozed. */
const rulesOf = (changed: RetrainPolicy, { policy }: MadeDecision): RetrainPolicy =>
  policy.on.length === 0 ? { ...changed, on: [] } : changed;

/**
 * The decisions that other rules would have made of the same history, oldest first. What was measured is as it was: a model
 * that would have been replaced earlier is not measured anew, so that only the first decisions that differ are sure.
 *
 * Source: `decideRetrain`, `nextDriftState`. Does not throw.
 */
export const tryRules = (history: readonly MadeDecision[], changed: ChangedRules): RemadeDecision[] => {
  let reached: Reached | null = null;
  let memory: DriftMemory | null = null;
  return history.map((made) => {
    const earlier = stateBefore(reached, made);
    const drift = driftOf(changed.drift, memory, made);
    memory = drift.memory;
    const signals = { ...made.observation.signals, drift: drift.signal };
    const observation = { ...made.observation, signals, ended: endedOf(earlier, made) };
    const step = decideRetrain(rulesOf(changed.retrain, made), asKnown(earlier), observation, made.nowMs);
    reached = { life: lifeOf(made), state: step.state };
    return { made, remade: step.decision };
  });
};
