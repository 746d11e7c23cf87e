import type { Numbers } from '../ranks.ts';

/**
 * P-value of a statistic among those of past quiet windows of the same slot: (1 + those at least as large) / (1 + all).
 *
 * Assumes no distribution, only that a quiet window is as likely to come at any place among the others. K windows reach
 * down to 1 / (K + 1): 19 for 5 %, 99 for 1 %. Without windows it is 1: nothing has been shown. Ties count against the
 * alarm. Throws RangeError where a statistic is NaN.
 *
 * Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World (2005), section 2.2.
 * Agrees with: test/golden/multiple.json, NumPy counting, 1e-12.
 * @example conformalPValue([0.1, 0.2, 0.3], 0.25) // 0.5
 */
export const conformalPValue = (quiet: Numbers, statistic: number): number => {
  let atLeast = 0;
  for (let window = 0; window < quiet.length; window++) {
    const past = quiet[window] as number;
    if (Number.isNaN(past) || Number.isNaN(statistic)) {
      throw new RangeError(`Cannot rank a statistic as all must be numbers: ${statistic} among window ${window} with ${past}`);
    }
    if (past >= statistic) atLeast++;
  }
  return (1 + atLeast) / (1 + quiet.length);
};
