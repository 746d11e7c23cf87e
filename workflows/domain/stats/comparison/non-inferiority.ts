import { normalLowerTail, normalUpperQuantile, normalUpperTail } from '../special/normal.ts';

/** An estimated difference, challenger minus champion, more being better. */
export type Difference = { readonly estimate: number; readonly standardError: number };

export type Bounds = {
  /** One-sided, each at the stated confidence. */
  readonly lower: number;
  readonly upper: number;
  /** Of "worse by the margin or more": small where the challenger is shown not to be worse. */
  readonly pNonInferior: number;
  /** Of "not worse by the margin": small where the challenger is shown to be worse by more than it. */
  readonly pHarm: number;
};

/**
 * Difference of two paired proportions, from the rows on which only one of the models is right, among all rows.
 * Throws RangeError without rows or with more disagreements than rows.
 *
 * Source: the Wald interval of a paired difference: (c - b) / n with standard error sqrt(b + c - (c - b)^2 / n) / n.
 * Agrees with: test/golden/vectors.json "noninferiority", 1e-9.
 * @example pairedProportions(44, 52, 2000).standardError // 0.0048981629...
 */
export const pairedProportions = (championOnly: number, challengerOnly: number, rows: number): Difference => {
  const disagreements = championOnly + challengerOnly;
  if (!(rows > 0) || disagreements > rows) {
    throw new RangeError(`Cannot compare proportions as ${disagreements} disagreements must lie among ${rows} rows`);
  }
  const net = challengerOnly - championOnly;
  return { estimate: net / rows, standardError: Math.sqrt(disagreements - (net * net) / rows) / rows };
};

/**
 * One-sided bounds and p-values of a normally distributed difference against a margin >= 0.
 *
 * A standard error of 0 makes each p-value 0 or 1, and 1/2 where the difference is exactly minus the margin.
 *
 * Source: definition: z = (estimate + margin) / standard error; lower bound = estimate - z(confidence) * standard error.
 * Agrees with: test/golden/vectors.json "noninferiority", 1e-9.
 */
export const boundDifference = (difference: Difference, margin: number, confidence: number): Bounds => {
  const reach = normalUpperQuantile(1 - confidence) * difference.standardError;
  const distance = difference.estimate + margin;
  const z = difference.standardError === 0 ? Math.sign(distance) * Number.POSITIVE_INFINITY : distance / difference.standardError;
  const exact = Number.isNaN(z);
  return {
    lower: difference.estimate - reach,
    upper: difference.estimate + reach,
    pNonInferior: exact ? 0.5 : normalUpperTail(z),
    pHarm: exact ? 0.5 : normalLowerTail(z),
  };
};

/**
 * The same for paired proportions. Where one kind of disagreement never occurred, its rate is not known to be zero: the
 * bound on that side reaches at least as far as the rate that would stay unseen, 1 - (1 - confidence)^(1/n).
 * So identical models on 20 rows prove nothing, and on 2,000 rows a margin of half a point.
 *
 * Source: Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983), for what stayed unseen.
 * Agrees with: test/golden/vectors.json "noninferiority" and "zero_failures", 1e-9.
 */
export const boundProportions = (
  championOnly: number,
  challengerOnly: number,
  rows: number,
  margin: number,
  confidence: number,
): Bounds & Difference => {
  const difference = pairedProportions(championOnly, challengerOnly, rows);
  const bounds = boundDifference(difference, margin, confidence);
  const unseen = -Math.expm1(Math.log1p(-confidence) / rows);
  const lower = championOnly === 0 ? Math.min(bounds.lower, difference.estimate - unseen) : bounds.lower;
  const upper = challengerOnly === 0 ? Math.max(bounds.upper, difference.estimate + unseen) : bounds.upper;
  return { ...difference, ...bounds, lower, upper };
};

/**
 * Rows that decide with the given power, if the difference lies at that distance from the limit and each row
 * contributes as much variance as those seen. Infinite at distance 0.
 *
 * Source: the bound above, solved for n: (z(confidence) + z(power))^2 * variance per row / distance^2.
 * Agrees with: test/golden/vectors.json "sizing", 9892.09 rows for a distance of 0.005 at 4 % disagreement.
 * @example rowsForPower({ variancePerRow: 0.04, distance: 0.005, confidence: 0.95, power: 0.8 }) // 9892.09...
 */
export const rowsForPower = (plan: {
  readonly variancePerRow: number;
  readonly distance: number;
  readonly confidence: number;
  readonly power: number;
}): number => {
  const reach = normalUpperQuantile(1 - plan.confidence) + normalUpperQuantile(1 - plan.power);
  return (reach * reach * plan.variancePerRow) / (plan.distance * plan.distance);
};

/**
 * Rows among which an event of that rate would have been seen with the given confidence. Infinite at rate 0.
 *
 * Source: Hanley and Lippman-Hand, JAMA 249 (1983), solved for n: log(1 - confidence) / log(1 - rate).
 * @example rowsToSee(0.005, 0.95) // 597.6...
 */
export const rowsToSee = (rate: number, confidence: number): number => Math.log1p(-confidence) / Math.log1p(-Math.min(1, rate));
