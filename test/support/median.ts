/** Middle of the values, the upper of two; benches take odd numbers of turns. There must be one. */
export const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] as number;
