/** A difference that was estimated, and the variance of that estimate (not of a row). */
export type EstimatedDifference = { readonly difference: number; readonly variance: number };

/**
 * Variance of a difference of two means, from the variance of a row in each arm and the rows of each; arms may be unequal.
 * Throws RangeError without rows or for a variance below 0.
 *
 * Source: definition.
 * @example varianceOfDifference({ variance: 1, rows: 500 }, { variance: 1, rows: 500 }) // 0.004
 */
export const varianceOfDifference = (one: ArmMoments, other: ArmMoments): number => {
  for (const { variance, rows } of [one, other]) {
    if (!(rows > 0) || !(variance >= 0)) {
      throw new RangeError(`Cannot compare means as an arm must have rows and a variance of 0 or more: ${rows} and ${variance}`);
    }
  }
  return one.variance / one.rows + other.variance / other.rows;
};

export type ArmMoments = { readonly variance: number; readonly rows: number };

/**
 * Log of the evidence that two means differ: the likelihood of the difference averaged over normal alternatives with
 * mean 0 and variance `mixing`, over its likelihood under equality. May be looked at any time (mixture SPRT).
 *
 * Normal rows with a known variance: exact; others: for large samples. The p-value is `alwaysValidP` of it, of which the
 * smallest so far may be kept. Throws RangeError for a variance or a mixing variance that is not above 0.
 *
 * Source: Johari, Koomen, Pekelis and Walsh, Operations Research 70 (2022), equation 10, with unequal arms.
 * Agrees with: test/golden/vectors.json "msprt_normal", 1e-9; test/golden/sequential.json, numeric integration, 1e-9.
 * @example Math.exp(logEvidenceOfNormal({ difference: 0.12, variance: 0.004 }, 0.01)) // 1.933501874...
 */
export const logEvidenceOfNormal = ({ difference, variance }: EstimatedDifference, mixing: number): number => {
  if (!(variance > 0) || !(mixing > 0)) {
    throw new RangeError(`Cannot mix normals as variances must be above 0: ${variance} and ${mixing}`);
  }
  const exponent = (difference * difference * mixing) / (2 * variance * (variance + mixing));
  return exponent - 0.5 * Math.log1p(mixing / variance);
};
