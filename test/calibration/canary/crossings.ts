import type { Random } from '#domain/stats/random.ts';
import type { SplitCounts } from '#domain/stats/sequential/count-test.ts';

/** Log of the evidence of a test of counts. */
export type Evidence = (counts: SplitCounts) => number;

/**
 * For each number of events, the fewest of the candidate at which the evidence has crossed 1 / alpha, above its share.
 * Evidence grows with the candidate's events, so the boundary moves by one at most: a whole table for the price of a path.
 */
export const crossings = (evidence: Evidence, share: number, alpha: number, most: number): Int32Array => {
  const fewest = new Int32Array(most + 1).fill(most + 1);
  let candidate = 1;
  for (let events = 1; events <= most; events += 1) {
    const crosses = () => evidence({ share, candidate, champion: events - candidate }) >= -Math.log(alpha);
    while (candidate <= events && !(candidate > events * share && crosses())) candidate += 1;
    fewest[events] = candidate;
  }
  return fewest;
};

/** Lets events fall until the boundary is crossed, looking after each: how many they were, or null. */
export const eventsUntil = (random: Random, fewest: Int32Array, ofCandidate: number): number | null => {
  let candidate = 0;
  for (let events = 1; events < fewest.length; events += 1) {
    if (random() < ofCandidate) candidate += 1;
    if (candidate >= (fewest[events] as number)) return events;
  }
  return null;
};

/** Share of the events that fall to the candidate when its rate is `ratio` times the champion's. */
export const shareOfEvents = (share: number, ratio: number): number => (share * ratio) / (share * ratio + 1 - share);

/** Median with the exact 99 % interval of a median: order statistics. Infinite where half were never found. */
export const medianOf = (found: readonly (number | null)[]): { value: number; between: [number, number] } => {
  const sorted = found.map((one) => one ?? Number.POSITIVE_INFINITY).sort((one, other) => one - other);
  const middle = sorted.length / 2;
  const reach = 1.2879 * Math.sqrt(sorted.length);
  const at = (place: number) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(place)))] as number;
  return { value: at(middle), between: [at(middle - reach), at(middle + reach)] };
};
