import { logMixtureRatio, priorAround, splitAt } from './beta-mixture.ts';
import { logBetaUpperTail } from './beta-upper-tail.ts';

/**
 * Events (errors, say) of both arms while the candidate had a fixed share of the traffic. However the traffic swings, an
 * event falls to the candidate with a probability that depends on the share and on the ratio of the two rates only.
 */
export type SplitCounts = {
  /** Share of requests that the candidate answers, in (0, 1). */
  readonly share: number;
  readonly candidate: number;
  readonly champion: number;
};

/**
 * Events that the prior weighs as much as: more where the share is small, because the prior then leans on fewer of them.
 *
 * Source: measured: among powers of two times ten these find a doubled rate soonest at shares of 5 to 50 %.
 * @example priorStrength(0.1) // 20
 */
export const priorStrength = (share: number): number => (share <= 0.1 ? 20 : 10);

/**
 * Log of the evidence that the share of events is another one than the share of traffic, in either direction.
 *
 * Looked at after every event, it exceeds log(1 / alpha) with probability at most alpha if the rates are equal (Ville).
 * No events: 0. Counts need not be whole. Throws RangeError for a share outside (0, 1) or a count below 0.
 *
 * Source: Lindon and Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022.
 * Agrees with: test/golden/vectors.json "sequential_counts" and "srm", 1e-9; test/golden/sequential.json, exact fractions, 1e-11.
 * @example logEvidenceOfDifference({ share: 0.2, candidate: 18, champion: 30 }) // 2.215503317...
 */
export const logEvidenceOfDifference = (counts: SplitCounts, strength = priorStrength(counts.share)): number => {
  checkCounts(counts);
  const { candidate, champion } = counts;
  return logMixtureRatio(priorAround(counts.share, strength), candidate, champion, splitAt(counts.share));
};

/**
 * Log of the evidence that the candidate's rate is above the champion's: the same, the prior cut to shares above it.
 *
 * A test of "not above" for every rate ratio up to 1, since each event's likelihood ratio grows with the share. Falls
 * about as -log of the number of events where the candidate is better, so evidence of harm still gets through later.
 *
 * Source: Lindon and Malek (2022) with a truncated prior; in logarithms, because Bayes factor and tail may each leave the
 * range of doubles while their product is near 1.
 * Agrees with: test/golden/vectors.json "sequential_counts", 1e-9; test/golden/sequential.json, exact fractions, 1e-11.
 * @example logEvidenceOfHarm({ share: 0.2, candidate: 18, champion: 30 }) // 3.039440975...
 */
export const logEvidenceOfHarm = (counts: SplitCounts, strength = priorStrength(counts.share)): number => {
  checkCounts(counts);
  const { candidate, champion } = counts;
  if (candidate === 0 && champion === 0) return 0;
  const at = splitAt(counts.share);
  const prior = priorAround(counts.share, strength);
  const posterior = { a: prior.a + candidate, b: prior.b + champion };
  return logMixtureRatio(prior, candidate, champion, at) + logBetaUpperTail(posterior, at) - logBetaUpperTail(prior, at);
};

/**
 * p-value that may be looked at any time: 1 / evidence, at most 1. The smallest so far is still valid.
 *
 * Source: Ville's inequality; Johari, Koomen, Pekelis and Walsh, "Always valid inference", Operations Research 70 (2022).
 * @example alwaysValidP(Math.log(20)) // 0.05
 */
export const alwaysValidP = (logEvidence: number): number => Math.exp(-Math.max(0, logEvidence));

/** The largest double: an e-value beyond it is told as this one. */
const largest = Math.log(Number.MAX_VALUE);

/**
 * e-value of its logarithm, never infinite: beyond the range of doubles it stays at its end, far above any threshold.
 *
 * Source: definition.
 * @example eValueOf(0) // 1
 */
export const eValueOf = (logEvidence: number): number =>
  logEvidence >= largest ? Number.MAX_VALUE : Math.min(Number.MAX_VALUE, Math.exp(logEvidence));

const checkCounts = ({ candidate, champion }: SplitCounts): void => {
  for (const count of [candidate, champion]) {
    if (!(count >= 0 && count < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`Cannot weigh events as counts must be 0 or more: ${candidate} and ${champion}`);
    }
  }
};
