import { checkAmount, checkPositiveAmount } from './check.ts';

/** A model that grows stale evenly: each day since training adds `decayPerDay` to what a day loses. */
export type SmoothDecay = {
  readonly costPerRun: number;
  /** Value per day, per day of age. */
  readonly decayPerDay: number;
};

/** The best fixed period. `days` is null where no period is best: without decay, never to retrain costs nothing. */
export type BestPeriod = { readonly days: number | null; readonly costPerDay: number };

/**
 * Cost per day of retraining every so many days under smooth decay: runs, and staleness at half the period's age.
 * Throws RangeError for a period that is not above 0, or a negative or infinite amount.
 *
 * Source: definition: C / T + a T / 2.
 * @example costUnderDecay({ costPerRun: 40, decayPerDay: 0.5 }, 10) // 6.5
 */
export const costUnderDecay = ({ costPerRun, decayPerDay }: SmoothDecay, periodDays: number): number => {
  const doing = 'take the cost of a schedule';
  checkAmount(doing, 'the cost of a run', costPerRun);
  checkAmount(doing, 'the decay', decayPerDay);
  checkPositiveAmount(doing, 'the period', periodDays);
  return costPerRun / periodDays + (decayPerDay * periodDays) / 2;
};

/**
 * The fixed period that costs least under smooth decay. No trigger beats it there: nothing happens that it could notice.
 *
 * Without decay the period is null and the cost 0. Runs that cost nothing are best without end: period 0, cost 0.
 * Throws RangeError for a negative or infinite amount.
 *
 * Source: the minimum of C / T + a T / 2: T = sqrt(2 C / a), cost sqrt(2 C a) per day.
 * Agrees with: test/golden/vectors.json "economics", 1e-9.
 * @example bestPeriodUnderDecay({ costPerRun: 40, decayPerDay: 0.5 }).costPerDay // 6.3245553203...
 */
export const bestPeriodUnderDecay = ({ costPerRun, decayPerDay }: SmoothDecay): BestPeriod => {
  const doing = 'find the best period';
  checkAmount(doing, 'the cost of a run', costPerRun);
  checkAmount(doing, 'the decay', decayPerDay);
  if (decayPerDay === 0) return { days: null, costPerDay: 0 };
  // Roots of each factor, because the product of two small amounts may underflow.
  const [cost, decay] = [Math.sqrt(2 * costPerRun), Math.sqrt(decayPerDay)];
  return { days: cost / decay, costPerDay: cost * decay };
};
