import { type BetaShapes, logBetaOverLikelihood, type Split } from './beta-mixture.ts';

const maxSteps = 200_000;
const tiny = 1e-300;

/**
 * log of the probability that a beta variable exceeds the share; never -Infinity, however far in the tail.
 *
 * Source: DLMF 8.17.22 (continued fraction) and 8.17.4 (symmetry), https://dlmf.nist.gov/8.17
 * Agrees with: test/golden/sequential.json, exact fractions, 1e-11.
 */
export const logBetaUpperTail = (shapes: BetaShapes, at: Split): number => {
  const { a, b } = shapes;
  // The fraction converges fast only beyond the mean; before it, the mirror image is expanded.
  if (at.share * (a + b + 2) >= a + 1) return logTailByFraction(shapes, at);
  const mirrored = { share: at.complement, complement: at.share };
  return Math.log1p(-Math.exp(logTailByFraction({ a: b, b: a }, mirrored)));
};

const logTailByFraction = ({ a, b }: BetaShapes, at: Split): number =>
  Math.log(continuedFraction(b, a, at.complement)) - Math.log(b) - logBetaOverLikelihood({ a, b }, at);

/** 1 / (1 + d1 / (1 + d2 / (1 + ...))) from front to back (Lentz), two coefficients a step. */
const continuedFraction = (a: number, b: number, x: number): number => {
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m < maxSteps; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    value *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    const factor = c * d;
    value *= factor;
    if (Math.abs(factor - 1) < Number.EPSILON) return value;
  }
  throw new RangeError(`Cannot expand a beta tail as its shapes must be moderate: ${a}, ${b}`);
};

const nonZero = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
