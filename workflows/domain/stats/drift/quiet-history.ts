import type { CellCounts, DriftMeasure, Layout, QuietHistory } from '../../contracts/reference-profile.ts';
import { addCounts, subtractCounts } from '../summaries/cell-counts.ts';
import { type CellComparison, compareCells } from './cell-statistics.ts';
import { designEffectOf } from './design-effect.ts';

/** What one window of the snapshot counted of one variable, and the slot of the season that it lies in (see `slotOf`). */
export type QuietWindow = { readonly slot: number; readonly counts: CellCounts };

/** Fewer say nothing about how windows differ. */
const fewestWindows = 3;

/**
 * What windows of watch length give against the rest of their own slot, when nothing has changed (A/A): the yardstick of
 * every later window. Each window is left out of its slot in turn; counters subtract exactly.
 *
 * Statistics are those of `compareCells`, each list ascending, without a design effect. A window without a row in a cell,
 * or alone in its slot, is compared with nothing and does not count. Null where fewer than three windows count. Windows
 * may come in any order. Throws RangeError for counters that are not of the layout.
 *
 * Source: leave-one-out conformal scores: Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World" (2005).
 */
export const buildQuietHistory = (layout: Layout, windows: readonly QuietWindow[]): QuietHistory | null => {
  const slots = countSlots(windows);
  const comparisons = windows.flatMap(({ slot, counts }) => {
    const rest = subtractCounts(slots.get(slot) as CellCounts, counts);
    const comparison = compareCells(layout, rest, counts);
    return comparison === null ? [] : [comparison];
  });
  if (comparisons.length < fewestWindows) return null;
  const designEffect = designEffectOf(comparisons.map(quietPsi));
  return { windows: comparisons.length, designEffect, statistics: ascendingByMeasure(comparisons) };
};

const countSlots = (windows: readonly QuietWindow[]): ReadonlyMap<number, CellCounts> => {
  const slots = new Map<number, CellCounts>();
  for (const { slot, counts } of windows) {
    const before = slots.get(slot);
    slots.set(slot, before === undefined ? counts : addCounts(before, counts));
  }
  return slots;
};

const quietPsi = ({ occupied, statistics }: CellComparison) => ({
  psi: statistics.psi as number,
  cells: occupied.current.length,
  referenceRows: occupied.referenceRows,
  currentRows: occupied.currentRows,
});

/** All comparisons are of one layout, so the first has the measures of all. */
const ascendingByMeasure = (comparisons: readonly CellComparison[]): QuietHistory['statistics'] => {
  const measures = Object.keys((comparisons[0] as CellComparison).statistics) as DriftMeasure[];
  const lists = measures.map((measure): [DriftMeasure, number[]] => {
    const values = comparisons.map(({ statistics }) => statistics[measure] as number);
    return [measure, values.sort((left, right) => left - right)];
  });
  return Object.fromEntries(lists) as QuietHistory['statistics'];
};
