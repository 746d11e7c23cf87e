import { incompleteBeta } from './incomplete-beta.ts';
import { invertTail } from './invert-tail.ts';
import { stirlingError } from './log-gamma.ts';
import { normalUpperQuantile } from './normal.ts';

const halfLogTwoPi = 0.5 * Math.log(2 * Math.PI);

/**
 * Natural logarithm of the beta function B(a, b) for a, b > 0. Throws RangeError elsewhere.
 *
 * What is as large as the arguments cancels on paper: the error is some 1e-15 times the answer, or absolute near 0.
 *
 * Source: DLMF 5.12.1, https://dlmf.nist.gov/5.12, with Stirling's formula for each gamma function.
 * Agrees with: test/golden/quantiles.json, `mpmath` with 50 digits, 1e-13.
 * @example logBeta(2, 3) // -2.4849066497880004
 */
export const logBeta = (a: number, b: number): number => {
  checkShapes(a, b);
  const [less, more] = a < b ? [a, b] : [b, a];
  const ratio = less / more;
  return (
    halfLogTwoPi +
    0.5 * (Math.log1p(ratio) - Math.log(less)) -
    less * (Math.log1p(ratio) - Math.log(ratio)) -
    more * Math.log1p(ratio) +
    stirlingError(less) +
    (stirlingError(more) - stirlingError(less + more))
  );
};

/**
 * The share that a beta variable is at most with that probability, in (0, 1), for shapes a, b > 0.
 *
 * Accurate in both tails: a probability of 1e-300 has its quantile, and one near 0 has all its digits. Of one near 1 the
 * distance to 1 is better known as the upper quantile with the shapes exchanged. Relative error below 1e-11 for shapes from
 * 0.5 on. A quantile below 1e-300 is 0. Throws RangeError elsewhere.
 *
 * Source: inversion of the incomplete beta function; the logit of a beta variable is about normal.
 * Agrees with: test/golden/quantiles.json, `mpmath` with 50 digits, 1e-10; `@stdlib/math-base-special-betaincinv`, 1e-10.
 * @example betaLowerQuantile(0.025, 3, 198) // 0.0031041076...
 */
export const betaLowerQuantile = (probability: number, a: number, b: number): number => {
  checkProbability(probability);
  checkShapes(a, b);
  return probability <= 0.5 ? quantileOf('lower', probability, a, b) : quantileOf('upper', 1 - probability, a, b);
};

/**
 * The share that a beta variable exceeds with that probability, in (0, 1), for shapes a, b > 0. As the lower quantile else.
 *
 * Source: as the lower quantile.
 * Agrees with: test/golden/quantiles.json, `mpmath` with 50 digits, 1e-10.
 * @example betaUpperQuantile(0.025, 4, 197) // 0.0432082819...
 */
export const betaUpperQuantile = (probability: number, a: number, b: number): number => {
  checkProbability(probability);
  checkShapes(a, b);
  return probability <= 0.5 ? quantileOf('upper', probability, a, b) : quantileOf('lower', 1 - probability, a, b);
};

/** Logits of the smallest quantile that is a number, and of one that is 1 to the last bit. */
const low = Math.log(1e-300);
const high = -low;

/** Solved for the logit: it knows the share near 0 and its complement near 1 equally well. */
const quantileOf = (side: 'lower' | 'upper', probability: number, a: number, b: number): number => {
  const logB = logBeta(a, b);
  const tailAt = (place: number): { tail: number; slope: number } => {
    const share = shareOf(place);
    const complement = shareOf(-place);
    // The density times share times complement.
    const slope = Math.exp(a * Math.log(share) + b * Math.log(complement) - logB);
    return { tail: incompleteBeta(a, b, share, complement)[side], slope: side === 'upper' ? -slope : slope };
  };
  const z = side === 'upper' ? normalUpperQuantile(probability) : -normalUpperQuantile(probability);
  const start = Math.log(a / b) + z * Math.sqrt(1 / a + 1 / b);
  const place = invertTail({ tailAt, probability, start, low, high });
  return place <= low ? 0 : shareOf(place);
};

const shareOf = (logit: number): number => 1 / (1 + Math.exp(-logit));

const checkProbability = (probability: number): void => {
  if (!(probability > 0 && probability < 1)) {
    throw new RangeError(`Cannot take a beta quantile as the probability must be in (0, 1): ${probability}`);
  }
};

const checkShapes = (a: number, b: number): void => {
  if (!(a > 0 && b > 0 && a < Number.POSITIVE_INFINITY && b < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`Cannot use the beta function as a and b must be > 0: they are ${a} and ${b}`);
  }
};
