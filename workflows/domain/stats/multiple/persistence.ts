import { binomialProbability } from '../special/binomial.ts';

/**
 * Probability that at least `needed` of `windows` independent windows alarm, each with the same probability: what asking
 * for 2 of 3 makes of the level of one window (1 % becomes 0.0298 %).
 *
 * Throws RangeError unless 1 <= needed <= windows are whole and the probability is in [0, 1].
 *
 * Source: definition of the binomial distribution. Windows that share a cause (an incident that lasts) alarm together, so
 * this holds for noise, which is what it is for.
 * Agrees with: test/golden/vectors.json "persistence", 1e-9; test/golden/multiple.json, `scipy.stats.binom.sf`, 1e-10.
 * @example persistenceProbability({ needed: 2, windows: 3, perWindow: 0.01 }) // 0.000298
 */
export const persistenceProbability = (rule: {
  readonly needed: number;
  readonly windows: number;
  readonly perWindow: number;
}): number => {
  const { needed, windows, perWindow } = rule;
  if (!Number.isSafeInteger(needed) || !Number.isSafeInteger(windows) || needed < 1 || needed > windows) {
    throw new RangeError(`Cannot count windows as 1 <= needed <= windows must be whole: ${needed} of ${windows}`);
  }
  if (!(perWindow >= 0 && perWindow <= 1)) {
    throw new RangeError(`Cannot count windows as the probability must be in [0, 1]: it is ${perWindow}`);
  }
  if (perWindow === 0 || perWindow === 1) return perWindow;
  let sum = 0;
  // From the rarest: small terms are added before large ones.
  for (let alarms = windows; alarms >= needed; alarms--) sum += binomialProbability(alarms, windows, perWindow);
  return Math.min(1, sum);
};
