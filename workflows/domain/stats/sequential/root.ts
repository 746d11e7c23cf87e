/** Halvings after which two doubles near the root are neighbours, whatever the width at the start. */
const maxHalvings = 2_000;
const maxDoublings = 1_100;

/**
 * Where an increasing or decreasing function changes its sign between two points, to the last bit of the argument.
 * Throws RangeError where it has the same sign at both.
 *
 * Source: bisection.
 * @example findRoot((x) => x * x - 2, 0, 2) // 1.4142135623730951
 */
export const findRoot = (curve: (x: number) => number, from: number, to: number): number => {
  const fromAbove = curve(from) > 0;
  if (fromAbove === curve(to) > 0) throw new RangeError(`Cannot find a root as signs must differ at ${from} and ${to}`);
  let left = from;
  let right = to;
  for (let halving = 0; halving < maxHalvings; halving++) {
    const middle = left + (right - left) / 2;
    if (middle === left || middle === right) break;
    if (curve(middle) > 0 === fromAbove) left = middle;
    else right = middle;
  }
  return left + (right - left) / 2;
};

/**
 * The first of start + step, start + 2 step, start + 4 step, ... where the function is above 0. Throws RangeError where it
 * never is.
 *
 * Source: definition.
 * @example reachAbove((x) => x - 5, 0, 1) // 8
 */
export const reachAbove = (curve: (x: number) => number, start: number, step: number): number => {
  let reach = step;
  for (let doubling = 0; doubling < maxDoublings; doubling++) {
    if (curve(start + reach) > 0) return start + reach;
    reach *= 2;
  }
  throw new RangeError(`Cannot bracket a root as the function must rise above 0 from ${start}: it never does`);
};
