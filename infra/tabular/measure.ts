import type { DatasetColumn, DatasetSchema } from '#domain/contracts/dataset.ts';
import { blameCheck, countBroken, type PlannedCheck } from './checks.ts';
import type { Duck } from './duckdb.ts';
import { quoteName } from './sql.ts';

export type ColumnMeasure = {
  readonly column: DatasetColumn;
  readonly present: number;
  /** Observed; null where nothing is present, or where the column has no limits. */
  readonly lowest: number | null;
  readonly highest: number | null;
  /** Rows whose value another row has too; null where uniqueness is not asked for. */
  readonly repeated: number | null;
};
export type CheckMeasure = {
  readonly check: PlannedCheck;
  readonly broken: number;
  readonly all: number;
  readonly examples: readonly string[];
};
export type BatchMeasure = {
  readonly rows: number;
  readonly columns: readonly ColumnMeasure[];
  /** Smallest and largest label as text: equal where there is one class only. */
  readonly label: { readonly least: string | null; readonly most: string | null };
  readonly checks: readonly CheckMeasure[];
};

const hasLimits = (column: DatasetColumn): boolean =>
  (column.min !== undefined || column.max !== undefined) && (column.type === 'integer' || column.type === 'number');

/** A row check without windows is one more aggregate of the scan that measures the columns; the others scan for themselves. */
const isCheap = (check: PlannedCheck): boolean => check.kind === 'row' && !check.hasWindow;

const columnAggregates = (column: DatasetColumn, index: number): string[] => {
  const name = quoteName(column.name);
  const limits = hasLimits(column) ? [`min(${name}) AS lo${index}`, `max(${name}) AS hi${index}`] : [];
  const unique = column.unique ? [`count(${name}) - count(DISTINCT ${name}) AS rep${index}`] : [];
  return [`count(${name}) AS n${index}`, ...limits, ...unique];
};

/** The one statement that measures a batch: a scan for all columns and row checks, and one for each grouped check. */
export const measureSql = (schema: DatasetSchema, checks: readonly PlannedCheck[], relation: string): string => {
  const label = quoteName(schema.label);
  const aggregates = [
    'count(*) AS "rows"',
    `min(${label})::VARCHAR AS label_least`,
    `max(${label})::VARCHAR AS label_most`,
    ...schema.columns.flatMap(columnAggregates),
    ...checks.flatMap((check, index) => (isCheap(check) ? [`count(*) FILTER (NOT ${check.sql}) AS c${index}`] : [])),
  ];
  const others = checks.flatMap((check, index) =>
    isCheap(check) ? [] : [`(SELECT g FROM (${countBroken(check, relation)}) g) AS c${index}`],
  );
  return `SELECT *, ${others.length === 0 ? 'NULL AS none' : others.join(', ')} FROM (SELECT ${aggregates.join(', ')} FROM ${relation})`;
};

type Answer = Record<string, unknown>;
const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null);

const readCheck = (row: Answer, check: PlannedCheck, index: number): CheckMeasure => {
  const value = row[`c${index}`];
  if (isCheap(check)) return { check, broken: Number(value), all: Number(row['rows']), examples: [] };
  const { broken, all, examples } = value as { broken: number; all: number; examples: string[] | null };
  return { check, broken, all, examples: examples ?? [] };
};

/** Measures a batch by one statement over its parts. Throws PRN_DATA_SQL with the name of a check that cannot be evaluated. */
export const measureBatch = async (
  db: Duck,
  schema: DatasetSchema,
  checks: readonly PlannedCheck[],
  relation: string,
): Promise<BatchMeasure> => {
  const row = await db
    .row<Answer>(measureSql(schema, checks, relation))
    .catch((cause) => blameCheck(db, checks, relation, cause));
  return {
    rows: Number(row['rows']),
    columns: schema.columns.map((column, index) => ({
      column,
      present: Number(row[`n${index}`]),
      lowest: numberOf(row[`lo${index}`]),
      highest: numberOf(row[`hi${index}`]),
      repeated: numberOf(row[`rep${index}`]),
    })),
    label: { least: row['label_least'] as string | null, most: row['label_most'] as string | null },
    checks: checks.map((check, index) => readCheck(row, check, index)),
  };
};
