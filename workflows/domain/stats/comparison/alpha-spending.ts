/**
 * Part of alpha that the k-th use of one hold-out, or the k-th look at one stream, may spend: 6 alpha / (pi^2 k^2). Over any
 * number of them these add up to alpha. Throws RangeError unless alpha is in (0, 1) and the use a whole number from 1.
 *
 * Source: the weights 6 / (pi^2 k^2) sum to one (Euler); as a rule for a sequence of tests: Foster and Stine,
 * "Alpha-investing", Journal of the Royal Statistical Society B 70 (2008), section 2.
 * Agrees with: test/golden/vectors.json "retrain_alpha_spend" and "ks_doubling_epochs", 1e-9.
 * @example alphaOfUse(0.05, 2) // 0.00759908877...
 */
export const alphaOfUse = (alpha: number, use: number): number => {
  if (!(alpha > 0 && alpha < 1) || !Number.isInteger(use) || use < 1) {
    throw new RangeError(`Cannot spend alpha as it must be in (0, 1) and the use a whole number from 1: ${alpha}, ${use}`);
  }
  return (6 * alpha) / (Math.PI * use) ** 2;
};

/**
 * Confidence of the k-th comparison on one hold-out. Rows that are the same for every run ("kept") spend from their
 * first use on. A hold-out that moves on with time ("fresh") gives its first comparison the confidence that was asked
 * for; only where no new day came is it used again, and then as late as the count says: over any number of uses of one
 * day, alpha is overspent by at most 39 %, for sum of 1 / k^2 from 2 on, times 6 / pi^2, is 0.39.
 *
 * Source: `alphaOfUse`.
 * @example confidenceOfUse(0.95, 2, 'fresh') // 0.992400911...
 */
export const confidenceOfUse = (confidence: number, use: number, holdout: 'fresh' | 'kept'): number => {
  const alpha = alphaOfUse(1 - confidence, use);
  return use === 1 && holdout === 'fresh' ? confidence : 1 - alpha;
};
