import type { Numbers } from '../ranks.ts';

/** Throws RangeError for a list in which something is no p-value. */
export const checkPValues = (pValues: Numbers): void => {
  for (let test = 0; test < pValues.length; test++) {
    const p = pValues[test] as number;
    if (!(p >= 0 && p <= 1)) throw new RangeError(`Cannot adjust p-values as each must be in [0, 1]: number ${test} is ${p}`);
  }
};
