import type {
  ArmCounts,
  CanaryAssessment,
  CanaryObservation,
  CanaryPolicy,
  CanarySegment,
  CanaryState,
} from '../../contracts/canary.ts';
import type { Check } from '../judgement.ts';

/** A look at a rollout: the state with what was heard, and the evidence, or why there is none. */
export type Look = {
  readonly policy: CanaryPolicy;
  readonly state: CanaryState;
  readonly assessment: CanaryAssessment | null;
  readonly deaf: string;
  /** What must hold beside the counters: that servers follow, that answers agree, that labels speak for it. */
  readonly beside: readonly Check[];
};

/** Counters of a share that nobody has answered yet. */
export const emptySegment = (share: number): CanarySegment => ({
  share,
  candidate: { requests: 0, units: 0, events: {} },
  champion: { requests: 0, units: 0, events: {} },
});

/**
 * Takes an observation into the state. Counters of another share, or smaller ones than were seen, are old news: as
 * if nothing had been counted. Time never runs backwards. An arm is heard when its requests have grown.
 */
export const hear = (
  policy: CanaryPolicy,
  before: CanaryState,
  observation: CanaryObservation,
  beside: readonly Check[] = [],
): Look => {
  const state = { ...before, elapsedMs: Math.max(before.elapsedMs, observation.elapsedMs) };
  if (observation.kind === 'nothing') return { policy, state, assessment: null, deaf: observation.reason, beside };
  const deaf = whyOld(before.current, observation.segment);
  if (deaf !== null) return { policy, state, assessment: null, deaf, beside };
  const heardAt = (last: number, was: ArmCounts, is: ArmCounts) => (is.requests > was.requests ? state.elapsedMs : last);
  const heardMs = {
    candidate: heardAt(before.heardMs.candidate, before.current.candidate, observation.segment.candidate),
    champion: heardAt(before.heardMs.champion, before.current.champion, observation.segment.champion),
  };
  const heard = { ...state, current: observation.segment, heardMs };
  return { policy, state: heard, assessment: observation.assessment, deaf: '', beside };
};

const whyOld = (seen: CanarySegment, found: CanarySegment): string | null => {
  if (found.share !== seen.share) return `the counters are of a share of ${found.share}, and ${seen.share} is set`;
  const smaller = (['candidate', 'champion'] as const).find((arm) => found[arm].requests < seen[arm].requests);
  if (smaller === undefined) return null;
  return `the ${smaller} counts ${found[smaller].requests} requests, and had ${seen[smaller].requests} before`;
};

/** How long an arm that should answer has not. */
export const silentMs = ({ elapsedMs, heardMs, current }: CanaryState): number =>
  elapsedMs - (current.share === 1 ? heardMs.candidate : Math.min(heardMs.candidate, heardMs.champion));
