import { incompleteGamma } from './incomplete-gamma.ts';
import { invertTail } from './invert-tail.ts';
import { deviance, logGamma, stirlingError } from './log-gamma.ts';
import { normalUpperQuantile } from './normal.ts';

/**
 * The value that a chi-square variable exceeds with that probability, in (0, 1), for degrees of freedom > 0, whole or not.
 *
 * Accurate far out: a probability of 1e-300 has its quantile. For a probability near 1 ask for the lower quantile of the
 * rest, which knows it better. Relative error below 1e-11 from half a degree of freedom on. Throws RangeError elsewhere.
 *
 * Source: inversion of the incomplete gamma function; start by Wilson and Hilferty, PNAS 17 (1931).
 * Agrees with: test/golden/quantiles.json, `scipy.stats.chi2.isf`, 1e-10.
 * @example chiSquareUpperQuantile(0.05, 1) // 3.8414588206...
 */
export const chiSquareUpperQuantile = (probability: number, degreesOfFreedom: number): number => {
  check(probability, degreesOfFreedom);
  return probability <= 0.5
    ? quantileOf('upper', probability, degreesOfFreedom)
    : quantileOf('lower', 1 - probability, degreesOfFreedom);
};

/**
 * The value that a chi-square variable is at most with that probability, in (0, 1), for degrees of freedom > 0. A quantile
 * below 1e-300 is 0, as with few degrees of freedom. Throws RangeError elsewhere.
 *
 * Source: as the upper quantile. Agrees with: test/golden/quantiles.json, `scipy.stats.chi2.ppf`, 1e-10.
 * @example chiSquareLowerQuantile(0.05, 1) // 0.0039321400...
 */
export const chiSquareLowerQuantile = (probability: number, degreesOfFreedom: number): number => {
  check(probability, degreesOfFreedom);
  return probability <= 0.5
    ? quantileOf('lower', probability, degreesOfFreedom)
    : quantileOf('upper', 1 - probability, degreesOfFreedom);
};

/** Logarithms of the smallest and largest quantile that is a number. */
const low = Math.log(1e-300);
const high = Math.log(1e300);

/** Solved for the logarithm of the gamma variable, of which the whole line is the range. */
const quantileOf = (side: 'lower' | 'upper', probability: number, degreesOfFreedom: number): number => {
  const shape = degreesOfFreedom / 2;
  const tailAt = (place: number): { tail: number; slope: number } => {
    const x = Math.exp(place);
    // x^a e^-x / Gamma(a), the density times x.
    const slope = Math.exp(-stirlingError(shape) - deviance(shape, x)) * Math.sqrt(shape / (2 * Math.PI));
    return { tail: incompleteGamma(shape, x)[side], slope: side === 'upper' ? -slope : slope };
  };
  const start = startOf(side === 'upper' ? normalUpperQuantile(probability) : -normalUpperQuantile(probability), shape);
  const byPower = side === 'lower' ? (Math.log(probability) + logGamma(shape + 1)) / shape : Number.POSITIVE_INFINITY;
  const place = invertTail({ tailAt, probability, start: Math.min(start, byPower), low, high });
  return place <= low ? 0 : 2 * Math.exp(place);
};

/** The cube root of a gamma variable is about normal; where that fails, the mean does for a start. */
const startOf = (z: number, shape: number): number => {
  const root = 1 - 1 / (9 * shape) + z / (3 * Math.sqrt(shape));
  return root > 0 ? Math.log(shape) + 3 * Math.log(root) : Math.log(shape);
};

const check = (probability: number, degreesOfFreedom: number): void => {
  if (!(probability > 0 && probability < 1) || !(degreesOfFreedom > 0 && degreesOfFreedom < Number.POSITIVE_INFINITY)) {
    throw new RangeError(
      `Cannot take a chi-square quantile as the probability must be in (0, 1) and degrees of freedom > 0: ${probability}, ${degreesOfFreedom}`,
    );
  }
};
