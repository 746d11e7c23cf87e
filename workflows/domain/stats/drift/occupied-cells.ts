import { pairCells } from '../distances/cells.ts';
import type { Numbers } from '../ranks.ts';

/** Counts of two sides in the cells that at least one of them occupies, in their order. */
export type OccupiedCells = {
  readonly reference: readonly number[];
  readonly current: readonly number[];
  readonly referenceRows: number;
  readonly currentRows: number;
};

/**
 * Leaves out the cells that are empty on both sides: a category that neither side has is no part of the comparison, but
 * half a row added to it would be, and unequally where the sides differ in size. Null where a side has no rows.
 *
 * Throws RangeError for cells that differ in number and for counts that are negative or not whole.
 *
 * Source: definition.
 * @example occupiedCells([3, 0, 5], [0, 0, 1]).current.length // 2
 */
export const occupiedCells = (reference: Numbers, current: Numbers): OccupiedCells | null => {
  const pair = pairCells(reference, current);
  if (pair === null) return null;
  const kept: { reference: number[]; current: number[] } = { reference: [], current: [] };
  for (let cell = 0; cell < reference.length; cell++) {
    const [before, now] = [reference[cell] as number, current[cell] as number];
    if (before + now === 0) continue;
    kept.reference.push(before);
    kept.current.push(now);
  }
  return { ...kept, referenceRows: pair.referenceRows, currentRows: pair.currentRows };
};
