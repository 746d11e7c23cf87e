import { incompleteBeta } from '#domain/stats/special/incomplete-beta.ts';
import type { Finding, Proportion, Target } from './scenario.ts';

/** Each of the two bounds is one-sided at this confidence. */
export const confidence = 0.99;

/** `within noise`: the estimate misses the target, but not for certain. */
export type Judgement = 'met' | 'within noise' | 'missed' | 'shown';

export type Judged = {
  readonly finding: Finding;
  readonly estimate: number;
  /** Bounds of the estimate; null for a figure that came without an interval. */
  readonly between: readonly [number, number] | null;
  readonly judgement: Judgement;
};

/** Where a continuous monotone function on [0, 1] crosses a level. */
const crossing = (isBelow: (share: number) => boolean): number => {
  let [low, high] = [0, 1];
  while (high - low > Number.EPSILON * high) {
    const middle = low + (high - low) / 2;
    if (middle === low || middle === high) break;
    if (isBelow(middle)) low = middle;
    else high = middle;
  }
  return low + (high - low) / 2;
};

/**
 * Exact one-sided bounds of a proportion, each at the given confidence; [0, 1] without trials.
 *
 * Source: Clopper and Pearson, Biometrika 26 (1934), through the beta distribution (DLMF 8.17.5).
 */
export const exactBounds = (successes: number, trials: number, level: number = confidence): [number, number] => {
  const unlikely = 1 - level;
  const lower =
    successes === 0 ? 0 : crossing((share) => incompleteBeta(successes, trials - successes + 1, share).lower < unlikely);
  const upper =
    successes === trials ? 1 : crossing((share) => incompleteBeta(successes + 1, trials - successes, share).upper > unlikely);
  return [lower, upper];
};

const isWithin = (value: number, { operator, value: limit }: Target): boolean =>
  operator === '<=' ? value <= limit : value >= limit;

/** Met where the estimate is; missed where not even the friendlier bound is. Without a target it is only shown. */
export const judge = (finding: Finding): Judged => {
  const isProportion = 'trials' in finding;
  const estimate = isProportion ? estimateOf(finding) : finding.value;
  const between = isProportion ? exactBounds(finding.successes, finding.trials) : (finding.between ?? null);
  return { finding, estimate, between, judgement: judgementOf(finding.target, estimate, between ?? [estimate, estimate]) };
};

const estimateOf = ({ what, successes, trials }: Proportion): number => {
  const isCount = Number.isInteger(successes) && Number.isInteger(trials) && successes >= 0 && successes <= trials;
  if (!isCount || trials === 0)
    throw new RangeError(`Cannot judge "${what}" as it must be a proportion: it is ${successes} of ${trials}`);
  return successes / trials;
};

const judgementOf = (target: Target | null, estimate: number, [lower, upper]: readonly [number, number]): Judgement => {
  if (!Number.isFinite(estimate)) return 'missed';
  if (target === null) return 'shown';
  if (isWithin(estimate, target)) return 'met';
  return isWithin(target.operator === '<=' ? lower : upper, target) ? 'within noise' : 'missed';
};
