import { deviance, stirlingError } from '../special/log-gamma.ts';

/** Shapes of a beta distribution, both above 0. */
export type BetaShapes = { readonly a: number; readonly b: number };

/**
 * Beta prior whose mean is a share in (0, 1) and which weighs as much as `strength` events.
 * Throws RangeError for another share or a strength that is not positive.
 *
 * Source: definition: shapes strength * share and strength * (1 - share).
 * @example priorAround(0.2, 10).a // 2
 */
export const priorAround = (share: number, strength: number): BetaShapes => {
  if (!(share > 0 && share < 1)) throw new RangeError(`Cannot split traffic as the share must be in (0, 1): it is ${share}`);
  if (!(strength > 0 && strength < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`Cannot weigh a prior as its strength must be above 0: it is ${strength}`);
  }
  return { a: strength * share, b: strength * (1 - share) };
};

/** A share and its complement, which the caller may know better than the subtraction does. */
export type Split = { readonly share: number; readonly complement: number };

export const splitAt = (share: number): Split => ({ share, complement: 1 - share });

/**
 * log [ B(a, b) / (share^a complement^b) ].
 *
 * The terms of the size of the counts cancel on paper and not in floating point: a million events leave an error of a
 * unit in the last place, and not of a billion of them.
 *
 * Source: Stirling's formula for each gamma function, written with Loader's deviances (2000), section 3.
 * Agrees with: test/golden/sequential.json, exact fractions, 1e-11.
 */
export const logBetaOverLikelihood = ({ a, b }: BetaShapes, { share, complement }: Split): number => {
  const sum = a + b;
  return (
    0.5 * (Math.log(2 * Math.PI) + Math.log(sum) - Math.log(a) - Math.log(b)) +
    deviance(a, sum * share) +
    deviance(b, sum * complement) +
    stirlingError(a) +
    stirlingError(b) -
    stirlingError(sum)
  );
};

/**
 * log of the likelihood of the counts averaged over the prior, over their likelihood at one share; counts need not be whole.
 *
 * Source: the Beta-binomial: log [ B(a + x, b + y) / B(a, b) ] - x log share - y log(1 - share).
 */
export const logMixtureRatio = (prior: BetaShapes, inside: number, outside: number, at: Split): number =>
  inside === 0 && outside === 0
    ? 0
    : logBetaOverLikelihood({ a: prior.a + inside, b: prior.b + outside }, at) - logBetaOverLikelihood(prior, at);
