import { incompleteBeta } from './incomplete-beta.ts';
import { deviance, stirlingError } from './log-gamma.ts';

const check = (successes: number, trials: number, probability: number): void => {
  if (!Number.isInteger(successes) || !Number.isInteger(trials) || successes < 0 || successes > trials) {
    throw new RangeError(`Cannot take a binomial probability as 0 <= successes <= trials must hold: ${successes} of ${trials}`);
  }
  if (!(probability > 0 && probability < 1)) {
    throw new RangeError(`Cannot take a binomial probability as that of a success must be in (0, 1): it is ${probability}`);
  }
};

/**
 * Probability of exactly that many successes in independent trials with success probability in (0, 1). Here and below
 * anything else throws RangeError, and so do counts that are not whole or more successes than trials.
 *
 * Source: Loader, "Fast and accurate computation of binomial probabilities" (2000).
 * Agrees with: test/golden/special.json, `scipy.stats.binom.pmf`, 1e-12.
 * @example binomialProbability(1, 2, 0.5) // 0.5
 */
export const binomialProbability = (successes: number, trials: number, probability: number): number => {
  check(successes, trials, probability);
  const failures = trials - successes;
  if (successes === 0) return Math.exp(trials * Math.log1p(-probability));
  if (failures === 0) return Math.exp(trials * Math.log(probability));
  const exponent =
    stirlingError(trials) -
    stirlingError(successes) -
    stirlingError(failures) -
    deviance(successes, trials * probability) -
    deviance(failures, trials * (1 - probability));
  return Math.exp(exponent) * Math.sqrt(trials / (2 * Math.PI * successes * failures));
};

/**
 * Probability of at most that many successes.
 *
 * Source: DLMF 8.17.5: it is I_(1-p)(trials - successes, successes + 1).
 * Agrees with: test/golden/special.json, `scipy.stats.binom.cdf`, 1e-11.
 * @example binomialLowerTail(1, 2, 0.5) // 0.75
 */
export const binomialLowerTail = (successes: number, trials: number, probability: number): number => {
  check(successes, trials, probability);
  if (successes === trials) return 1;
  return incompleteBeta(trials - successes, successes + 1, 1 - probability, probability).lower;
};

/**
 * Probability of at least that many successes. At least 0 is certain.
 *
 * Source: DLMF 8.17.5: it is I_p(successes, trials - successes + 1).
 * Agrees with: test/golden/quantiles.json, `mpmath` with 50 digits, 1e-10.
 * @example binomialUpperTail(1, 2, 0.5) // 0.75
 */
export const binomialUpperTail = (successes: number, trials: number, probability: number): number => {
  check(successes, trials, probability);
  if (successes === 0) return 1;
  return incompleteBeta(successes, trials - successes + 1, probability).lower;
};
