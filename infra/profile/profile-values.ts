/** Values in memory as a variable of a profile: answers of a model, which no file holds. */
import type { Layout, ProfiledVariable } from '#domain/contracts/reference-profile.ts';
import { emptyCounts } from '#domain/stats/summaries/cell-counts.ts';
import { momentsOf } from '#domain/stats/summaries/moments.ts';
import { createPlacer } from '#domain/stats/summaries/place-value.ts';
import type { Counted, CountedGroups } from './count-numbers.ts';
import { largestInMoments } from './rows.ts';
import { scaleOf } from './sample-edges.ts';
import { groupOf, type WindowPlan } from './season.ts';
import { variableOf } from './variable.ts';

/** Windows, and the instant of each row in epoch milliseconds. */
export type Timing = { readonly plan: WindowPlan; readonly epochMs: Float64Array };

const groupsOf = (
  layout: Layout,
  values: readonly string[] | Float64Array,
  fences: ProfiledVariable['fences'],
  timing: Timing | null,
): CountedGroups => {
  const place = createPlacer(layout);
  const groups = new Map<number, { counts: Counted['counts']; outside: number }>();
  for (const [row, value] of values.entries()) {
    const group = timing === null ? 0 : groupOf(timing.plan, timing.epochMs[row] as number);
    const counted = groups.get(group) ?? { counts: emptyCounts(layout), outside: 0 };
    groups.set(group, counted);
    const at = place(value);
    if (typeof at === 'number') (counted.counts.cells[at] as number) += 1;
    else counted.counts[at] += 1;
    const isOutside = fences !== null && Number.isFinite(value) && (Number(value) < fences.low || Number(value) > fences.high);
    if (isOutside) counted.outside += 1;
  }
  return groups;
};

/** Numbers; edges are exact quantiles of them all. */
export const profileNumbersInMemory = (name: string, values: Float64Array, timing: Timing | null): ProfiledVariable => {
  const finite = values.filter(Number.isFinite);
  const scale = scaleOf(finite);
  const counted = groupsOf(scale.layout, values, scale.fences, timing);
  return variableOf({
    name,
    scale,
    moments: momentsOf(finite.filter((value) => Math.abs(value) <= largestInMoments)),
    counted,
    plan: timing?.plan ?? null,
  });
};

/** Classes, each with a cell of its own, whether it was ever met or not. */
export const profileClassesInMemory = (
  name: string,
  classes: readonly string[],
  values: readonly string[],
  timing: Timing | null,
): ProfiledVariable => {
  const layout: Layout = { kind: 'categorical', values: [...classes], seen: { kind: 'exact', values: [] } };
  const scale = { layout, interquartileRange: null, fences: null };
  return variableOf({ name, scale, moments: null, counted: groupsOf(layout, values, null, timing), plan: timing?.plan ?? null });
};
