/** The rows of training and hold-out with the values of all views, in one pass, written in the snapshot's order. */
import type { ServedView } from '#domain/contracts/feature-set.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { quoteName, quoteText } from '../tabular/sql.ts';
import { type Split, sqlInstant } from './split.ts';
import { type AggregateView, type CompiledView, type ViewValue, viewColumn, windowedSelect } from './views.ts';

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
  if (split.earliestMs === null || eventTime === null) return '';
  const widest = Math.max(0, ...views.flatMap((view) => view.parts.map((part) => part.windowMs)));
  return ` WHERE ${quoteName(eventTime)} >= ${sqlInstant(split.earliestMs - widest)}`;
};

/** A value that no feature asks for costs a window and is left out. */
const onlyWanted = (view: AggregateView, wanted: ReadonlySet<string>): AggregateView => ({
  ...view,
  parts: view.parts.filter((part) => wanted.has(viewColumn(view.name, part.value.name))),
});

const joinedColumns = (index: number, name: string, values: readonly string[]): string[] =>
  values.map((value) => `j${index}.${quoteName(value)} AS ${quoteName(viewColumn(name, value))}`);

/**
 * One statement for everything: aggregate views as windows over the snapshot, the user's SQL and a champion's further
 * views joined by `_row`. Result: all columns, the wanted `view.value` columns, `_row`, `_side`; without order.
 */
export const preparedSql = (
  views: readonly CompiledView[],
  extra: readonly ExtraView[],
  split: Split,
  eventTime: string | null,
  wanted: ReadonlySet<string>,
): string => {
  const aggregates = views.filter(isAggregate).map((view) => onlyWanted(view, wanted));
  const { columns, windows } = windowedSelect(aggregates, eventTime ?? '', viewColumn, typesOf(views));
  const windowClause = windows.length === 0 ? '' : ` WINDOW ${windows.join(', ')}`;
  const selected = ['events.*', ...columns, `${split.sideSql} AS _side`].join(', ');
  const all = `SELECT ${selected} FROM snapshot AS events${reach(aggregates, split, eventTime)}${windowClause}`;
  const joined = [
    ...views
      .filter((view) => view.kind === 'sql')
      .map((view) => ({ sql: view.sql, name: view.name, values: view.values.map((each) => each.name) })),
    ...extra.map(({ view, as }) => ({ sql: view.sql, name: as, values: view.values })),
  ];
  const rows = `SELECT * FROM (${all}) WHERE _side IS NOT NULL`;
  if (joined.length === 0) return rows;
  const added = joined.flatMap((each, index) => joinedColumns(index, each.name, each.values));
  const joins = joined.map((each, index) => `LEFT JOIN (${each.sql}) AS j${index} ON j${index}._row = rows._row`);
  return `SELECT rows.*, ${added.join(', ')} FROM (${rows}) AS rows ${joins.join(' ')}`;
};

/** Writes the prepared rows to a Parquet file in the order of `_row`, and names it `prepared`. */
export const writePrepared = async (db: Duck, sql: string, file: string): Promise<void> => {
  await db.run(`COPY (SELECT * FROM (${sql}) ORDER BY _row) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION snappy)`);
  await db.run(`CREATE VIEW prepared AS SELECT * FROM read_parquet(${quoteText(file)})`);
};
