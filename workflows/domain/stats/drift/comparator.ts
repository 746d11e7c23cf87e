import type { Comparator } from '../../contracts/drift-report.ts';
import type { CellCounts, ProfiledVariable, ReferenceProfile, WindowCounts } from '../../contracts/reference-profile.ts';
import { rowsCounted } from '../summaries/cell-counts.ts';
import { coversSeason, slotOfWindow } from './season.ts';

/**
 * What a window is compared with. `fair` is false where the reference has nothing like it: no row in the window's slot,
 * or a window that is neither within a slot nor as long as a season. `slot` is null for the whole reference.
 */
export type Comparison = {
  readonly comparator: Exclude<Comparator, 'last window'>;
  readonly slot: number | null;
  readonly fair: boolean;
};

/**
 * Picks what a window of that span is compared with: the same slot of the season where the reference has rows in it, the
 * whole reference only where the window covers a whole season. One night against a whole training set would alarm every
 * night, so neither is made up for by the other.
 *
 * Source: definition; a season of one slot is covered by every window.
 */
export const chooseComparison = (profile: ReferenceProfile, window: Pick<WindowCounts, 'from' | 'to'>): Comparison => {
  const { slot: kind } = profile.season;
  const [from, to] = [Date.parse(window.from), Date.parse(window.to)];
  if (coversSeason(kind, from, to)) return { comparator: 'whole reference', slot: null, fair: true };
  const slot = slotOfWindow(kind, from, to);
  if (slot !== null && hasRowsIn(profile, slot)) return { comparator: 'same slot', slot, fair: true };
  return { comparator: 'whole reference', slot: null, fair: false };
};

const hasRowsIn = (profile: ReferenceProfile, slot: number): boolean =>
  [...profile.features, ...profile.scores].some(({ bySlot }) => {
    const counts = bySlot[slot];
    return counts !== undefined && rowsCounted(counts) > 0;
  });

/** The reference of one variable. */
export const referenceOf = ({ reference, bySlot }: ProfiledVariable, { slot }: Comparison): CellCounts =>
  slot === null
    ? reference
    : (bySlot[slot] ?? { ...reference, cells: reference.cells.map(() => 0), missing: 0, nonFinite: 0, wrongType: 0 });
