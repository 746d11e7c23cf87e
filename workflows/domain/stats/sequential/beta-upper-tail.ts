import { betaFraction } from '../special/incomplete-beta.ts';
import { type BetaShapes, logBetaOverLikelihood, type Split } from './beta-mixture.ts';

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
  Math.log(betaFraction(b, a, at.complement, at.share)) - logBetaOverLikelihood({ a, b }, at);
