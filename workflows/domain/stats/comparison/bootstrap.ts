import { quantileOfSorted } from '../quantile.ts';
import { createRandom, type Random } from '../random.ts';
import { finish, type Steps } from '../steps.ts';
import type { Clusters } from './clusters.ts';

/** How often each row was drawn; length n, sum n. */
export type RowCounts = Uint32Array;

export type BootstrapPlan = {
  readonly rows: number;
  /** Draws clusters of rows instead of rows; absent or null: rows are independent. */
  readonly clusters?: Clusters | null;
  readonly resamples: number;
  readonly seed: number;
  /**
   * The statistic of a resample, given how often each row was drawn; null where it does not exist, as without positives.
   * For a paired comparison this is the difference of both models on the same draw, never one model alone.
   */
  readonly statistic: (counts: RowCounts) => number | null;
};

export type Bootstrap = {
  /** Statistics of the resamples in which it exists, ascending. */
  readonly sorted: Float64Array;
  readonly mean: number;
  /** Standard deviation over resamples, divisor one less than their number. */
  readonly standardError: number;
  /** Resamples without a statistic. */
  readonly missing: number;
};

/**
 * Draws rows with replacement, many times, and keeps the statistic of each draw. Where rows come in clusters, whole
 * clusters are drawn, as many as there are.
 *
 * Rows are drawn as floor(u * n) by mulberry32 with the given seed, so a report can be recomputed to the last bit.
 * Null where fewer than two resamples have a statistic, or there are no rows. Cost: resamples * (n + statistic).
 *
 * Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 6 and 13; of clusters: Davison and
 * Hinkley, Bootstrap Methods and their Application (1997), section 3.8.
 * Agrees with: test/golden/vectors.json "paired_bootstrap", 1e-9.
 */
export const bootstrap = (plan: BootstrapPlan): Bootstrap | null => finish(bootstrapInSteps(plan));

/** Draws after which others may have a turn: some tens of milliseconds. */
const drawsPerStep = 1_000_000;

/** The same in steps. */
export function* bootstrapInSteps(plan: BootstrapPlan): Steps<Bootstrap | null> {
  if (plan.rows === 0) return null;
  const random = createRandom(plan.seed);
  const counts = new Uint32Array(plan.rows);
  const draw = plan.clusters ? drawClusters(plan.clusters, counts, random) : drawRows(counts, random);
  const found: number[] = [];
  let drawn = 0;
  for (let resample = 0; resample < plan.resamples; resample++) {
    draw();
    const value = plan.statistic(counts);
    if (value !== null) found.push(value);
    drawn += plan.rows;
    if (drawn >= drawsPerStep) {
      drawn = 0;
      yield;
    }
  }
  return found.length < 2 ? null : summarise(Float64Array.from(found).sort(), plan.resamples);
}

const drawRows = (counts: RowCounts, random: Random) => (): void => {
  counts.fill(0);
  for (let draw = 0; draw < counts.length; draw++) (counts[Math.floor(random() * counts.length)] as number)++;
};

const drawClusters = ({ ids, count }: Clusters, counts: RowCounts, random: Random) => {
  const ofClusters = new Uint32Array(count);
  const drawOfClusters = drawRows(ofClusters, random);
  return (): void => {
    drawOfClusters();
    for (let row = 0; row < ids.length; row++) counts[row] = ofClusters[ids[row] as number] as number;
  };
};

const summarise = (sorted: Float64Array, resamples: number): Bootstrap => {
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { sorted, mean, standardError: Math.sqrt(squares / (sorted.length - 1)), missing: resamples - sorted.length };
};

/**
 * One-sided percentile bounds, each at the stated confidence.
 *
 * Source: Efron and Tibshirani (1993), section 13.3.
 */
export const percentileBounds = (result: Bootstrap, confidence: number): { lower: number; upper: number } => ({
  lower: quantileOfSorted(result.sorted, 1 - confidence),
  upper: quantileOfSorted(result.sorted, confidence),
});

/**
 * Share of resamples at or below a limit, counting the observed sample as one more: never zero.
 *
 * Source: Davison and Hinkley, Bootstrap Methods and their Application (1997), equation 4.11.
 * Agrees with: test/golden/vectors.json "paired_bootstrap", 1e-9.
 */
export const shareAtOrBelow = (result: Bootstrap, limit: number): number => {
  const count = result.sorted.reduce((sum, value) => sum + (value <= limit ? 1 : 0), 0);
  return (1 + count) / (1 + result.sorted.length);
};

/**
 * The same above a limit.
 *
 * Source: as `shareAtOrBelow`.
 */
export const shareAbove = (result: Bootstrap, limit: number): number => {
  const count = result.sorted.reduce((sum, value) => sum + (value > limit ? 1 : 0), 0);
  return (1 + count) / (1 + result.sorted.length);
};
