import { metricTable } from '../metrics/metrics.ts';
import { everyRowOnce, type RowWeights } from '../metrics/scored.ts';
import type { Steps } from '../steps.ts';
import { type Bootstrap, bootstrapInSteps, percentileBounds, shareAbove, shareAtOrBelow } from './bootstrap.ts';
import type { Clusters } from './clusters.ts';
import type { Contest, Gain, NoGain } from './contest.ts';
import { jackknifeInSteps } from './jackknife.ts';
import { type Bounds, boundDifference } from './non-inferiority.ts';

/**
 * With 2,000 resamples the 5 % point lies within 0.05 standard errors of where it belongs, with 500 within 0.1; large
 * samples cost more and need no more.
 */
const mostResamples = 2000;
const fewestResamples = 500;
/** Draws in all that one comparison may take, unless 500 resamples need more: some seconds of one core. */
const mostDraws = 100_000_000;
/** More resamples without a value than this share, and the rest are not a sample of anything. */
const mostMissing = 0.01;
/** Fewer clusters than these are too few to draw from: percentiles of 7 days are too narrow by a fifth. */
const fewestToDraw = 50;

/** A gain as a function of how often each row counts; null where it does not exist. */
export type GainOf = (weights: RowWeights) => number | null;

/** What resampling needs to know of a contest. */
export type Resampling = Pick<Contest, 'clusters' | 'policy' | 'seed'> & {
  /** What is resampled, for the sentence where it does not exist. */
  readonly name: string;
  readonly rows: number;
};

/**
 * Gain of any metric: a paired bootstrap over rows or, from 50 clusters on, over clusters; with fewer clusters the
 * jackknife and Student's t. The difference is resampled, never the two metrics separately. Insufficient where the
 * metric does not exist for all rows, or for more than 1 % of the resamples.
 *
 * Source: `bootstrap.ts`, `jackknife.ts`.
 */
export function* gainByResampling(contest: Contest, degreesOfFreedom: number): Steps<Gain | NoGain> {
  const { metric, candidate, champion } = contest;
  const { better, prepare } = metricTable[metric];
  const [fresh, old] = [prepare(candidate), prepare(champion)];
  const gainOf: GainOf = (weights) => {
    const [one, other] = [fresh(weights), old(weights)];
    if (one === null || other === null) return null;
    return better === 'higher' ? one - other : other - one;
  };
  return yield* resampleGain({ ...contest, name: metric, rows: candidate.labels.length }, gainOf, degreesOfFreedom);
}

/** The same for any gain. */
export function* resampleGain(plan: Resampling, gainOf: GainOf, degreesOfFreedom: number): Steps<Gain | NoGain> {
  const { clusters } = plan;
  if (clusters !== null && clusters.count < fewestToDraw) {
    return yield* byJackknife(plan, clusters, gainOf, degreesOfFreedom);
  }
  return yield* byBootstrap(plan, gainOf, degreesOfFreedom);
}

const insufficient = (reason: string): NoGain => ({ kind: 'insufficient', reason });

function* byJackknife(
  { policy, name, rows }: Resampling,
  clusters: Clusters,
  gainOf: GainOf,
  degreesOfFreedom: number,
): Steps<Gain | NoGain> {
  const found = yield* jackknifeInSteps(clusters, gainOf);
  if (found === null) return insufficient(`${name} does not exist for these ${rows} rows, or without a ${clusters.by} of them`);
  const method = `jackknife, ${clusters.count} clusters by ${clusters.by}`;
  return {
    kind: 'gain',
    ...found,
    ...boundDifference(found, policy.margin, policy.confidence, degreesOfFreedom),
    method,
    testOfBetter: method,
    differences: [],
    unseen: false,
    degreesOfFreedom,
  };
}

/** Fewer resamples beyond a limit than these, and their share says where a few of them fell rather than how likely it is. */
const fewestBeyond = 10;

/**
 * Percentiles, and shares of the resamples beyond each limit. Where too few of them lie beyond, the normal distribution
 * with their standard error: of 2,000 resamples none says that something happens once in ten thousand cases.
 */
const boundsOf = (result: Bootstrap, estimate: number, { margin, confidence }: Contest['policy']): Bounds => {
  const normal = boundDifference({ estimate, standardError: result.standardError }, margin, confidence);
  const size = result.sorted.length;
  const isSeen = (share: number): boolean => share * (1 + size) - 1 >= fewestBeyond;
  const shareOr = (share: number, otherwise: number): number => (isSeen(share) ? share : otherwise);
  return {
    ...((1 - confidence) * size >= fewestBeyond ? percentileBounds(result, confidence) : normal),
    pNonInferior: shareOr(shareAtOrBelow(result, -margin), normal.pNonInferior),
    pHarm: shareOr(shareAbove(result, -margin), normal.pHarm),
    pBetter: shareOr(shareAtOrBelow(result, 0), normal.pBetter),
  };
};

function* byBootstrap(plan: Resampling, gainOf: GainOf, degreesOfFreedom: number): Steps<Gain | NoGain> {
  const { clusters, policy, seed, name, rows } = plan;
  const resamples = Math.max(fewestResamples, Math.min(mostResamples, Math.floor(mostDraws / rows)));
  const estimate = gainOf(everyRowOnce(rows));
  const result = estimate === null ? null : yield* bootstrapInSteps({ rows, clusters, resamples, seed, statistic: gainOf });
  if (estimate === null || result === null) return insufficient(`${name} does not exist for these ${rows} rows`);
  if (result.missing > mostMissing * resamples) {
    return insufficient(`resamples without ${name} ${result.missing} <= ${mostMissing * resamples} does not hold`);
  }
  const of = clusters === null ? '' : ` of ${clusters.count} clusters by ${clusters.by}`;
  const method = `paired bootstrap${of}, ${resamples} resamples, mulberry32(${seed})`;
  return {
    kind: 'gain',
    estimate,
    standardError: result.standardError,
    ...boundsOf(result, estimate, policy),
    method,
    testOfBetter: method,
    differences: [],
    unseen: false,
    degreesOfFreedom,
  };
}
