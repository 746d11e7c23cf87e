/** Numbers counted into cells that are fixed. */
import type { CellCounts } from '#domain/contracts/reference-profile.ts';
import { emptyCounts } from '#domain/stats/summaries/cell-counts.ts';
import { nextDown } from '#domain/stats/summaries/cell-edges.ts';
import { cellOf } from '#domain/stats/summaries/place-value.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { doublesSql, inPortions, type ProfiledColumn, type ProfiledRows } from './rows.ts';
import type { NumericScale } from './sample-edges.ts';

export type Counted = { readonly counts: CellCounts; readonly outside: number };
/** Counters by the number of a group; one group, 0, where rows are not grouped. */
export type CountedGroups = ReadonlyMap<number, Counted>;
export type ScaledColumn = Pick<ProfiledColumn, 'name' | 'sql'> & { readonly scale: Pick<NumericScale, 'layout' | 'fences'> };

/** Ascending upper bounds of what is counted apart: cells, beyond the fences, and either infinity. */
const boundsOf = ({ layout, fences }: ScaledColumn['scale']): number[] => {
  const bounds = new Set([Number.NEGATIVE_INFINITY, ...layout.edges, Number.MAX_VALUE, Number.POSITIVE_INFINITY]);
  if (fences !== null) bounds.add(nextDown(fences.low)).add(fences.high);
  return [...bounds].sort((left, right) => left - right);
};

/** DuckDB's histogram counts (bound before, bound], as cells do. It takes NaN for the lowest number, so it is no value here. */
const histogramSql = ({ sql, scale }: ScaledColumn): string =>
  `CAST(map_values(histogram(nullif(${sql}, CAST('NaN' AS DOUBLE)), ${doublesSql(boundsOf(scale))})) AS VARCHAR)`;

type GroupRow = { group: number; rows: number; histograms: (string | null)[] };

/** Puts the histogram's finer cells together. Its list is null where every row is. */
const toCounted = (rows: number, histogram: string | null, { layout, fences }: ScaledColumn['scale']): Counted => {
  const counts = emptyCounts(layout);
  if (histogram === null) return { counts: { ...counts, missing: rows }, outside: 0 };
  const found = JSON.parse(histogram) as number[];
  let [missing, outside] = [rows, 0];
  for (const [index, bound] of boundsOf({ layout, fences }).entries()) {
    const count = found[index] as number;
    missing -= count;
    if (!Number.isFinite(bound)) {
      counts.nonFinite += count;
      continue;
    }
    (counts.cells[cellOf(layout.edges, bound)] as number) += count;
    if (fences !== null && (bound < fences.low || bound > fences.high)) outside += count;
  }
  return { counts: { ...counts, missing }, outside };
};

/**
 * Counts of numeric columns by group, in the order of the columns: one pass over the relation for 16 of them. NULL and NaN
 * are missing, infinities are not finite, as everywhere. `group` is SQL of a whole number.
 */
export const countNumbers = async (
  db: Duck,
  { relation }: Pick<ProfiledRows, 'relation'>,
  columns: readonly ScaledColumn[],
  group = '0',
): Promise<CountedGroups[]> => {
  const counted: CountedGroups[] = [];
  for (const portion of inPortions(columns)) {
    const rows = await db.rows<GroupRow>(
      `SELECT ${group} AS "group", count(*) AS rows, [${portion.map(histogramSql).join(', ')}] AS histograms
       FROM ${relation} GROUP BY 1 ORDER BY 1`,
    );
    for (const [index, { scale }] of portion.entries()) {
      counted.push(new Map(rows.map((row) => [row.group, toCounted(row.rows, row.histograms[index] as string | null, scale)])));
    }
  }
  return counted;
};
