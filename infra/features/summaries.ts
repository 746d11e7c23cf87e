/** Counts over the training rows, in SQL: what the fit of each transform needs, and not more. */

import { type DatePart, datePartFunctions } from '#domain/features/calendar.ts';
import { categoryOf, joinCategories, type RawValue } from '#domain/features/category.ts';
import type {
  CategoryCount,
  CategorySummary,
  FeatureSummary,
  FoldCount,
  LabelTotals,
  NumericSummary,
} from '#domain/features/fit.ts';
import type { FeaturePlan, FeatureSource } from '#domain/features/plan.ts';
import type { Duck, DuckValue } from '../tabular/duckdb.ts';
import { quoteName } from '../tabular/sql.ts';

/** Folds of the out-of-fold target encoding. Fewer leave less to learn from in each; more cost a vectorizer each. */
export const folds = 5;

/**
 * Fold of a row by its place in the snapshot: stable for a data version, other for another seed, spread by Knuth's
 * multiplicative hash (The Art of Computer Programming 3, 6.4).
 */
export const foldSql = (seed: number): string =>
  `CAST((((_row % 4294967296) * 2654435761 + ${seed % 65_536} * 40503) // 65536) % ${folds} AS INTEGER)`;

/** More categories than this are kept by no transform: the most frequent win. */
const mostCategories = 100_000;

/** SQL name of a source's raw value in the prepared rows. */
export const sourceColumns = (source: FeatureSource): string[] => {
  if (source.kind === 'column') return [source.column];
  return source.kind === 'view' ? [`${source.view}.${source.value}`] : [...source.columns];
};

/** SQL of a part of an instant; agrees with `datePartFunctions`. */
export const datePartSql = (part: DatePart, column: string): string => {
  const field = { hour: 'hour', weekday: 'isodow', day: 'day', month: 'month', year: 'year', day_of_year: 'dayofyear' } as const;
  if (part === 'minute_of_day') return `(date_part('hour', ${column}) * 60 + date_part('minute', ${column}))`;
  return part === 'weekday' ? `(date_part('isodow', ${column}) - 1)` : `date_part('${field[part]}', ${column})`;
};

/** A feature's number before any transform; truths as 0 and 1. */
const numberSql = (plan: FeaturePlan): string => {
  const column = quoteName(sourceColumns(plan.source)[0] as string);
  return plan.kind === 'boolean'
    ? `CAST(CAST(${column} AS INTEGER) AS DOUBLE)`
    : `CAST(${plan.part === null ? column : datePartSql(plan.part, column)} AS DOUBLE)`;
};

/** Ten digits of a sum of doubles: its last ones depend on the order in which threads added up. */
const steady = (value: number | null): number | null => (value === null ? null : Number(value.toPrecision(10)));

const numericSummary = async (db: Duck, rows: string, plan: FeaturePlan): Promise<NumericSummary> => {
  const needsMode = plan.impute?.kind === 'mode';
  const found = await db.row<Omit<NumericSummary, 'kind'>>(
    `SELECT count(x) AS present, quantile_cont(x, 0.5) AS median, avg(x) AS mean, stddev_pop(x) AS "standardDeviation",
       min(x) AS min, max(x) AS max, ${needsMode ? 'mode(x ORDER BY x)' : 'NULL'} AS mode
     FROM (SELECT CASE WHEN isfinite(n) THEN n END AS x FROM (SELECT ${numberSql(plan)} AS n FROM ${rows}))`,
  );
  return { ...found, kind: 'numeric', mean: steady(found.mean), standardDeviation: steady(found.standardDeviation) };
};

/** A value of SQL as the vectorizer would see it: instants as epoch milliseconds. */
const rawOf = (value: DuckValue): RawValue => (value instanceof Date ? value.getTime() : (value as RawValue));

