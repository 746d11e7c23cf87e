import type { Tails } from './incomplete-gamma.ts';
import { invertTail } from './invert-tail.ts';

/** The median: left of it one series has the small tail, right of it the other, and neither more than five terms. */
const median = 0.8275735551899077;
const terms = 6;

/**
 * Tails of the Kolmogorov distribution, the limit of sqrt(n) times the largest distance between an empirical distribution
 * and its continuous truth, at x >= 0.
 *
 * Each tail is computed for itself, so that both keep their digits: the upper one until it is 5e-324 at x = 19, the lower
 * one until x = 0.04. At x = 0: lower 0, upper 1. Throws RangeError for less, and for NaN.
 *
 * Source: Kolmogorov (1933): Q = 2 sum (-1)^(k-1) exp(-2 k^2 x^2); for small x its theta transform,
 * P = sqrt(2 pi) / x sum exp(-(2k - 1)^2 pi^2 / (8 x^2)), Feller, Annals of Mathematical Statistics 19 (1948).
 * Agrees with: test/golden/quantiles.json, `mpmath` with 50 digits, 1e-12.
 * @example kolmogorovTails(1.3580986393225507).upper // 0.05
 */
export const kolmogorovTails = (x: number): Tails => {
  if (!(x >= 0)) throw new RangeError(`Cannot take a Kolmogorov tail as x must be >= 0: it is ${x}`);
  if (x === 0) return { lower: 0, upper: 1 };
  if (x < median) {
    const lower = smallSeries(x);
    return { lower, upper: 1 - lower };
  }
  const upper = largeSeries(x);
  return { lower: 1 - upper, upper };
};

const smallSeries = (x: number): number => {
  let sum = 0;
  for (let k = terms; k >= 1; k--) sum += Math.exp(-(((2 * k - 1) * Math.PI) ** 2) / (8 * x * x));
  // Where every term has underflowed, so has the sum: 0 times a large factor.
  return sum === 0 ? 0 : (Math.sqrt(2 * Math.PI) / x) * sum;
};

const largeSeries = (x: number): number => {
  let sum = 0;
  for (let k = terms; k >= 1; k--) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return sum;
};

/**
 * The value that a Kolmogorov variable exceeds with that probability, in (0, 1). Throws RangeError elsewhere.
 *
 * Source: inversion of the tails. Agrees with: test/golden/quantiles.json, `scipy.special.kolmogi`, 1e-12.
 * @example kolmogorovUpperQuantile(0.05) // 1.3580986393...
 */
export const kolmogorovUpperQuantile = (probability: number): number => {
  if (!(probability > 0 && probability < 1)) {
    throw new RangeError(`Cannot take a Kolmogorov quantile as the probability must be in (0, 1): ${probability}`);
  }
  const side = probability <= 0.5 ? 'upper' : 'lower';
  const small = probability <= 0.5 ? probability : 1 - probability;
  const tailAt = (x: number): { tail: number; slope: number } => {
    const slope = densityAt(x);
    return { tail: kolmogorovTails(x)[side], slope: side === 'upper' ? -slope : slope };
  };
  return invertTail({ tailAt, probability: small, start: median, low: 0.01, high: 20 });
};

/** Derivative of the lower tail, by the series that is short there. */
const densityAt = (x: number): number => {
  let sum = 0;
  for (let k = terms; k >= 1; k--) {
    if (x >= median) sum += (k % 2 === 1 ? 8 : -8) * k * k * x * Math.exp(-2 * k * k * x * x);
    else {
      const exponent = ((2 * k - 1) * Math.PI) ** 2 / (8 * x * x);
      sum += (Math.sqrt(2 * Math.PI) / (x * x)) * (2 * exponent - 1) * Math.exp(-exponent);
    }
  }
  return sum;
};
