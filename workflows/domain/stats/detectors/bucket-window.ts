/** Consecutive observations, summed up. */
export type Bucket = { readonly count: number; readonly total: number; readonly squaredDeviations: number };

/** A window in buckets of 1, 2, 4, ... observations; `rows[k]` holds those of 2^k, the oldest first. */
export type BucketWindow = Bucket & { readonly rows: readonly (readonly Bucket[])[] };

const bucketsOfASize = 5;

export const emptyWindow: BucketWindow = { count: 0, total: 0, squaredDeviations: 0, rows: [] };

/** Sums of two neighbours, which share neither count nor mean. */
const merge = (left: Bucket, right: Bucket): Bucket => {
  const count = left.count + right.count;
  const gap = left.total / left.count - right.total / right.count;
  const between = left.count === 0 || right.count === 0 ? 0 : (left.count * right.count * gap * gap) / count;
  return {
    count,
    total: left.total + right.total,
    squaredDeviations: left.squaredDeviations + right.squaredDeviations + between,
  };
};

/**
 * Appends one observation. Where six buckets would have one size, the two oldest of it become one of the next size.
 *
 * Source: exponential histograms: Datar, Gionis, Indyk and Motwani, SIAM Journal on Computing 31 (2002).
 */
export const insert = (window: BucketWindow, observation: number): BucketWindow => {
  const bucket: Bucket = { count: 1, total: observation, squaredDeviations: 0 };
  const rows = [...window.rows];
  let carried: Bucket | null = bucket;
  for (let size = 0; carried !== null; size++) {
    const row: Bucket[] = [...(rows[size] ?? []), carried];
    const [first, second] = row;
    const isFull = row.length > bucketsOfASize && first !== undefined && second !== undefined;
    rows[size] = isFull ? row.slice(2) : row;
    carried = isFull ? merge(first, second) : null;
  }
  return { ...merge(window, bucket), rows };
};

export function* oldestFirst(window: BucketWindow): Generator<Bucket> {
  for (let size = window.rows.length - 1; size >= 0; size--) yield* window.rows[size] ?? [];
}

/** Without its oldest bucket. An empty window stays empty. */
export const withoutOldest = (window: BucketWindow): BucketWindow => {
  const last = window.rows.findLastIndex((row) => row.length > 0);
  const oldest = window.rows[last]?.[0];
  if (oldest === undefined || oldest.count === window.count) return emptyWindow;
  const rows = window.rows.slice(0, last + 1).map((row, size) => (size === last ? row.slice(1) : row));
  const count = window.count - oldest.count;
  const total = window.total - oldest.total;
  const gap = oldest.total / oldest.count - total / count;
  const between = (oldest.count * count * gap * gap) / window.count;
  // A difference of sums may leave a rounding below zero.
  const squaredDeviations = Math.max(0, window.squaredDeviations - oldest.squaredDeviations - between);
  return { count, total, squaredDeviations, rows };
};
