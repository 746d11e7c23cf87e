import { normalReach, normalTwoSidedTail } from '../special/normal.ts';

/** So many of the rows, such as missing ones. Both whole, and 0 <= count <= rows. */
export type Share = { readonly count: number; readonly rows: number };

/** An estimate with two-sided limits. */
export type Limits = { readonly estimate: number; readonly lower: number; readonly upper: number };

/** Throws RangeError for a share that is none. */
export const checkShare = ({ count, rows }: Share): void => {
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(rows) || count < 0 || count > rows) {
    throw new RangeError(`Cannot take a share as 0 <= count <= rows must hold for whole numbers: ${count} of ${rows}`);
  }
};

/** The same of rows that are worth less than their number, and so need not be whole. */
const checkWorth = ({ count, rows }: Share): void => {
  if (!(count >= 0 && count <= rows && rows < Number.POSITIVE_INFINITY))
    throw new RangeError(`Cannot take a share as 0 <= count <= rows must hold: ${count} of ${rows}`);
};

/** The normal deviate of two-sided limits at that confidence. Throws RangeError unless it is in (0, 1). */
const reachOf = (confidence: number): number => {
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`Cannot set limits as the confidence must be in (0, 1): it is ${confidence}`);
  }
  return normalReach(confidence);
};

/**
 * Test of equal proportions of two independent samples, two-sided, with the pooled share; z is above 0 where the current
 * share is the larger.
 *
 * Where no row counts, or every one does, z is 0 and p 1. Null where a side has no rows. Throws RangeError for a share
 * that is none. An approximation: it wants some five rows of either kind on either side.
 *
 * Source: definition: (q - p) / sqrt(s (1 - s) (1/n + 1/m)) with s the pooled share.
 * Agrees with: test/golden/vectors.json "props", 1e-9; test/golden/two-sample.json, `statsmodels` proportions_ztest, 1e-10.
 * @example twoProportionTest({ count: 18, rows: 1000 }, { count: 37, rows: 1200 }).pValue // 0.0548884971...
 */
export const twoProportionTest = (reference: Share, current: Share): { z: number; pValue: number } | null => {
  checkShare(reference);
  checkShare(current);
  if (reference.rows === 0 || current.rows === 0) return null;
  const counted = reference.count + current.count;
  const rows = reference.rows + current.rows;
  if (counted === 0 || counted === rows) return { z: 0, pValue: 1 };
  const variance = (counted / rows) * ((rows - counted) / rows) * (1 / reference.rows + 1 / current.rows);
  const z = (current.count / current.rows - reference.count / reference.rows) / Math.sqrt(variance);
  return { z, pValue: normalTwoSidedTail(z) };
};

/**
 * Limits of a proportion by Wilson's score interval: for display. On average it covers what it says, for some true
 * proportions less; decisions use `clopperPearson`. A count of 0 has the lower limit 0, a count of all rows the upper
 * limit 1. Null without rows. Throws RangeError for a share that is none and a confidence outside (0, 1).
 *
 * Source: Wilson, JASA 22 (1927).
 * Agrees with: test/golden/vectors.json "props", 1e-9; test/golden/two-sample.json, `statsmodels` proportion_confint, 1e-10.
 * @example wilsonInterval({ count: 3, rows: 200 }, 0.95).lower // 0.0051142377...
 */
export const wilsonInterval = (share: Share, confidence: number): Limits | null => {
  checkShare(share);
  return wilsonOfWorth(share, reachOf(confidence));
};

const wilsonOfWorth = (share: Share, z: number): Limits | null => {
  checkWorth(share);
  const { count, rows } = share;
  if (rows === 0) return null;
  const missed = rows - count;
  const reach = z * Math.sqrt((count * missed) / rows + (z * z) / 4);
  const middle = count + (z * z) / 2;
  const total = rows + z * z;
  // The lower limit from the product of both: the difference of its usual form cancels where few rows count.
  const lower = count === 0 ? 0 : (count * count) / rows / (middle + reach);
  const upper = missed === 0 ? 1 : (middle + reach) / total;
  return { estimate: count / rows, lower, upper };
};

/**
 * Limits of the difference of two independent proportions, current less reference: Newcombe's hybrid of Wilson intervals.
 *
 * Good from few rows on and at shares of 0 and 1, where the usual interval has no width. Null where a side has no rows.
 * Throws RangeError for a share that is none and a confidence outside (0, 1).
 *
 * Source: Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17
 * (1998), method 10.
 * Agrees with: test/golden/vectors.json "props", 1e-9; test/golden/two-sample.json, `statsmodels` confint_proportions_2indep, 1e-9.
 * @example newcombeInterval({ count: 18, rows: 1000 }, { count: 37, rows: 1200 }, 0.95).upper // 0.0259775693...
 */
export const newcombeInterval = (reference: Share, current: Share, confidence: number): Limits | null => {
  checkShare(reference);
  checkShare(current);
  return newcombeOfWorth(reference, current, reachOf(confidence));
};

/**
 * The same of rows that are alike, counted as the fewer, not whole, that they are worth; `reach` standard errors either way.
 *
 * Source: effective sample size in Wilson's interval: Dean and Pagano, Journal of Survey Statistics and Methodology 3 (2015).
 */
export const newcombeOfWorth = (reference: Share, current: Share, reach: number): Limits | null => {
  const old = wilsonOfWorth(reference, reach);
  const fresh = wilsonOfWorth(current, reach);
  if (old === null || fresh === null) return null;
  const estimate = fresh.estimate - old.estimate;
  const down = Math.hypot(fresh.estimate - fresh.lower, old.upper - old.estimate);
  const up = Math.hypot(fresh.upper - fresh.estimate, old.estimate - old.lower);
  return { estimate, lower: Math.max(-1, estimate - down), upper: Math.min(1, estimate + up) };
};
