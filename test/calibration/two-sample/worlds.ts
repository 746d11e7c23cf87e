/** Samples of which the truth is known, and how several rules are counted on the same ones. */
import type { Random } from '#domain/stats/random.ts';
import { normalUpperQuantile } from '#domain/stats/special/normal.ts';
import { clustered, normal } from '../samplers.ts';
import { chance, type Finding, type Target } from '../scenario.ts';

export type Rules = Readonly<Record<string, boolean>>;

/** Counts, rule by rule, in how many repetitions it fired; every rule sees the same numbers. */
export const tally = (name: string, trials: number, simulate: (random: Random) => Rules): Map<string, number> => {
  const fired = new Map<string, number>();
  for (let trial = 0; trial < trials; trial += 1) {
    for (const [rule, fires] of Object.entries(simulate(chance(`${name} ${trial}`)))) {
      fired.set(rule, (fired.get(rule) ?? 0) + (fires ? 1 : 0));
    }
  }
  return fired;
};

/** Findings of a tally: the rules that have a target are held to it, the others shown. */
export const findingsOf = (
  what: string,
  name: string,
  trials: number,
  targets: Readonly<Record<string, Target>>,
  simulate: (random: Random) => Rules,
): Finding[] =>
  [...tally(name, trials, simulate)].map(([rule, successes]) => ({
    what,
    rule,
    successes,
    trials,
    target: targets[rule] ?? null,
  }));

export const atMost = (value: number): Target => ({ operator: '<=', value });
export const atLeast = (value: number): Target => ({ operator: '>=', value });

/** Inner edges of cells that hold equal shares of a standard normal variable. */
export const normalEdges = (cells: number): Float64Array =>
  Float64Array.from({ length: cells - 1 }, (_, k) => normalUpperQuantile(1 - (k + 1) / cells));

/** Counts of values in the cells of ascending edges, (low, high]. */
export const countBetween = (values: Float64Array, edges: Float64Array): number[] => {
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const value of values) {
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= (edges[middle] as number)) high = middle;
      else low = middle + 1;
    }
    counts[low] = (counts[low] as number) + 1;
  }
  return counts;
};

/** Where uniform numbers fall: a table of cells, so that a row costs one look-up whatever the shares. */
export type Wheel = { readonly cells: number; readonly places: Uint16Array };

/** The shares are met to 1 in 65,536. */
export const wheelOf = (shares: readonly number[]): Wheel => {
  const total = shares.reduce((sum, share) => sum + share, 0);
  const places = new Uint16Array(65_536);
  let end = 0;
  let sum = 0;
  for (const [cell, share] of shares.entries()) {
    sum += share;
    places.fill(cell, end, (end = Math.round((sum / total) * places.length)));
  }
  return { cells: shares.length, places };
};

export const equalShares = (cells: number): number[] => new Array<number>(cells).fill(1);
/** The k-th category is 1 / k as common as the first. */
export const zipfShares = (cells: number): number[] => Array.from({ length: cells }, (_, k) => 1 / (k + 1));

export const turn = (random: Random, { cells, places }: Wheel, rows: number): number[] => {
  const counts = new Array<number>(cells).fill(0);
  for (let row = 0; row < rows; row += 1) {
    const cell = places[Math.floor(random() * places.length)] as number;
    counts[cell] = (counts[cell] as number) + 1;
  }
  return counts;
};

export const normals = (random: Random, rows: number, mean = 0, deviation = 1): Float64Array =>
  Float64Array.from({ length: rows }, () => normal(random, mean, deviation));

/** So many entities with 20 rows each whose rows correlate by 0.3: a design effect of 1 + 19 * 0.3 = 6.7. */
export const rowsEach = 20;
export const entities = (random: Random, count: number): Float64Array => clustered(random, count, rowsEach, 0.3);

/** Counts of each entity by itself. */
export const countsByEntity = (rows: Float64Array, edges: Float64Array): number[][] =>
  Array.from({ length: rows.length / rowsEach }, (_, entity) =>
    countBetween(rows.subarray(entity * rowsEach, (entity + 1) * rowsEach), edges),
  );
