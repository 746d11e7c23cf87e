import type { CellCounts, Layout } from '../../contracts/reference-profile.ts';

/** Where a value that belongs to no cell is counted. */
export const asides = ['missing', 'nonFinite', 'wrongType'] as const;
export type Aside = (typeof asides)[number];

/**
 * Cells of a layout. Numeric: one more than edges, so at least 1. Categorical: the values, then `other`, then `new`.
 *
 * Source: the contract of the reference profile.
 * @example cellsOf({ kind: 'numeric', edges: [0, 10] }) // 3
 */
export const cellsOf = (layout: Layout): number =>
  layout.kind === 'numeric' ? layout.edges.length + 1 : layout.values.length + 2;

/** Zero in every cell and aside: the neutral element of `addCounts`. */
export const emptyCounts = (layout: Layout): CellCounts => ({
  cells: Array.from({ length: cellsOf(layout) }, () => 0),
  missing: 0,
  nonFinite: 0,
  wrongType: 0,
});

/**
 * Counters of two disjoint sets of rows as those of their union: exact, associative, commutative.
 *
 * Throws RangeError where the numbers of cells differ: such counters are of two layouts.
 *
 * Source: definition.
 */
export const addCounts = (left: CellCounts, right: CellCounts): CellCounts => combine(left, right, (a, b) => a + b);

/**
 * Counters of the rows that are in the whole and not in the part, as when one window is left out. It undoes `addCounts`.
 *
 * Throws RangeError where the numbers of cells differ, or a counter would fall below zero: then it is not a part.
 *
 * Source: definition.
 */
export const subtractCounts = (whole: CellCounts, part: CellCounts): CellCounts =>
  combine(whole, part, (all, some) => {
    if (some > all) {
      throw new RangeError(`Cannot subtract counters as the part must be within the whole: ${some} rows of ${all} in a cell`);
    }
    return all - some;
  });

const combine = (left: CellCounts, right: CellCounts, of: (a: number, b: number) => number): CellCounts => {
  if (left.cells.length !== right.cells.length) {
    throw new RangeError(
      `Cannot combine counters as both must have the same cells: they have ${left.cells.length} and ${right.cells.length}`,
    );
  }
  return {
    cells: left.cells.map((rows, cell) => of(rows, right.cells[cell] as number)),
    missing: of(left.missing, right.missing),
    nonFinite: of(left.nonFinite, right.nonFinite),
    wrongType: of(left.wrongType, right.wrongType),
  };
};

/** Rows with a usable value: those in cells. */
export const rowsInCells = (counts: CellCounts): number => counts.cells.reduce((sum, rows) => sum + rows, 0);

/** All rows, those without a usable value included. */
export const rowsCounted = (counts: CellCounts): number =>
  rowsInCells(counts) + counts.missing + counts.nonFinite + counts.wrongType;
