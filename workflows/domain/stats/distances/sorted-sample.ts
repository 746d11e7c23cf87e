import type { Numbers } from '../ranks.ts';

/**
 * A sorted copy of a sample; the sample stays as it is. Nothing gives nothing. Throws RangeError where a value is NaN or
 * infinite: rows without a usable value are counted apart, not compared.
 *
 * Source: definition.
 * @example sortedSample([3, 1, 2]) // Float64Array [1, 2, 3]
 */
export const sortedSample = (values: Numbers): Float64Array => {
  const sorted = Float64Array.from(values).sort();
  // Infinities and NaN sort to the two ends.
  for (const end of [sorted[0], sorted.at(-1)]) {
    if (end !== undefined && !Number.isFinite(end)) {
      throw new RangeError(`Cannot compare samples as every value must be finite: one is ${end}`);
    }
  }
  return sorted;
};

/**
 * Walks the values of two sorted samples upwards, ties at once: `visit` hears each distinct value, and how many rows of
 * either sample are at or below it. The arrays must be ascending and without NaN.
 */
export const walkDistinctValues = (
  reference: Numbers,
  current: Numbers,
  visit: (value: number, referenceBelow: number, currentBelow: number) => void,
): void => {
  let i = 0;
  let j = 0;
  while (i < reference.length || j < current.length) {
    const value = Math.min(reference[i] ?? Number.POSITIVE_INFINITY, current[j] ?? Number.POSITIVE_INFINITY);
    while (reference[i] === value) i++;
    while (current[j] === value) j++;
    visit(value, i, j);
  }
};
