/**
 * Mean of at least one number, added from the first to the last. None throws RangeError.
 *
 * Source: definition.
 * @example meanOf([1, 2, 6]) // 3
 */
export const meanOf = (values: ArrayLike<number>): number => {
  if (values.length === 0) throw new RangeError('Cannot take a mean as there must be at least one number: there is none');
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index] as number;
  return sum / values.length;
};
