import { pairCells } from '../distances/cells.ts';
import type { Numbers } from '../ranks.ts';
import { type Permutation, permutationTest } from './permutation.ts';

/** A distance between two vectors of counts; null where a side has no rows. Larger means further apart. */
export type CellDistance = (reference: Numbers, current: Numbers) => number | null;

type Chance = { readonly distance: CellDistance; readonly permutations: number; readonly seed: number };

/**
 * Permutation test of a distance between counts of cells, row by row: for independent rows only.
 *
 * The pool lists the rows of the reference cell by cell, then those of the current sample. Null where a side has no rows.
 * Throws RangeError for cells that differ in number and for counts that are negative or not whole.
 *
 * Source: `permutationTest`. Agrees with: test/golden/vectors.json "permutation_tvd", exactly.
 * @example permuteRows([30, 50, 20], [45, 38, 17], { distance: totalVariation, permutations: 999, seed: 123 }).pValue // 0.057
 */
export const permuteRows = (reference: Numbers, current: Numbers, chance: Chance): Permutation | null => {
  const pair = pairCells(reference, current);
  if (pair === null) return null;
  const pool = new Uint32Array(pair.referenceRows + pair.currentRows);
  let end = 0;
  for (const counts of [reference, current]) {
    for (let cell = 0; cell < counts.length; cell++) pool.fill(cell, end, (end += counts[cell] as number));
  }
  const countInto = (counts: Float64Array, row: number): void => {
    const cell = pool[row] as number;
    counts[cell] = (counts[cell] as number) + 1;
  };
  return permuteUnits(pool.length, pair.referenceRows, reference.length, countInto, chance);
};

/**
 * The same with whole entities (or blocks of time) exchanged, each with its own counts: for rows that come in clusters,
 * where every entity belongs to one side. Null where a side has no rows. Throws RangeError where entities differ in their
 * number of cells, and for counts that are negative or not whole.
 *
 * Source: `permutationTest`; the unit of exchange is the unit of independence: Good, Permutation Tests (2000).
 * @example permuteEntities([[9, 1], [8, 2]], [[1, 9], [2, 8]], { distance: totalVariation, permutations: 99, seed: 1 }).observed // 0.7
 */
export const permuteEntities = (
  reference: readonly Numbers[],
  current: readonly Numbers[],
  chance: Chance,
): Permutation | null => {
  const entities = [...reference, ...current];
  const cells = entities[0]?.length ?? 0;
  const other = entities.find((counts) => counts.length !== cells);
  if (other !== undefined) {
    throw new RangeError(`Cannot permute entities as all must have the same cells: ${cells} and ${other.length}`);
  }
  const countInto = (counts: Float64Array, entity: number): void => {
    const own = entities[entity] as Numbers;
    for (let cell = 0; cell < cells; cell++) counts[cell] = (counts[cell] as number) + (own[cell] as number);
  };
  return permuteUnits(entities.length, reference.length, cells, countInto, chance);
};

const permuteUnits = (
  units: number,
  referenceUnits: number,
  cells: number,
  countInto: (counts: Float64Array, unit: number) => void,
  { distance, permutations, seed }: Chance,
): Permutation | null => {
  const sides = [new Float64Array(cells), new Float64Array(cells)] as const;
  const distanceIn = (order: ArrayLike<number>): number | null => {
    for (const side of sides) side.fill(0);
    for (let place = 0; place < units; place++) countInto(sides[place < referenceUnits ? 0 : 1], order[place] as number);
    return distance(...sides);
  };
  if (distanceIn(Array.from({ length: units }, (_, unit) => unit)) === null) return null;
  // A shuffle may leave a side without rows, where entities have none: nothing is then known to be apart.
  const statistic = (order: Uint32Array): number => distanceIn(order) ?? 0;
  return permutationTest({ units, referenceUnits, statistic, permutations, seed });
};
