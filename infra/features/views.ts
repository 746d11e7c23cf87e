/**
 * Views over the past of an entity, as SQL that sees only what was known before each row. Two kinds: aggregates, whose
 * SQL is written here, and the user's own SQL, whose rows are joined by the instant from which they were known.
 */
import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import type { ServedView } from '#domain/contracts/feature-set.ts';
import type { AggregateViewSpec, FeaturesSpec, SqlViewSpec, ViewSpec } from '#domain/contracts/pipeline-spec/features.ts';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { PerennialError } from '#domain/errors.ts';
import { nearestName } from '#domain/features/nearest-name.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { quoteName } from '../tabular/sql.ts';
import { type AggregateValue, takeValueApart } from './aggregates.ts';
import { compileSqlView } from './sql-view.ts';
import { describeQuery } from './syntax.ts';
import type { AggregateView, CompiledView, ViewScope, ViewValue, WindowedValue } from './view-types.ts';

const invalid = (view: string, problem: string): PerennialError =>
  new PerennialError('PRN_FEATURE_INVALID', `Cannot build view "${view}" as ${problem}`, { details: { view } });

/** Column name of a view's value wherever rows are written. */
export const viewColumn = (view: string, value: string): string => `${view}.${value}`;

/** SQL that is true where a row has all columns of an entity. */
export const hasEntity = (entity: readonly string[]): string =>
  entity.map((column) => `${quoteName(column)} IS NOT NULL`).join(' AND ');

/**
 * One frame for each entity, window and delay. "Strictly before" is one microsecond, DuckDB's unit of time, so rows of
 * the same instant never see each other; with a delay, a label that becomes known at the very instant counts as known.
 */
const frameOf = (entity: readonly string[], eventTime: string, part: WindowedValue): string => {
  const end = part.delayMs === null ? '1 microseconds' : `${part.delayMs} milliseconds`;
  return (
    `PARTITION BY ${entity.map(quoteName).join(', ')} ORDER BY ${quoteName(eventTime)} ` +
    `RANGE BETWEEN INTERVAL '${part.windowMs} milliseconds' PRECEDING AND INTERVAL '${end}' PRECEDING`
  );
};

export type WindowedSelect = { readonly columns: readonly string[]; readonly windows: readonly string[] };

/** Select list and WINDOW clause of all aggregate views together; values of one frame share one window. */
export const windowedSelect = (
  views: readonly Pick<AggregateView, 'name' | 'entity' | 'parts'>[],
  eventTime: string,
  columnName: (view: string, value: string) => string,
  types: (view: string, value: string) => ViewValue['type'],
): WindowedSelect => {
  const frames = new Map<string, string>();
  const columns = views.flatMap((view) =>
    view.parts.map((part) => {
      const frame = frameOf(view.entity, eventTime, part);
      const window = frames.get(frame) ?? `w${frames.size}`;
      frames.set(frame, window);
      const sql = part.value.write((aggregate) => `${aggregate} OVER ${window}`);
      const typed = types(view.name, part.value.name) === 'number' ? `CAST(${sql} AS DOUBLE)` : sql;
      return `CASE WHEN ${hasEntity(view.entity)} THEN ${typed} END AS ${quoteName(columnName(view.name, part.value.name))}`;
    }),
  );
  return { columns, windows: [...frames].map(([frame, window]) => `${window} AS (${frame})`) };
};

/** Numbers of any width and truths become numbers; texts stay; anything else cannot be a feature. */
const valueType = (view: string, name: string, type: string): ViewValue['type'] => {
  if (
    /^(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT|UHUGEINT|FLOAT|DOUBLE|DECIMAL.*|BOOLEAN)$/.test(
      type,
    )
  )
    return 'number';
  if (type === 'VARCHAR' || type.startsWith('ENUM')) return 'category';
  throw invalid(view, `its value "${name}" must be a number, a truth or a text: it is ${type}`);
};

const checkEntity = (view: string, entity: readonly string[], scope: ViewScope): void => {
  for (const column of entity) {
    const found = scope.schema.columns.find((each) => each.name === column);
    const meant = nearestName(
      column,
      scope.schema.columns.map((each) => each.name),
    );
    if (!found) {
      throw invalid(view, `its entity "${column}" must be a column of the data${meant ? `; did you mean "${meant}"?` : ''}`);
    }
    if (scope.knownLate.includes(column)) throw invalid(view, `its entity "${column}" is known only with the label`);
  }
};