const categoryText = (plan: FeaturePlan, values: readonly DuckValue[]): string | null => {
  if (plan.source.kind === 'cross') return joinCategories(values.map(rawOf));
  const raw = rawOf(values[0] as DuckValue);
  if (plan.part === null || raw === null) return categoryOf(raw);
  return categoryOf(datePartFunctions[plan.part](Number(raw)));
};

type CountRow = { fold: number; rows: number; labelSum: number | null; values: DuckValue[] };

/** Instants that share a date part need not be counted one by one. */
const truncated = (plan: FeaturePlan, column: string): string => {
  if (plan.part === null) return column;
  const unit = plan.part === 'hour' ? 'hour' : plan.part === 'minute_of_day' ? 'minute' : 'day';
  return `date_trunc('${unit}', ${column})`;
};

const countRows = async (db: Duck, rows: string, plan: FeaturePlan): Promise<CountRow[]> => {
  const keys = sourceColumns(plan.source).map((column) => truncated(plan, quoteName(column)));
  const named = keys.map((key, index) => `${key} AS k${index}`).join(', ');
  const isTarget = plan.encode === 'target';
  const limit = mostCategories * (isTarget ? folds : 1);
  const counted = await db.rows<Record<string, DuckValue>>(
    `SELECT ${named}, ${isTarget ? '_fold' : '0'} AS fold, count(*) AS rows, ${isTarget ? 'sum(_label)' : '0'} AS "labelSum"
     FROM ${rows} GROUP BY ALL ORDER BY rows DESC, ${keys.map((_, index) => `k${index}`).join(', ')} LIMIT ${limit}`,
  );
  return counted.map((row) => ({
    fold: row['fold'] as number,
    rows: row['rows'] as number,
    labelSum: row['labelSum'] as number | null,
    values: keys.map((_, index) => row[`k${index}`] as DuckValue),
  }));
};

const emptyFolds = (): FoldCount[] => Array.from({ length: folds }, () => ({ rows: 0, labelSum: 0 }));

const categorySummary = async (db: Duck, rows: string, plan: FeaturePlan): Promise<CategorySummary> => {
  const byCategory = new Map<string, { rows: number; folds: FoldCount[] }>();
  for (const row of await countRows(db, rows, plan)) {
    const category = categoryText(plan, row.values);
    if (category === null) continue;
    const count = byCategory.get(category) ?? { rows: 0, folds: plan.encode === 'target' ? emptyFolds() : [] };
    count.rows += row.rows;
    const fold = count.folds[row.fold];
    if (plan.encode === 'target' && fold !== undefined) {
      count.folds[row.fold] = { rows: fold.rows + row.rows, labelSum: fold.labelSum + (steady(row.labelSum) ?? 0) };
    }
    byCategory.set(category, count);
  }
  const values: CategoryCount[] = [...byCategory].map(([category, count]) => ({ category, ...count }));
  return { kind: 'category', values };
};

/** Summaries of all features over `rows`, a relation of training rows with `_label` and `_fold`, in the order of the plans. */
export const summarize = async (db: Duck, rows: string, plans: readonly FeaturePlan[]): Promise<FeatureSummary[]> => {
  const summaries: FeatureSummary[] = [];
  for (const plan of plans) {
    // Nothing is learned for a hash; the mode that may fill it is.
    const isCategory = plan.encode !== null;
    summaries.push(isCategory ? await categorySummary(db, rows, plan) : await numericSummary(db, rows, plan));
  }
  return summaries;
};

export const labelTotals = async (db: Duck, rows: string): Promise<LabelTotals> => {
  const found = await db.rows<{ fold: number; rows: number; sum: number }>(
    `SELECT _fold AS fold, count(*) AS rows, sum(_label) AS sum FROM ${rows} GROUP BY ALL`,
  );
  const totals = emptyFolds();
  for (const row of found) totals[row.fold] = { rows: row.rows, labelSum: steady(row.sum) ?? 0 };
  return { folds: totals };
};
