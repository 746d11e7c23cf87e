import { logEvidenceOfHarm, priorStrength } from './count-test.ts';
import { findRoot, reachAbove } from './root.ts';

export type HarmPlan = {
  /** Share of requests that the candidate answers, in (0, 1). */
  readonly share: number;
  /** Candidate's rate over the champion's, above 1. */
  readonly ratio: number;
  readonly alpha: number;
};

/**
 * Events of both arms together after which harm of that size is found if they split exactly as expected. By then more
 * than half of all rollouts have found it, for a path that wavers crosses sooner: simulated medians lie up to a third
 * lower for small harm, and at the same place for large. Not whole. Throws RangeError for a ratio not above 1 or not finite, and alpha outside (0, 1).
 *
 * Source: the test itself, on the expected counts.
 * @example eventsToDetect({ share: 0.1, ratio: 2, alpha: 0.01 }) // 183.8792524...
 */
export const eventsToDetect = ({ share, ratio, alpha }: HarmPlan): number => {
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`Cannot detect harm as alpha must be in (0, 1): it is ${alpha}`);
  if (!(ratio > 1 && ratio < Number.POSITIVE_INFINITY))
    throw new RangeError(`Cannot detect harm as the ratio must be above 1: it is ${ratio}`);
  const ofCandidate = (share * ratio) / (share * ratio + 1 - share);
  const excess = (events: number): number =>
    logEvidenceOfHarm({ share, candidate: events * ofCandidate, champion: events * (1 - ofCandidate) }, priorStrength(share)) +
    Math.log(alpha);
  return findRoot(excess, 0, reachAbove(excess, 0, 1));
};

/**
 * Requests of both arms together until then, where the champion fails at that rate; divide by requests per minute for
 * the time. `harmed` is how many of the candidate's requests fail on the way. Throws RangeError for a rate
 * outside (0, 1].
 *
 * Source: definition: an arm's events are its requests times its rate.
 * @example requestsToDetect({ share: 0.1, ratio: 2, alpha: 0.01 }, 0.001).harmed // 33.43259135...
 */
export const requestsToDetect = (plan: HarmPlan, championRate: number): { requests: number; harmed: number } => {
  if (!(championRate > 0 && championRate <= 1))
    throw new RangeError(`Cannot count requests as the champion's rate must be in (0, 1]: it is ${championRate}`);
  const events = eventsToDetect(plan);
  const { share, ratio } = plan;
  const requests = events / (championRate * (share * ratio + 1 - share));
  return { requests, harmed: requests * share * championRate * ratio };
};
