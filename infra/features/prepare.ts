/** The rows of training and hold-out with the values of all views, in one pass, written in the snapshot's order. */
import type { ServedView } from '#domain/contracts/feature-set.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { quoteName, quoteText } from '../tabular/sql.ts';
import { planSlide, resultName, type SlidePlan, slide } from './slide.ts';
import { type Split, sqlInstant } from './split.ts';
import type { AggregateView, CompiledView, ViewValue } from './view-types.ts';
import { hasEntity, viewColumn, windowedSelect } from './views.ts';

export type ExtraView = {
  readonly view: ServedView;
  /** Name under which its values stand: the view's own, unless another view has it. */
  readonly as: string;
};

const isAggregate = (view: CompiledView): view is AggregateView => view.kind === 'aggregate';

const typesOf =
  (views: readonly CompiledView[]) =>
  (view: string, value: string): ViewValue['type'] =>
    views.find((each) => each.name === view)?.values.find((each) => each.name === value)?.type ?? 'number';

/** Rows that neither a row of the split nor a window of one can see need not be read. */
const reach = (views: readonly AggregateView[], split: Split, eventTime: string | null): string => {
  if (split.earliestMs === null || eventTime === null) return 'snapshot';
  const widest = Math.max(0, ...views.flatMap((view) => view.parts.map((part) => part.windowMs)));
  return `(SELECT * FROM snapshot WHERE ${quoteName(eventTime)} >= ${sqlInstant(split.earliestMs - widest)})`;
};

/** A value that no feature asks for costs a window and is left out. */
const onlyWanted = (view: AggregateView, wanted: ReadonlySet<string>): AggregateView => ({
  ...view,
  parts: view.parts.filter((part) => wanted.has(viewColumn(view.name, part.value.name))),
});

const joinedColumns = (index: number, name: string, values: readonly string[]): string[] =>
  values.map((value) => `j${index}.${quoteName(value)} AS ${quoteName(viewColumn(name, value))}`);

type Computed = { readonly sql: string; readonly isOrdered: boolean };

/** Aggregates as windows of one statement. */
const bySql = (
  aggregates: readonly AggregateView[],
  views: readonly CompiledView[],
  rows: string,
  split: Split,
  eventTime: string,
): Computed => {
  const { columns, windows } = windowedSelect(aggregates, eventTime, viewColumn, typesOf(views));
  const windowClause = windows.length === 0 ? '' : ` WINDOW ${windows.join(', ')}`;
  const selected = ['events.*', ...columns, `${split.sideSql} AS _side`].join(', ');
  return { sql: `SELECT ${selected} FROM ${rows} AS events${windowClause}`, isOrdered: windows.length === 0 };
};

/** Aggregates from the table `slid`, which stands beside the rows in the same order; where it does not, nothing is written. */
const bySliding = (
  aggregates: readonly AggregateView[],
  views: readonly CompiledView[],
  rows: string,
  split: Split,
  plan: SlidePlan,
): Computed => {
  const typeOf = typesOf(views);
  const columns = aggregates.flatMap((view) =>
    view.parts.map(({ value }) => {
      const sql = value.write((_, index) => plan.resultSql.get(resultName(view.name, value.name, index)) as string);
      const typed = typeOf(view.name, value.name) === 'number' ? `CAST(${sql} AS DOUBLE)` : sql;
      return `CASE WHEN ${hasEntity(view.entity)} THEN ${typed} END AS ${quoteName(viewColumn(view.name, value.name))}`;
    }),
  );
  const side = `CASE WHEN slid._row = events._row THEN ${split.sideSql} ELSE error('the values of the views do not stand beside their rows') END`;
  return {
    sql: `SELECT ${['events.*', ...columns, `${side} AS _side`].join(', ')} FROM ${rows} AS events POSITIONAL JOIN slid`,
    isOrdered: true,
  };
};

const computeAggregates = async (
  db: Duck,
  aggregates: readonly AggregateView[],
  views: readonly CompiledView[],
  split: Split,
  eventTime: string | null,
  how: 'fastest' | 'sql',
): Promise<Computed> => {
  const rows = reach(aggregates, split, eventTime);
  const plan =
    how === 'sql' || eventTime === null || aggregates.every((view) => view.parts.length === 0) ? null : planSlide(aggregates);
  const isSlid = plan !== null && (await slide(db, plan, rows, eventTime as string));
  return isSlid ? bySliding(aggregates, views, rows, split, plan) : bySql(aggregates, views, rows, split, eventTime ?? '');
};

export type PrepareInput = {
  readonly views: readonly CompiledView[];
  readonly extra: readonly ExtraView[];
  readonly split: Split;
  readonly eventTime: string | null;
  /** The `view.value` columns that somebody asks for. */
  readonly wanted: ReadonlySet<string>;
  /** "sql": the windows that define the views. "fastest": the same values by sliding, where that is exact. */
  readonly how?: 'fastest' | 'sql';
};

/**
 * SQL of the rows of both sides: all columns, the wanted `view.value` columns, `_row`, `_side`. Aggregate views are
 * computed over the whole snapshot; the user's SQL and a champion's further views are joined by `_row`.
 */
const preparedSql = async (db: Duck, { views, extra, split, eventTime, wanted, how }: PrepareInput): Promise<Computed> => {
  const aggregates = views.filter(isAggregate).map((view) => onlyWanted(view, wanted));
  const { sql: all, isOrdered } = await computeAggregates(db, aggregates, views, split, eventTime, how ?? 'fastest');
  const joined = [
    ...views
      .filter((view) => view.kind === 'sql')
      .map((view) => ({ sql: view.sql, name: view.name, values: view.values.map((each) => each.name) })),
    ...extra.map(({ view, as }) => ({ sql: view.sql, name: as, values: view.values })),
  ];
  const rows = `SELECT * FROM (${all}) WHERE _side IS NOT NULL`;
  if (joined.length === 0) return { sql: rows, isOrdered };
  const added = joined.flatMap((each, index) => joinedColumns(index, each.name, each.values));
  const joins = joined.map((each, index) => `LEFT JOIN (${each.sql}) AS j${index} ON j${index}._row = rows._row`);
  return { sql: `SELECT rows.*, ${added.join(', ')} FROM (${rows}) AS rows ${joins.join(' ')}`, isOrdered: false };
};

/** Writes the prepared rows to a Parquet file in the order of `_row`, and names it `prepared`. */
export const writePrepared = async (db: Duck, input: PrepareInput, file: string): Promise<void> => {
  const { sql, isOrdered } = await preparedSql(db, input);
  const ordered = isOrdered ? sql : `SELECT * FROM (${sql}) ORDER BY _row`;
  await db.run(`COPY (${ordered}) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION snappy)`);
  await db.run('DROP TABLE IF EXISTS slid');
  await db.run(`CREATE VIEW prepared AS SELECT * FROM read_parquet(${quoteText(file)})`);
};
