import { quantileOfSorted } from '../quantile.ts';
import { createRandom } from '../random.ts';
import { finish, type Steps } from '../steps.ts';

/** How often each row was drawn; length n, sum n. */
export type RowCounts = Uint32Array;

export type BootstrapPlan = {
  readonly rows: number;
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
 * Draws rows with replacement, many times, and keeps the statistic of each draw.
 *
 * Rows are drawn as floor(u * n) by mulberry32 with the given seed, so a report can be recomputed to the last bit.
 * Null where fewer than two resamples have a statistic, or there are no rows. Cost: resamples * (n + statistic).
 *
 * Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 6 and 13.
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
  const found: number[] = [];
  let drawn = 0;
  for (let resample = 0; resample < plan.resamples; resample++) {
    counts.fill(0);
    for (let draw = 0; draw < plan.rows; draw++) (counts[Math.floor(random() * plan.rows)] as number)++;
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
