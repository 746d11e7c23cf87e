import { alphaOfUse } from '../comparison/alpha-spending.ts';

/**
 * Bound on a distribution function: with probability 1 - alpha, that of a sample of so many independent rows lies within
 * this distance of the true one, everywhere at once and for any distribution.
 *
 * Throws RangeError unless rows > 0 and alpha is in (0, 1).
 *
 * Source: Dvoretzky, Kiefer and Wolfowitz (1956), with the constant of Massart, Annals of Probability 18 (1990).
 * Agrees with: test/golden/vectors.json "ks_doubling_epochs", 1e-9.
 * @example dkwBound(1024, 0.05) // 0.0424406723...
 */
export const dkwBound = (rows: number, alpha: number): number => {
  if (!(rows > 0) || !(alpha > 0 && alpha < 1)) {
    throw new RangeError(`Cannot bound a distribution as rows > 0 and alpha in (0, 1) must hold: ${rows}, ${alpha}`);
  }
  return Math.sqrt(Math.log(2 / alpha) / (2 * rows));
};

/**
 * Kolmogorov-Smirnov distance from which two growing samples are held to differ, at the end of an epoch: each side gets
 * half of what the epoch may spend, and their bounds add up. Looking only when the rows have doubled (epoch k ends at 2^k)
 * keeps the price of looking for ever small: the level holds for all looks together. Above 1 it can never be reached.
 *
 * Throws what `dkwBound` and `alphaOfUse` throw.
 *
 * Source: union bound over both sides and all epochs, which spend what `alphaOfUse` says.
 * Agrees with: test/golden/vectors.json "ks_doubling_epochs", 1e-9.
 * @example doublingEpochThreshold({ alpha: 0.05, epoch: 10, referenceRows: 1024, currentRows: 1024 }) // 0.1361072727...
 */
export const doublingEpochThreshold = (look: {
  readonly alpha: number;
  readonly epoch: number;
  readonly referenceRows: number;
  readonly currentRows: number;
}): number => {
  const half = alphaOfUse(look.alpha, look.epoch) / 2;
  return dkwBound(look.referenceRows, half) + dkwBound(look.currentRows, half);
};
