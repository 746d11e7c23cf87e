/** Columns of a relation as the variables of a reference profile. */
import type { ProfiledVariable, Season } from '#domain/contracts/reference-profile.ts';
import type { Instant } from '#domain/units.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { categoricalLayoutOfColumn, countCategoriesByGroup } from './count-categories.ts';
import { type CountedGroups, countNumbers } from './count-numbers.ts';
import { measureMoments } from './measure-moments.ts';
import type { ProfiledColumn, ProfiledRows } from './rows.ts';
import { sampleScales } from './sample-edges.ts';
import { describeSeason, groupSql, planWindows, timeless, type WindowPlan } from './season.ts';
import { variableOf } from './variable.ts';

export type ProfiledRelation = {
  readonly rows: number;
  readonly eventTime: { readonly first: Instant; readonly last: Instant } | null;
  readonly season: Season;
  /** In the order of the columns. */
  readonly variables: readonly ProfiledVariable[];
};

type Extent = { rows: number; first: number | null; last: number | null };

const instantOf = (epochMs: number): Instant => new Date(epochMs).toISOString() as Instant;

type Profiling = { readonly db: Duck; readonly rows: ProfiledRows; readonly plan: WindowPlan | null; readonly rowCount: number };

const profileNumbers = async (
  { db, rows, plan, rowCount }: Profiling,
  columns: readonly ProfiledColumn[],
): Promise<ProfiledVariable[]> => {
  const scales = await sampleScales(db, rows, rowCount, columns);
  const scaled = columns.map((column, index) => ({ ...column, scale: scales[index] as (typeof scales)[number] }));
  const group = plan === null ? '0' : groupSql(plan, rows.epochMs as string);
  const counted = await countNumbers(db, rows, scaled, group);
  const moments = await measureMoments(db, rows, scaled);
  return scaled.map(({ name, scale }, index) =>
    variableOf({ name, scale, moments: moments[index] ?? null, counted: counted[index] as CountedGroups, plan }),
  );
};

const profileCategory = async ({ db, rows, plan }: Profiling, column: ProfiledColumn): Promise<ProfiledVariable> => {
  const layout = await categoricalLayoutOfColumn(db, rows.relation, column.sql);
  const group = plan === null ? '0' : groupSql(plan, rows.epochMs as string);
  const counted = await countCategoriesByGroup(db, rows.relation, column.sql, layout, group);
  const scale = { layout, interquartileRange: null, fences: null };
  return variableOf({ name: column.name, scale, moments: null, counted, plan });
};

/**
 * Profiles columns of a relation for windows of that length. Counts are exact; only the places of the edges of numbers are
 * taken from a sample where there are more than 50,000 rows. Same rows in the same order: same profile, whatever the
 * threads. Reads the relation a few times; memory grows with windows, not with rows, and with distinct categories by two bytes of each.
 */
export const profileColumns = async (
  db: Duck,
  rows: ProfiledRows,
  columns: readonly ProfiledColumn[],
  windowMs: number,
): Promise<ProfiledRelation> => {
  const epochMs = rows.epochMs ?? 'NULL';
  const {
    rows: rowCount,
    first,
    last,
  } = await db.row<Extent>(`SELECT count(*) AS rows, min(${epochMs}) AS first, max(${epochMs}) AS last FROM ${rows.relation}`);
  const plan = first === null || last === null ? null : planWindows(windowMs, first, last);
  const profiling = { db, rows, plan, rowCount };
  const found = new Map<string, ProfiledVariable>();
  const numeric = columns.filter((column) => column.kind === 'numeric');
  for (const variable of await profileNumbers(profiling, numeric)) found.set(variable.name, variable);
  for (const column of columns) {
    if (column.kind === 'categorical') found.set(column.name, await profileCategory(profiling, column));
  }
  return {
    rows: rowCount,
    eventTime: plan === null ? null : { first: instantOf(first as number), last: instantOf(last as number) },
    season: plan === null ? timeless(windowMs) : await describeSeason(db, rows, plan),
    variables: columns.map(({ name }) => found.get(name) as ProfiledVariable),
  };
};
