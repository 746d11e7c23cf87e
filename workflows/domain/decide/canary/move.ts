import type { CanaryAction, CanaryDecision, CanaryHold, CanaryState } from '../../contracts/canary.ts';
import type { Check } from '../judgement.ts';
import { emptySegment, type Look } from './hear.ts';

export type Judged = { readonly state: CanaryState; readonly decision: CanaryDecision };

/** Sentences in a reason; the record has all inequalities. */
const sentencesShown = 3;

const reasonOf = (start: string, told: readonly Check[]): string => {
  const sentences = told.map((one) => one.sentence).filter((sentence) => sentence !== '');
  const more = sentences.length > sentencesShown ? `; and ${sentences.length - sentencesShown} more` : '';
  return sentences.length === 0 ? start : `${start}: ${sentences.slice(0, sentencesShown).join('; ')}${more}`;
};

type Told = { readonly start: string; readonly told: readonly Check[]; readonly all?: readonly Check[]; readonly alert: boolean };

const decide = (action: CanaryAction, state: CanaryState, { start, told, all = told, alert }: Told): Judged => ({
  state,
  decision: {
    action,
    share: state.share,
    alert,
    reason: reasonOf(start, told),
    inequalities: all.flatMap((one) => one.inequalities),
    evidenceIds: all.flatMap((one) => one.evidenceIds),
  },
});

/** All traffic to the champion: the only move that takes anybody off the candidate. */
export const rollBack = ({ state }: Pick<Look, 'state'>, start: string, told: readonly Check[]): Judged =>
  decide('roll back', { ...state, phase: 'rolled back', share: 0, hold: null }, { start, told, alert: true });

/** Stays at this share, and remembers who asked for it and since when. Alerts at the first time only. */
export const holdBy = ({ state }: Look, by: Exclude<CanaryHold['by'], 'person'>, told: readonly Check[]): Judged => {
  const isNew = state.hold?.by !== by;
  const hold: CanaryHold = isNew ? { by, sinceMs: state.elapsedMs } : (state.hold as CanaryHold);
  return decide('hold', { ...state, hold }, { start: `Held (${by})`, told, alert: isNew });
};

export const holdForPerson = ({ state }: Look, hold: Extract<CanaryHold, { by: 'person' }>): Judged =>
  decide('hold', state, { start: `Held by ${hold.name}: ${hold.reason}`, told: [], alert: false });

/** To the next share, or to the end where there is none. */
export const moveOn = ({ policy, state }: Look, all: readonly Check[]): Judged => {
  const next = policy.steps[state.step + 1];
  if (next === undefined) {
    const promoted: CanaryState = { ...state, phase: 'promoted', share: 1, hold: null };
    return decide('promote', promoted, { start: 'Promoted', told: all, alert: false });
  }
  const advanced: CanaryState = {
    ...state,
    step: state.step + 1,
    share: next,
    stepSinceMs: state.elapsedMs,
    heardMs: { candidate: state.elapsedMs, champion: state.elapsedMs },
    closed: [...state.closed, state.current],
    current: emptySegment(next),
    hold: null,
  };
  return decide('advance', advanced, { start: `From ${state.share} to ${next} of the traffic`, told: all, alert: false });
};

export const waitFor = ({ state }: Look, told: readonly Check[], all: readonly Check[] = told): Judged =>
  decide('wait', { ...state, hold: null }, { start: 'Waiting', told, all, alert: false });

/** A rollout that has ended stays as it is. */
export const stayEnded = (state: CanaryState): Judged =>
  decide('wait', state, { start: `The rollout has ended: ${state.phase}`, told: [], alert: false });
