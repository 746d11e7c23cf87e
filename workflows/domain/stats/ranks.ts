/** Numbers by position: arrays and typed arrays alike. */
export type Numbers = ArrayLike<number>;

/**
 * Positions of the values from the smallest to the largest; equal values keep their order. Values must not be NaN.
 * O(n log n). The values are kept unchanged. Nothing gives nothing.
 *
 * Source: definition of a stable sort.
 * @example ascendingOrder([3, 1, 2]) // Uint32Array [1, 2, 0]
 */
export const ascendingOrder = (values: Numbers): Uint32Array => {
  const order = Uint32Array.from({ length: values.length }, (_, index) => index);
  return order.sort((left, right) => (values[left] as number) - (values[right] as number) || left - right);
};

/**
 * Ranks from 1 to n, ties sharing the mean of the ranks that they occupy. Values must not be NaN.
 * O(n log n). All tied: every rank is (n + 1) / 2. The sum is always n (n + 1) / 2.
 *
 * Source: Kendall, "The treatment of ties in ranking problems", Biometrika 33 (1945).
 * Agrees with: test/golden/metrics.json, `scipy.stats.rankdata` with method "average", exactly.
 * @example midRanks([10, 20, 20, 30]) // Float64Array [1, 2.5, 2.5, 4]
 */
export const midRanks = (values: Numbers): Float64Array => {
  const order = ascendingOrder(values);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    const end = endOfTie(values, order, start);
    for (let place = start; place < end; place++) ranks[order[place] as number] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
};

/** First place after `start` in the order whose value is another one. */
export const endOfTie = (values: Numbers, order: Uint32Array, start: number): number => {
  const value = values[order[start] as number];
  let end = start + 1;
  while (end < order.length && values[order[end] as number] === value) end++;
  return end;
};
