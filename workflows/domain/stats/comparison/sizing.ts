import { normalUpperQuantile } from '../special/normal.ts';
import { studentUpperQuantile } from '../special/student-t.ts';

/**
 * Rows that decide with the given power, if the difference lies at that distance from the limit and each row
 * contributes as much variance as those seen. Infinite at distance 0. With few clusters the bound is Student's, with
 * those degrees of freedom.
 *
 * Source: the one-sided bound of `boundDifference`, solved for n: (z(confidence) + z(power))^2 * variance per row / distance^2.
 * Agrees with: test/golden/vectors.json "sizing", 9892.09 rows for a distance of 0.005 at 4 % disagreement.
 * @example rowsForPower({ variancePerRow: 0.04, distance: 0.005, confidence: 0.95, power: 0.8 }) // 9892.09...
 */
export const rowsForPower = (plan: {
  readonly variancePerRow: number;
  readonly distance: number;
  readonly confidence: number;
  readonly power: number;
  readonly degreesOfFreedom?: number;
}): number => {
  const { degreesOfFreedom = Number.POSITIVE_INFINITY } = plan;
  if (plan.distance === 0) return Number.POSITIVE_INFINITY;
  const reach = studentUpperQuantile(1 - plan.confidence, degreesOfFreedom) + normalUpperQuantile(1 - plan.power);
  return (reach * reach * plan.variancePerRow) / (plan.distance * plan.distance);
};

/**
 * Rows among which an event of that rate would have been seen with the given confidence. Infinite at rate 0.
 *
 * Source: Hanley and Lippman-Hand, JAMA 249 (1983), solved for n: log(1 - confidence) / log(1 - rate).
 * @example rowsToSee(0.005, 0.95) // 597.6...
 */
export const rowsToSee = (rate: number, confidence: number): number => Math.log1p(-confidence) / Math.log1p(-Math.min(1, rate));

const checkProportion = (what: string, value: number): void => {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`Cannot count rows as ${what} must be in [0, 1]: it is ${value}`);
};

/** What a two-sided test is to find, how surely. */
export type TestPlan = { readonly alpha: number; readonly power: number };

const reachOf = ({ alpha, power }: TestPlan): number => normalUpperQuantile(alpha / 2) + normalUpperQuantile(1 - power);

/**
 * Rows in which McNemar's test finds that one of two models is right more often by `difference`, where they disagree on
 * the share `disagreement` of the rows. Infinite at difference 0. Throws RangeError for a disagreement outside [0, 1] and a
 * difference beyond it.
 *
 * Source: Connor, "Sample size for testing differences in proportions for the paired-sample design", Biometrics 43 (1987).
 * Agrees with: test/golden/vectors.json "sizing", 1e-9.
 * @example rowsForMcNemar(0.005, 0.04, { alpha: 0.05, power: 0.8 }) // 12555.84944...
 */
export const rowsForMcNemar = (difference: number, disagreement: number, { alpha, power }: TestPlan): number => {
  checkProportion('the disagreement', disagreement);
  if (!(Math.abs(difference) <= disagreement)) {
    throw new RangeError(`Cannot count rows as the difference must lie within ${disagreement}: it is ${difference}`);
  }
  if (difference === 0) return Number.POSITIVE_INFINITY;
  const spread = Math.sqrt(disagreement - difference ** 2);
  const reach = normalUpperQuantile(alpha / 2) * Math.sqrt(disagreement) + normalUpperQuantile(1 - power) * spread;
  return (reach / difference) ** 2;
};

/**
 * Rows per arm that tell two independent proportions apart; `pooled` takes the variance under equality for the level.
 * Infinite for equal proportions. Throws RangeError for proportions outside [0, 1].
 *
 * Source: Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions (2003), section 4.2.
 * Agrees with: test/golden/vectors.json "sizing", 1e-9.
 * @example rowsPerArm(0.02, 0.025, { alpha: 0.05, power: 0.8 }) // 13806.17945...
 */
export const rowsPerArm = (first: number, second: number, plan: TestPlan & { readonly pooled?: boolean }): number => {
  checkProportion('the first proportion', first);
  checkProportion('the second proportion', second);
  if (first === second) return Number.POSITIVE_INFINITY;
  const apart = first * (1 - first) + second * (1 - second);
  const middle = (first + second) / 2;
  const underEquality = plan.pooled === true ? 2 * middle * (1 - middle) : apart;
  const level = normalUpperQuantile(plan.alpha / 2) * Math.sqrt(underEquality);
  return ((level + normalUpperQuantile(1 - plan.power) * Math.sqrt(apart)) / (second - first)) ** 2;
};

/**
 * Rows in the smaller arm and in all, where it gets `share` of them, in (0, 1). `second` is the smaller arm's proportion.
 * Infinite for equal proportions. Throws RangeError for another share and for proportions outside [0, 1].
 *
 * Source: as `rowsPerArm`, with the larger arm's variance divided by its multiple of rows.
 * Agrees with: test/golden/vectors.json "sizing", 1e-9.
 * @example rowsOfSplit(0.02, 0.025, 0.1, { alpha: 0.05, power: 0.8 }).total // 83363.82376...
 */
export const rowsOfSplit = (
  first: number,
  second: number,
  share: number,
  plan: TestPlan,
): { readonly smaller: number; readonly total: number } => {
  checkProportion('the first proportion', first);
  checkProportion('the second proportion', second);
  if (!(share > 0 && share < 1)) throw new RangeError(`Cannot count rows as the share must be in (0, 1): it is ${share}`);
  if (first === second) return { smaller: Number.POSITIVE_INFINITY, total: Number.POSITIVE_INFINITY };
  const multiple = (1 - share) / share;
  const variance = second * (1 - second) + (first * (1 - first)) / multiple;
  const smaller = (reachOf(plan) ** 2 * variance) / (second - first) ** 2;
  return { smaller, total: smaller / share };
};

/**
 * Rows per arm that tell two independent means apart, `difference` being in standard deviations of a row.
 *
 * Source: Cohen, Statistical Power Analysis for the Behavioral Sciences (1988), section 2.4: 2 (z + z)^2 / difference^2.
 * Agrees with: test/golden/vectors.json "sizing", 1e-9.
 * @example rowsPerArmOfMeans(0.1, { alpha: 0.05, power: 0.8 }) // 1569.775947...
 */
export const rowsPerArmOfMeans = (difference: number, plan: TestPlan): number => 2 * (reachOf(plan) / difference) ** 2;
