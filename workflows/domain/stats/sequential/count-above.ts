import type { Numbers } from '../ranks.ts';

/**
 * How many values lie above a bound: a latency as a guardrail that counts.
 *
 * The bound is fixed before the rollout, as the 95 % or 99 % point of the champion's sketch, and is the same for both arms;
 * so it may be known badly, and the level of the test is still true. A value at the bound is not above it. No values: 0.
 * Throws RangeError for a bound or a value that is NaN.
 *
 * Source: definition.
 * @example countAbove([12, 50, 51, 300], 50) // 2
 */
export const countAbove = (values: Numbers, bound: number): number => {
  if (Number.isNaN(bound)) throw new RangeError('Cannot count above a bound as it must be a number: it is NaN');
  let above = 0;
  for (let place = 0; place < values.length; place++) {
    const value = values[place] as number;
    if (Number.isNaN(value)) throw new RangeError(`Cannot count above a bound as values must be numbers: value ${place} is NaN`);
    if (value > bound) above++;
  }
  return above;
};
