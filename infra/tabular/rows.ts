import type { DatasetColumn } from '#domain/contracts/dataset.ts';
import type { Instant } from '#domain/units.ts';
import type { SourceColumn } from './infer.ts';
import { sourceRelation } from './infer.ts';
import { quoteName, quoteText } from './sql.ts';
import { lineColumn, type ReadableObject } from './stage.ts';
import { castSql, type RowRule, rowRules } from './typed.ts';

/** Everything that the passes over one source share: what is read, how it is typed, what sets a row aside. */
export type RowPlan = {
  readonly source: string;
  readonly objects: readonly ReadableObject[];
  /** Columns read, in order; their SQL names below are r0… for raw and t0… for typed values. */
  readonly columns: readonly DatasetColumn[];
  readonly sourceColumns: readonly SourceColumn[];
  readonly rules: readonly RowRule[];
  readonly cutoff: Instant | null;
  readonly eventTime: string | null;
  readonly key: readonly string[];
};

const duckTypeOf = (plan: Pick<RowPlan, 'sourceColumns'>, name: string): string =>
  plan.sourceColumns.find((column) => column.name.toLowerCase() === name.toLowerCase())?.duckType ?? 'VARCHAR';

export const createRowPlan = (plan: Omit<RowPlan, 'rules'>): RowPlan => {
  const isRequired = (name: string) => name === plan.eventTime || plan.key.includes(name);
  const rules = plan.columns.flatMap((column, index) =>
    rowRules(column, `r${index}`, `t${index}`, duckTypeOf(plan, column.name), isRequired(column.name)),
  );
  return { ...plan, rules };
};

/** The typed value of a column in the relations below. */
export const typedName = (plan: Pick<RowPlan, 'columns'>, name: string): string =>
  `t${plan.columns.findIndex((column) => column.name === name)}`;

/** True, false, never NULL. */
export const badRow = (plan: RowPlan): string =>
  plan.rules.length === 0 ? 'false' : `coalesce(${plan.rules.map((rule) => rule.when).join(' OR ')}, false)`;

/** Rows at or after the cut-off do not exist for this run; rows without an instant are judged by the rules. */
export const beforeCutoff = (plan: RowPlan): string => {
  if (plan.cutoff === null || plan.eventTime === null) return 'true';
  const event = typedName(plan, plan.eventTime);
  return `(${event} IS NULL OR ${event} < TIMESTAMP ${quoteText(plan.cutoff.replace('T', ' ').replace('Z', ''))})`;
};

/** Raw and typed values of all rows: r0…, t0…; with `origin` also file, row (from 1) and line number of the object. */
export const typedRows = (plan: RowPlan, origin = false): string => {
  const hasLine = plan.objects.some((object) => object.text?.kind === 'ndjson');
  const raw = plan.columns.map((column, index) => `${quoteName(column.name)} AS r${index}`);
  const typed = plan.columns.map(
    (column, index) => `${castSql(`r${index}`, column.type, duckTypeOf(plan, column.name))} AS t${index}`,
  );
  const place = [`filename AS file`, `file_row_number + 1 AS "row"`, hasLine ? `${lineColumn} AS line` : 'NULL::BIGINT AS line'];
  const inner = [...raw, ...(origin ? place : [])].join(', ');
  const relation = sourceRelation(plan.objects, origin ? ', filename = true, file_row_number = true' : '');
  return `(SELECT *, ${typed.join(', ')} FROM (SELECT ${inner} FROM ${relation}))`;
};

/** A row as the pipeline's own SQL sees it: typed columns by their names. */
export const namedColumnsSql = (plan: Pick<RowPlan, 'columns'>): string =>
  plan.columns.map((column, index) => `t${index} AS ${quoteName(column.name)}`).join(', ');
