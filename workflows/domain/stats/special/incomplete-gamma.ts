import { deviance, stirlingError } from './log-gamma.ts';

/** Both tails of a distribution; each is computed for itself, so that a tiny one is not what is left of 1. */
export type Tails = { readonly lower: number; readonly upper: number };

/** Enough for shapes up to 1e9, which take about 6 sqrt(shape) terms; beyond it the caller has made a mistake. */
const maxTerms = 1_000_000;
const tiny = 1e-300;

/**
 * Regularised incomplete gamma functions P(a, x) and Q(a, x) for shape a > 0 and x >= 0.
 *
 * Sums the power series left of the mean and a continued fraction right of it. Throws RangeError elsewhere.
 * At x = 0: lower 0, upper 1. Relative error of each tail below 1e-12 from a shape of 0.01 on; below it the upper tail,
 * which is tiny everywhere, loses digits. Cost: about sqrt(a) terms.
 *
 * Source: DLMF 8.11.4 (series) and 8.9.2 (continued fraction), https://dlmf.nist.gov/8
 * Agrees with: test/golden/special.json, `scipy.special.gammainc` and `gammaincc`, 1e-11; `@stdlib/math-base-special-gammainc`, 1e-10.
 * @example incompleteGamma(0.5, 2).upper // 0.04550026389635842, two standard deviations
 */
export const incompleteGamma = (shape: number, x: number): Tails => {
  if (!(shape > 0) || !(x >= 0))
    throw new RangeError(`Cannot take incomplete gamma as shape must be > 0 and x >= 0: ${shape}, ${x}`);
  if (x === 0) return { lower: 0, upper: 1 };
  if (x === Number.POSITIVE_INFINITY) return { lower: 1, upper: 0 };
  // x^a e^-x / Gamma(a + 1), a Poisson probability in Loader's form.
  const density = Math.exp(-stirlingError(shape) - deviance(shape, x)) / Math.sqrt(2 * Math.PI * shape);
  if (x < shape + 1) {
    const lower = density * series(shape, x);
    return { lower, upper: 1 - lower };
  }
  const upper = density * shape * continuedFraction(shape, x);
  return { lower: 1 - upper, upper };
};

/** sum over k >= 0 of x^k / ((a + 1) ... (a + k)). */
const series = (shape: number, x: number): number => {
  let term = 1;
  let sum = 1;
  for (let k = 1; k < maxTerms; k++) {
    term *= x / (shape + k);
    sum += term;
    if (term < sum * Number.EPSILON * 0.25) return sum;
  }
  throw new RangeError(`Cannot sum incomplete gamma as the shape must be moderate: ${shape}`);
};

/** 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)), from front to back (Lentz). */
const continuedFraction = (shape: number, x: number): number => {
  let denominator = x + 1 - shape;
  let c = 1 / tiny;
  let d = 1 / denominator;
  let value = d;
  for (let k = 1; k < maxTerms; k++) {
    const numerator = -k * (k - shape);
    denominator += 2;
    d = 1 / nonZero(numerator * d + denominator);
    c = nonZero(denominator + numerator / c);
    const factor = c * d;
    value *= factor;
    if (Math.abs(factor - 1) < Number.EPSILON) return value;
  }
  throw new RangeError(`Cannot expand incomplete gamma as the shape must be moderate: ${shape}`);
};

const nonZero = (value: number): number => (Math.abs(value) < tiny ? tiny : value);

/**
 * Probability that a chi-square variable with that many degrees of freedom exceeds x >= 0.
 *
 * Source: DLMF 8.2.4; the chi-square distribution is a gamma distribution of shape df / 2.
 * Agrees with: test/golden/special.json, `scipy.stats.chi2.sf`, 1e-11.
 * @example chiSquareUpperTail(3.841458820694124, 1) // 0.05
 */
export const chiSquareUpperTail = (x: number, degreesOfFreedom: number): number =>
  incompleteGamma(degreesOfFreedom / 2, x / 2).upper;
