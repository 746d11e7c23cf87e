/**
 * Flagger's rule, one interval after the other: to compare with in simulations, never to decide.
 *
 * Each interval's metric is held against a fixed range; one outside, or without a value (null), is a failed check. The
 * counter is never set back by a good interval, and at `threshold` (1 where nothing is said) the canary is rolled back.
 * The champion is not looked at. Returns the interval at which it rolls back, from 0, or null.
 *
 * Source: Flagger's canary analysis, as read in its source and documentation.
 * @example flaggerRollBackAt([0.995, 0.98, 0.999, 0.97], { min: 0.99, threshold: 2 }) // 3
 */
export const flaggerRollBackAt = (
  values: readonly (number | null)[],
  { min, max, threshold = 1 }: { readonly min?: number; readonly max?: number; readonly threshold?: number },
): number | null => {
  let failures = 0;
  for (const [interval, value] of values.entries()) {
    if (value === null || value < (min ?? -Infinity) || value > (max ?? Infinity)) failures += 1;
    if (failures >= threshold) return interval;
  }
  return null;
};
