import type { RetrainDecision, RetrainObservation, RetrainPolicy, RetrainState } from '../../contracts/retrain-policy.ts';
import type { WatchFacts, WatchState } from '../../contracts/watch.ts';
import { beginRetrainState, decideRetrain } from '../retrain/decide-retrain.ts';
import { fingerprintOf, mayCollapse } from './collapse.ts';
import { type DraftDecision, judgeWindow } from './judge-window.ts';
import { type Occasion, signalsOf, subjectOf } from './occasions.ts';

export type Decided = {
  readonly state: WatchState;
  readonly retrain: RetrainDecision;
  /** For the record, in their order; a repeated "no" is not among them. */
  readonly decisions: readonly DraftDecision[];
  /** The alarm began with this window. */
  readonly raised: boolean;
};

/** A watch that is snoozed measures and remembers, and nothing that it finds is a reason. */
const policyOf = ({ plan, snoozed }: WatchState): RetrainPolicy =>
  snoozed === null ? plan.retrain : { ...plan.retrain, on: [] };

/**
 * The instant of a decision, in data time. A window is decided upon as of its end, so that a backlog that is caught up
 * later gives the same decisions; all else as of the newest data, and before any traffic as of where the training ended.
 * While nothing new comes time goes on at the pace of the wall: a cooldown ends without traffic too.
 */
const instantOf = (occasion: Occasion, { model, dataTime, trainedAtMs, goneMs = 0 }: WatchFacts): number => {
  const known = (model === null || dataTime === null ? trainedAtMs : Date.parse(dataTime)) + goneMs;
  return occasion.kind === 'window' ? Math.min(known, Date.parse(occasion.window.observation.to)) : known;
};

/** No step fits a calibrator alone yet: where only the probabilities moved, the cure is a retrain too, and counts as one. */
export const asKnown = (state: RetrainState): RetrainState => ({ ...state, recalibrationFailed: true });

/** Runs in progress besides the one that the state counts itself. */
const otherRuns = (
  { run }: WatchState,
  running: RetrainState['running'],
  occasion: Occasion,
  { otherRuns: keys }: WatchFacts,
) => {
  const ended = occasion.kind === 'ended' ? occasion.run.runKey : null;
  const all = new Set([...keys, ...(run === null ? [] : [run.runKey])].filter((key) => key !== ended));
  // An outcome frees the state of its own run, whosever it was: what still runs must then be counted here.
  const counted = running !== null && ended === null ? 1 : 0;
  return Math.max(0, all.size - counted);
};

const observe = (
  state: WatchState,
  running: RetrainState['running'],
  facts: WatchFacts,
  occasion: Occasion,
  drift: RetrainObservation['signals']['drift'],
): RetrainObservation => ({
  signals: signalsOf(occasion, drift),
  gain: facts.gain,
  trainedAtMs: facts.trainedAtMs,
  labels: facts.labels,
  openBreaches: occasion.kind === 'window' ? occasion.window.observation.breaches.length : facts.openBreaches,
  otherRuns: otherRuns(state, running, occasion, facts),
  asked: occasion.kind === 'asked' ? occasion.asked : null,
  ended: occasion.kind === 'ended' ? occasion.run.outcome : null,
  ...(occasion.kind === 'ended' && occasion.cameToNothing === true && { cameToNothing: true }),
});

/**
 * Decides upon one occasion by the rules of drift and of retraining, and gives what is to be recorded: for a window its
 * verdict and what follows from it. The same "no" to the same question, again and again, is recorded once and counted.
 *
 * Source: `nextDriftState`, `decideRetrain`. Changes none of its arguments and does not throw.
 */
export const decideOccasion = (before: WatchState, facts: WatchFacts, occasion: Occasion): Decided => {
  const judged =
    occasion.kind === 'window' && before.drift !== null ? judgeWindow(before.plan, before.drift, occasion.window) : null;
  const policy = policyOf(before);
  const nowMs = Math.max(instantOf(occasion, facts), before.retrain?.lastMs ?? 0);
  const earlier = asKnown(before.retrain ?? beginRetrainState(policy, nowMs));
  const observation = observe(before, earlier.running, facts, occasion, judged?.signal ?? null);
  const step = decideRetrain(policy, earlier, observation, nowMs);
  const collapsedBefore = before.lastDecision?.collapsed ?? 0;
  const fingerprint = fingerprintOf(occasion, step.decision);
  const isRepeated =
    fingerprint === before.lastDecision?.fingerprint &&
    mayCollapse(occasion, { before: earlier, after: step.state, decision: step.decision });
  const input = { policy, state: earlier, observation, nowMs, collapsedBefore };
  const record: DraftDecision = {
    kind: 'retrain',
    subject: subjectOf(occasion),
    action: step.decision.decision,
    reason: step.decision.sentence,
    inequalities: step.decision.inequalities,
    evidenceIds: step.decision.evidenceIds,
    input,
    output: step,
  };
  return {
    state: {
      ...before,
      retrain: step.state,
      drift: judged?.judgement.memory ?? before.drift,
      lastDecision: { fingerprint, collapsed: isRepeated ? collapsedBefore + 1 : 0 },
    },
    retrain: step.decision,
    decisions: [...(judged === null ? [] : [judged.decision]), ...(isRepeated ? [] : [record])],
    raised: judged?.judgement.raised ?? false,
  };
};
