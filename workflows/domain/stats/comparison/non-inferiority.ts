import { studentUpperQuantile, studentUpperTail } from '../special/student-t.ts';

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
  /** Of "not better": small where the challenger is shown to be better at all. */
  readonly pBetter: number;
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
 * One-sided bounds and p-values of a difference against a margin >= 0: normally distributed, or Student's with those
 * degrees of freedom where the standard error itself was estimated from few clusters.
 *
 * A standard error of 0 makes each p-value 0 or 1, and 1/2 where the difference is exactly on the limit. At margin 0,
 * "not worse" and "better" are one question.
 *
 * Source: definition: z = (estimate + margin) / standard error; lower bound = estimate - z(confidence) * standard error.
 * Agrees with: test/golden/vectors.json "noninferiority", 1e-9.
 */
export const boundDifference = (
  difference: Difference,
  margin: number,
  confidence: number,
  degreesOfFreedom: number = Number.POSITIVE_INFINITY,
): Bounds => {
  const reach = studentUpperQuantile(1 - confidence, degreesOfFreedom) * difference.standardError;
  return {
    lower: difference.estimate - reach,
    upper: difference.estimate + reach,
    pNonInferior: tailBeyond(difference, -margin, degreesOfFreedom),
    pHarm: tailBeyond({ ...difference, estimate: -difference.estimate }, margin, degreesOfFreedom),
    pBetter: tailBeyond(difference, 0, degreesOfFreedom),
  };
};

/**
 * Two-sided p-value of "no difference". A difference of exactly 0 has 1; any other without error has 0.
 *
 * Source: definition, twice the tail beyond the difference.
 */
export const twoSidedTest = ({ estimate, standardError }: Difference, degreesOfFreedom: number): number => {
  if (estimate === 0) return 1;
  return standardError === 0 ? 0 : 2 * studentUpperTail(Math.abs(estimate) / standardError, degreesOfFreedom);
};

/** How likely so large a difference is, or a larger one, if the truth lies on the limit. */
const tailBeyond = ({ estimate, standardError }: Difference, limit: number, degreesOfFreedom: number): number => {
  const distance = estimate - limit;
  if (standardError > 0) return studentUpperTail(distance / standardError, degreesOfFreedom);
  return distance === 0 ? 0.5 : Number(distance < 0);
};

/** Rows on which only one of the models is right, among all rows. */
export type Disagreements = { readonly championOnly: number; readonly challengerOnly: number; readonly rows: number };

/**
 * Widens bounds where one kind of disagreement never occurred: its rate is not known to be zero. The bound on that side
 * reaches at least as far as the rate that would stay unseen, 1 - (1 - confidence)^(1/n), and the p-value is at least the
 * chance not to see it. So identical models on 20 rows prove nothing, and on 2,000 rows a margin of half a point.
 * `rows` may be fewer than there are, where rows are alike.
 *
 * Source: Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983).
 * Agrees with: test/golden/vectors.json "zero_failures", 1e-9.
 */
export const widenByUnseen = (
  bounds: Bounds & Difference,
  { championOnly, challengerOnly, rows }: Disagreements,
  margin: number,
  confidence: number,
): Bounds & Difference => {
  const unseen = -Math.expm1(Math.log1p(-confidence) / rows);
  const chance = (rate: number): number => Math.exp(rows * Math.log1p(-Math.min(1, Math.max(0, rate))));
  const distance = bounds.estimate + margin;
  const noLoss = championOnly === 0 && {
    lower: Math.min(bounds.lower, bounds.estimate - unseen),
    pNonInferior: Math.max(bounds.pNonInferior, chance(distance)),
  };
  const noWin = challengerOnly === 0 && {
    upper: Math.max(bounds.upper, bounds.estimate + unseen),
    pHarm: Math.max(bounds.pHarm, chance(-distance)),
  };
  return { ...bounds, ...noLoss, ...noWin };
};

/**
 * Bounds of a difference of paired proportions over independent rows, widened by what stayed unseen.
 *
 * Source: `pairedProportions`, `boundDifference`, `widenByUnseen`.
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
  const bounds = { ...difference, ...boundDifference(difference, margin, confidence) };
  return widenByUnseen(bounds, { championOnly, challengerOnly, rows }, margin, confidence);
};
