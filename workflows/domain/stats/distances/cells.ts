import type { Numbers } from '../ranks.ts';

/** Two samples counted into the same cells, in the same order. */
export type CellPair = {
  readonly reference: Numbers;
  readonly current: Numbers;
  readonly referenceRows: number;
  readonly currentRows: number;
};

/**
 * Checks that two vectors are counts of the same cells, and adds them up. Null where a side has no rows: nothing can then
 * be said about a distance. Throws RangeError where the numbers of cells differ, or a count is negative, fractional or
 * not finite. Rows without a value (missing, not finite) are no cell of a distribution: leave them out.
 *
 * Source: definition.
 * @example pairCells([3, 5], [1, 1]).referenceRows // 8
 */
export const pairCells = (reference: Numbers, current: Numbers): CellPair | null => {
  if (reference.length !== current.length) {
    const found = `${reference.length} and ${current.length}`;
    throw new RangeError(`Cannot compare counts as both sides must have the same cells: they have ${found}`);
  }
  const referenceRows = rowsOf(reference, 'reference');
  const currentRows = rowsOf(current, 'current');
  return referenceRows === 0 || currentRows === 0 ? null : { reference, current, referenceRows, currentRows };
};

const rowsOf = (counts: Numbers, side: string): number => {
  let rows = 0;
  for (let cell = 0; cell < counts.length; cell++) {
    const count = counts[cell] as number;
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RangeError(`Cannot compare counts as each must be whole and not negative: cell ${cell} of ${side} has ${count}`);
    }
    rows += count;
  }
  return rows;
};

/**
 * Sums over the cells what each contributes, given the shares of both sides in it. Null where a side has no rows.
 * Throws what `pairCells` throws.
 *
 * Source: definition.
 * @example sumOverShares([1, 3], [1, 1], (share, other) => Math.abs(share - other)) // 0.5
 */
export const sumOverShares = (
  reference: Numbers,
  current: Numbers,
  contribution: (referenceShare: number, currentShare: number) => number,
): number | null => {
  const pair = pairCells(reference, current);
  if (pair === null) return null;
  let sum = 0;
  for (let cell = 0; cell < reference.length; cell++) {
    sum += contribution((reference[cell] as number) / pair.referenceRows, (current[cell] as number) / pair.currentRows);
  }
  return sum;
};