const delayOf = (value: AggregateValue, schema: DatasetSchema): number | null =>
  value.touchesLabel && schema.labelKnownAfterMs > 0 ? schema.labelKnownAfterMs : null;

const windowed = (view: string, spec: AggregateViewSpec, value: AggregateValue, schema: DatasetSchema): WindowedValue => {
  const delayMs = delayOf(value, schema);
  if (spec.window <= (delayMs ?? 0)) {
    throw invalid(
      view,
      `its window must be longer than ${delayMs ?? 0} ms, after which "${value.name}" is known: it is ${spec.window} ms`,
    );
  }
  return { value, windowMs: spec.window, delayMs };
};

const compileAggregateView = async (
  db: Duck,
  name: string,
  spec: AggregateViewSpec,
  scope: ViewScope,
): Promise<AggregateView> => {
  const values: AggregateValue[] = [];
  for (const [value, sql] of Object.entries(spec.values)) values.push(await takeValueApart(db, name, value, sql, scope));
  if (values.length === 0) throw invalid(name, 'it must have at least one value');
  const view = { name, entity: spec.entity, parts: values.map((value) => windowed(name, spec, value, scope.schema)) };
  const plain = (_: string, value: string) => value;
  const selectOf = (types: (view: string, value: string) => ViewValue['type']): string => {
    const { columns, windows } = windowedSelect([view], scope.eventTime, plain, types);
    return `SELECT _row, ${columns.join(', ')} FROM snapshot AS events WINDOW ${windows.join(', ')}`;
  };
  const described = await describeQuery(
    db,
    selectOf(() => 'category'),
  ).catch((error: Error) => {
    throw invalid(name, `DuckDB says: ${error.message.split('\n')[0]}`);
  });
  const typed = described.slice(1).map((column) => ({ name: column.name, type: valueType(name, column.name, column.type) }));
  const sql = selectOf((_, value) => (typed.find((each) => each.name === value) as ViewValue).type);
  return { ...view, kind: 'aggregate', values: typed, sql };
};

const isAggregateSpec = (spec: ViewSpec): spec is AggregateViewSpec => 'window' in spec;

/**
 * Compiles the views of a definition against a snapshot that is attached. Views need event time: without it nobody can
 * say what came before a row. Throws PRN_FEATURE_INVALID or PRN_DATA_SQL naming the view.
 */
export const compileViews = async (
  db: Duck,
  views: FeaturesSpec['views'],
  schema: DatasetSchema,
  sources: readonly string[],
): Promise<CompiledView[]> => {
  const names = Object.keys(views);
  const { eventTime } = schema;
  if (eventTime === null) {
    if (names.length === 0) return [];
    throw invalid(names[0] as string, 'a view needs data.event_time, which must name the instant of each row: there is none');
  }
  const knownLate = [schema.label, ...schema.columns.filter((column) => column.role === 'outcome').map((column) => column.name)];
  const columns = schema.columns.map((column) => ({ name: column.name, isBoolean: column.type === 'boolean' }));
  const scope: ViewScope = { schema, eventTime, sources, columns, knownLate, label: schema.label };
  const compiled: CompiledView[] = [];
  for (const [name, spec] of Object.entries(views)) {
    checkEntity(name, spec.entity, scope);
    compiled.push(
      isAggregateSpec(spec)
        ? await compileAggregateView(db, name, spec, scope)
        : await compileSqlView(db, name, spec as SqlViewSpec, scope, valueType),
    );
  }
  return compiled;
};

/** Data as a definition sees them: from when labels are known is its own, and part of what its views mean. */
export const schemaFor = (schema: DatasetSchema, { known_after }: PipelineSpec['data']['label']): DatasetSchema => ({
  ...schema,
  labelKnownAfterMs: known_after,
});

/** A view as the server and the feature set know it. */
export const servedView = (view: CompiledView): ServedView => ({
  name: view.name,
  entity: [...view.entity],
  values: view.values.map((value) => value.name),
  sql: view.sql,
  // Once a whole window has passed, all that was counted has left it.
  staleAfterMs: view.kind === 'aggregate' ? Math.max(...view.parts.map((part) => part.windowMs)) : null,
});
