import type { CanaryObservation, CanaryPolicy, CanaryState } from '../../contracts/canary.ts';
import { type Check, checkOf, inequality, sentenceOf } from '../judgement.ts';
import { checkStep } from './check-step.ts';
import { asKind } from './find-evidence.ts';
import { findHarm } from './find-harm.ts';
import { emptySegment, hear, type Look, silentMs } from './hear.ts';
import { holdBy, holdForPerson, type Judged, moveOn, rollBack, stayEnded, waitFor } from './move.ts';

/** A rollout at its beginning: the first share is set, and nobody has answered yet. */
export const startCanary = (policy: CanaryPolicy): CanaryState => {
  const share = policy.steps[0] as number;
  return {
    format: 1,
    phase: 'running',
    step: 0,
    share,
    elapsedMs: 0,
    stepSinceMs: 0,
    heardMs: { candidate: 0, champion: 0 },
    closed: [],
    current: emptySegment(share),
    hold: null,
  };
};

/**
 * One look at a rollout: the state before and what was observed give the state after and a decision with its reason. The
 * same state and observation give the same decision; nothing is computed here, evidence is compared.
 *
 * Rules in this order, the first that applies decides:
 * 1. harm is shown, or a floor is broken: roll back at once, whoever holds;
 * 2. a person holds, or the deadline held for one: hold, whatever else;
 * 3. the split is not the one that was set: hold and alert, the counters being worthless; out of patience: roll back;
 * 4. an arm is silent: hold and alert; out of patience: roll back. No data is never a pass;
 * 5. the last step has all that it needs: promote;
 * 6. the deadline is over: roll back, or hold for a person where the policy says so;
 * 7. the step has all that it needs: advance to the next share, a new segment;
 * 8. otherwise wait, naming what is missing.
 * `beside` are checks of what is not counted: one that fails is harm (1.), one that is open holds a step back (5., 7.).
 * The candidate's share never falls but to 0.
 */
export const judgeCanary = (
  policy: CanaryPolicy,
  before: CanaryState,
  observation: CanaryObservation,
  beside: readonly Check[] = [],
): Judged => {
  if (before.phase !== 'running') return stayEnded(before);
  const look = hear(policy, before, observation, beside);
  return (
    onHarm(look) ??
    onWaiting(look) ??
    onSplit(look) ??
    onSilence(look) ??
    onLastStep(look) ??
    onDeadline(look) ??
    onStep(look) ??
    waitFor(look, missing(look), checks(look))
  );
};

const onHarm = (look: Look): Judged | null => {
  const counted = look.assessment === null ? [] : findHarm(look.assessment, look.policy);
  const crossed = [...counted, ...look.beside].filter((one) => one.outcome === 'fail');
  return crossed.length === 0 ? null : rollBack(look, 'Rolled back, harm is shown', crossed);
};

const onWaiting = (look: Look): Judged | null => {
  const { hold } = look.state;
  if (hold?.by === 'person') return holdForPerson(look, hold);
  return hold?.by === 'deadline' ? holdBy(look, 'deadline', missing(look)) : null;
};

/** A wrong split stays wrong: what was counted under it cannot be repaired by counting on. */
const onSplit = (look: Look): Judged | null => {
  const { splitAlpha } = look.policy;
  if (splitAlpha === null) return null;
  const found = asKind(look.assessment?.split.sequential, 'e-value');
  const shown = found === null ? null : inequality('evidence of another split', found.eValue, '>=', 1 / splitAlpha);
  const held = look.state.hold?.by === 'split';
  if (!held && !shown?.holds) return null;
  const told = shown === null || found === null ? [] : [checkOf('fail', sentenceOf(shown), [shown], [found.id])];
  return outOfPatience(look, 'split') ?? holdBy(look, 'split', told);
};

const onSilence = (look: Look): Judged | null => {
  const found = inequality('milliseconds without a request of each arm', silentMs(look.state), '>=', look.policy.silenceMs);
  if (!found.holds) return null;
  const sentence = look.deaf === '' ? sentenceOf(found) : `${sentenceOf(found)} (${look.deaf})`;
  return outOfPatience(look, 'silence') ?? holdBy(look, 'silence', [checkOf('fail', sentence, [found])]);
};

const outOfPatience = (look: Look, by: 'split' | 'silence'): Judged | null => {
  const { hold, elapsedMs } = look.state;
  if (hold?.by !== by) return null;
  const found = inequality(`milliseconds held (${by})`, elapsedMs - hold.sinceMs, '>=', look.policy.patienceMs);
  return found.holds ? rollBack(look, 'Rolled back, nobody came', [checkOf('fail', sentenceOf(found), [found])]) : null;
};

const isLastStep = ({ policy, state }: Look): boolean => state.step >= policy.steps.length - 1;

const onLastStep = (look: Look): Judged | null => (isLastStep(look) ? onStep(look) : null);

const onDeadline = (look: Look): Judged | null => {
  const found = inequality('milliseconds of the rollout', look.state.elapsedMs, '>=', look.policy.deadlineMs);
  if (!found.holds) return null;
  const told = [checkOf('inconclusive', sentenceOf(found), [found]), ...missing(look)];
  return look.policy.atDeadline === 'hold' ? holdBy(look, 'deadline', told) : rollBack(look, 'Rolled back, undecided', told);
};

const onStep = (look: Look): Judged | null => {
  if (look.assessment === null) return null;
  const all = [...look.beside, ...checkStep(look.assessment, look.policy, look.state)];
  return all.every((one) => one.outcome === 'pass') ? moveOn(look, all) : null;
};

const checks = (look: Look): Check[] =>
  look.assessment === null
    ? [...look.beside, checkOf('inconclusive', `nothing was counted: ${look.deaf}`)]
    : [...look.beside, ...findHarm(look.assessment, look.policy), ...checkStep(look.assessment, look.policy, look.state)];

const missing = (look: Look): Check[] => checks(look).filter((one) => one.outcome !== 'pass');
