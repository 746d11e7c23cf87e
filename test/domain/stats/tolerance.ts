import { expect } from 'vitest';

/**
 * Relative agreement. An absolute tolerance would accept any small number for any other; `floor` is for values that are
 * themselves zero up to rounding.
 */
export const expectRelative = (actual: number, wanted: number, tolerance: number, floor = 0): void => {
  const difference = Math.abs(actual - wanted);
  if (difference <= tolerance * Math.abs(wanted) || difference <= floor) return;
  expect.fail(`${actual} must be ${wanted} within ${tolerance} of it: it is off by ${difference / Math.abs(wanted)}`);
};
