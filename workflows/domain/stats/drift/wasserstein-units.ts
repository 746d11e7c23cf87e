import type { CellCounts, Moments, ProfiledVariable } from '../../contracts/reference-profile.ts';
import { wassersteinUnit } from '../distances/wasserstein.ts';
import { type OuterCells, wassersteinOfCells } from '../distances/wasserstein-cells.ts';

/** Two vectors of counters of one variable, and the moments of the very same rows; null where those are not known. */
export type ComparedCounts = {
  readonly reference: CellCounts;
  readonly current: CellCounts;
  readonly referenceMoments: Moments | null;
  readonly currentMoments: Moments | null;
};

export type WassersteinInUnits = { readonly byDeviation: number; readonly byQuartiles: number | null };

/**
 * Wasserstein-1 distance of a numeric variable over the spread of its whole reference: by the standard deviation, and by
 * the interquartile range, which one far value cannot stretch. Beyond the outermost edges the means are used where those
 * of the very rows are known; otherwise only what lies between the edges counts, and the distance is too small.
 *
 * Null for categories, without moments of the reference and where a side has no rows. Throws RangeError for counters that
 * are not of the layout.
 *
 * Source: `wassersteinOfCells`, `wassersteinUnit`.
 */
export const wassersteinInUnits = (variable: ProfiledVariable, compared: ComparedCounts): WassersteinInUnits | null => {
  const { layout, moments, interquartileRange } = variable;
  if (layout.kind !== 'numeric' || moments === null || moments.count === 0) return null;
  const median = roughMedian(layout.edges, variable.reference.cells) ?? moments.mean;
  const deviation = wassersteinUnit(Math.sqrt(moments.squaredDeviations / moments.count), median);
  const [reference, current] = [compared.reference.cells, compared.current.cells];
  const distance = wassersteinOfCells({ edges: layout.edges, reference, current, outer: outerCells(compared, deviation) });
  if (distance === null) return null;
  const byQuartiles = interquartileRange === null ? null : distance / wassersteinUnit(interquartileRange, median);
  return { byDeviation: distance / deviation, byQuartiles };
};

/**
 * Means merge up to rounding, counters exactly. The change of the mean is therefore taken in steps of a millionth of the
 * spread, so that the report is the same in whatever order the counters of servers were added.
 */
const outerCells = ({ referenceMoments, currentMoments }: ComparedCounts, unit: number): OuterCells => {
  if (referenceMoments === null || currentMoments === null) return { kind: 'unknown' };
  const step = unit / 1e6;
  const change = Math.round((currentMoments.mean - referenceMoments.mean) / step) * step;
  return { kind: 'means', reference: 0, current: change };
};

/** The edge at which half of the rows is reached; null without edges. It only sets a floor, so an edge is near enough. */
const roughMedian = (edges: readonly number[], cells: readonly number[]): number | null => {
  const half = cells.reduce((sum, rows) => sum + rows, 0) / 2;
  let reached = 0;
  for (let cell = 0; cell < edges.length; cell++) {
    reached += cells[cell] as number;
    if (reached >= half) return edges[cell] as number;
  }
  return edges.at(-1) ?? null;
};
