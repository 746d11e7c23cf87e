/** Counters by window, put together as a variable of a profile. */
import type { CellCounts, Layout, Moments, ProfiledVariable } from '#domain/contracts/reference-profile.ts';
import { buildQuietHistory } from '#domain/stats/drift/quiet-history.ts';
import { addCounts, emptyCounts } from '#domain/stats/summaries/cell-counts.ts';
import type { CountedGroups } from './count-numbers.ts';
import { isQuiet, slotOfNumber, slotsOf, type WindowPlan } from './season.ts';

type Scale = Pick<ProfiledVariable, 'interquartileRange' | 'fences'> & { readonly layout: Layout };

export type VariableParts = {
  readonly name: string;
  readonly scale: Scale;
  readonly moments: Moments | null;
  readonly counted: CountedGroups;
  /** null: the rows have no instant, and are one group. */
  readonly plan: WindowPlan | null;
};

const countBySlot = (layout: Layout, counted: CountedGroups, plan: WindowPlan): CellCounts[] => {
  const bySlot = Array.from({ length: slotsOf(plan) }, () => emptyCounts(layout));
  for (const [window, { counts }] of counted) {
    const slot = slotOfNumber(plan, window);
    bySlot[slot] = addCounts(bySlot[slot] as CellCounts, counts);
  }
  return bySlot;
};

const quietWindows = (counted: CountedGroups, plan: WindowPlan) =>
  [...counted]
    .filter(([window]) => isQuiet(plan, window))
    .map(([window, { counts }]) => ({ slot: slotOfNumber(plan, window), counts }));

export const variableOf = ({ name, scale, moments, counted, plan }: VariableParts): ProfiledVariable => {
  const groups = [...counted.values()];
  return {
    name,
    layout: scale.layout,
    reference: groups.reduce((sum, { counts }) => addCounts(sum, counts), emptyCounts(scale.layout)),
    bySlot: plan === null || slotsOf(plan) === 1 ? [] : countBySlot(scale.layout, counted, plan),
    moments,
    interquartileRange: scale.interquartileRange,
    fences: scale.fences,
    outside: groups.reduce((sum, { outside }) => sum + outside, 0),
    quiet: plan === null ? null : buildQuietHistory(scale.layout, quietWindows(counted, plan)),
  };
};
