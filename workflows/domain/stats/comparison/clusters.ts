/**
 * Rows that belong together, such as the flights of one day: they share a weather, so they are not independent pieces of
 * evidence. `ids` holds a number from 0 to count - 1 for each row, and each number occurs.
 */
export type Clusters = {
  /** What a cluster is: "day", "hour", or the columns that name it. */
  readonly by: string;
  readonly ids: Uint32Array;
  readonly count: number;
};

/** Clusters of the rows that were taken, numbered anew by first appearance; empty ones are gone. */
export const takeClusters = ({ by, ids }: Clusters, rows: Uint32Array): Clusters => {
  const places = new Map<number, number>();
  const taken = Uint32Array.from(rows, (row) => {
    const id = ids[row] as number;
    const place = places.get(id) ?? places.size;
    places.set(id, place);
    return place;
  });
  return { by, ids: taken, count: places.size };
};

/** Sums of the rows' values within each cluster, length count. */
export const sumByCluster = ({ ids, count }: Clusters, values: ArrayLike<number>): Float64Array => {
  const sums = new Float64Array(count);
  for (let row = 0; row < ids.length; row++) {
    const id = ids[row] as number;
    sums[id] = (sums[id] as number) + (values[row] as number);
  }
  return sums;
};

/**
 * How many clusters of equal size these are worth: (sum n^2)^2 / sum n^4 over their row counts. Seven full days and one
 * minute of an eighth are worth seven. 0 without rows; never more than their number.
 *
 * Source: Satterthwaite, Biometrics Bulletin 2 (1946), for a sum of squares whose shares go as n^2, as where the rows of
 * a cluster are wholly alike; Carter, Schnepel and Steigerwald, Review of Economics and Statistics 99 (2017).
 * @example effectiveClusters({ by: 'day', ids: Uint32Array.of(0, 0, 1, 1, 2), count: 3 }) // 2.4545454545...
 */
export const effectiveClusters = (clusters: Clusters): number => {
  const sizes = sumByCluster(clusters, new Uint8Array(clusters.ids.length).fill(1));
  let squares = 0;
  let fourths = 0;
  for (const size of sizes) {
    squares += size ** 2;
    fourths += size ** 4;
  }
  return fourths === 0 ? 0 : squares ** 2 / fourths;
};

/** Fewer, and how much one differs from another is a guess. */
export const fewestClusters = 5;
/** Worth less, and Student's t has fewer than two degrees of freedom: bounds are then wider than anything they could decide. */
const leastWorth = 3;

/**
 * Why these clusters are too few to compare by, as an inequality that does not hold; null where they are enough: at
 * least 5, worth at least 3 of equal size. The rest is left to Student's t, which asks for 2.1 standard errors with what
 * is worth 5 instead of 1.6, and for 2.9 with what is worth 3.
 *
 * Source: definition; on few and unequal clusters: Cameron and Miller, Journal of Human Resources 50 (2015), section VI.
 */
export const tooFewClusters = (clusters: Clusters): string | null =>
  tooFewOf({ ...clusters, effective: effectiveClusters(clusters) });

/** The same of clusters that were counted elsewhere. */
export const tooFewOf = (clusters: {
  readonly by: string;
  readonly count: number;
  readonly effective: number;
}): string | null => {
  const { by, count, effective: worth } = clusters;
  if (count < fewestClusters) return `clusters by ${by} ${count} >= ${fewestClusters} does not hold`;
  if (worth >= leastWorth) return null;
  return `the ${count} clusters by ${by} are worth ${worth.toFixed(1)} of equal size: ${worth.toFixed(1)} >= ${leastWorth} does not hold`;
};
