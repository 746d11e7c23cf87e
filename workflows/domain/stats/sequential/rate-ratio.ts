import { logMixtureRatio, priorAround, type Split } from './beta-mixture.ts';
import { priorStrength, type SplitCounts } from './count-test.ts';
import { findRoot, reachAbove } from './root.ts';

export type RateRatio = {
  /** Candidate's rate over the champion's, most likely; null without an event of the champion. */
  readonly estimate: number | null;
  readonly lower: number;
  /** null where no ratio is too large: the champion has no events yet, or they count for next to nothing. */
  readonly upper: number | null;
};

/**
 * Ratio of the candidate's rate of events to the champion's, with bounds that hold at all times together.
 *
 * One segment for each share that the candidate had. Within a segment of share s the ratio r puts an event on the
 * candidate with probability r s / (r s + 1 - s); its evidence against r is a test martingale under r. The product over
 * segments is one too, and the bounds enclose the ratios that it has not refuted at 1 / alpha. They are an interval, for
 * the log of the product is convex in log r. A ratio that changes between segments may leave no ratio unrefuted: null then,
 * since no common ratio exists. Bounds are exact to 1e-9. No events: from 0 to no bound.
 *
 * Throws RangeError for alpha outside (0, 1), without a segment, or a share outside (0, 1).
 *
 * Source: Lindon and Malek, NeurIPS 2022 (one segment); products of test martingales for the rest.
 * Agrees with: test/golden/vectors.json "sequential_counts", 1e-9; test/golden/sequential.json, SciPy root finder on `betaln`, 1e-9.
 * @example boundRateRatio([{ share: 0.2, candidate: 18, champion: 30 }], 0.05).upper // 5.867016369...
 */
export const boundRateRatio = (
  segments: readonly SplitCounts[],
  alpha: number,
  strengthOf: (share: number) => number = priorStrength,
): RateRatio | null => {
  if (segments.length === 0) throw new RangeError('Cannot bound a ratio as there must be a segment: there is none');
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`Cannot bound a ratio as alpha must be in (0, 1): it is ${alpha}`);
  const excess = (logRatio: number): number =>
    segments.reduce((sum, segment) => sum + logEvidenceAgainst(segment, logRatio, strengthOf(segment.share)), Math.log(alpha));
  const candidate = segments.reduce((sum, segment) => sum + segment.candidate, 0);
  const champion = segments.reduce((sum, segment) => sum + segment.champion, 0);
  if (candidate === 0 && champion === 0) return { estimate: null, lower: 0, upper: null };
  if (candidate === 0) return { estimate: 0, lower: 0, upper: upperOf(excess, insideOf(excess, -1)) };
  if (champion === 0) return { estimate: null, lower: lowerOf(excess, insideOf(excess, 1)), upper: null };
  const best = mostLikely(segments, candidate);
  if (excess(best) >= 0) return null;
  return { estimate: Math.exp(best), lower: lowerOf(excess, best), upper: upperOf(excess, best) };
};

/**
 * Share of all events that fall to the candidate, bounded at all times: one segment, in the unit of its share.
 *
 * Source: the same, with the probability itself instead of the ratio.
 * Agrees with: test/golden/vectors.json "sequential_counts", 1e-9.
 * @example boundEventShare({ share: 0.2, candidate: 18, champion: 30 }, 0.05).lower // 0.1860932393...
 */
export const boundEventShare = (counts: SplitCounts, alpha: number): { lower: number; upper: number } => {
  const { lower, upper } = boundRateRatio([counts], alpha) as RateRatio;
  return {
    lower: eventSplit(counts.share, Math.log(lower)).share,
    upper: upper === null ? 1 : eventSplit(counts.share, Math.log(upper)).share,
  };
};

/** With rates in that ratio, how events split; both parts without a subtraction. */
const eventSplit = (share: number, logRatio: number): Split => {
  const logOdds = Math.log(share) - Math.log1p(-share) + logRatio;
  return { share: 1 / (1 + Math.exp(-logOdds)), complement: 1 / (1 + Math.exp(logOdds)) };
};

const logEvidenceAgainst = ({ share, candidate, champion }: SplitCounts, logRatio: number, strength: number): number =>
  logMixtureRatio(priorAround(share, strength), candidate, champion, eventSplit(share, logRatio));

/** The ratio at which the candidate's expected events are those seen: unique, for they grow with the ratio. */
const mostLikely = (segments: readonly SplitCounts[], candidate: number): number => {
  const surplus = (logRatio: number): number =>
    segments.reduce((sum, one) => sum + (one.candidate + one.champion) * eventSplit(one.share, logRatio).share, -candidate);
  const shortage = (logRatio: number): number => -surplus(logRatio);
  return findRoot(surplus, surplus(0) <= 0 ? 0 : reachAbove(shortage, 0, -1), surplus(0) <= 0 ? reachAbove(surplus, 0, 1) : 0);
};

type Excess = (logRatio: number) => number;

/** A log ratio that is not excluded, where events are on one side only and the evidence rises in one direction. */
const insideOf = (excess: Excess, inwards: 1 | -1): number =>
  excess(0) < 0 ? 0 : reachAbove((logRatio) => -excess(logRatio), 0, inwards);

/** Beyond it a ratio is hardly a number. Where events count little, no smaller ratio may be excluded: the bound is 0, or none. */
const farthest = 650;

const lowerOf = (excess: Excess, inside: number): number => {
  const outside = firstExcluded(excess, inside, -1);
  return outside === null ? 0 : Math.exp(findRoot(excess, outside, inside));
};

const upperOf = (excess: Excess, inside: number): number | null => {
  const outside = firstExcluded(excess, inside, 1);
  return outside === null ? null : Math.exp(findRoot(excess, inside, outside));
};

const firstExcluded = (excess: Excess, inside: number, direction: 1 | -1): number | null => {
  for (let reach = 1; reach < 2 * farthest; reach *= 2) {
    const logRatio = Math.min(farthest, Math.max(-farthest, inside + direction * reach));
    if (excess(logRatio) > 0) return logRatio;
  }
  return null;
};
