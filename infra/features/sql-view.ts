/** A view written by the user: one SELECT over `events` and the further sources, kept to them by its syntax tree. */
import type { SqlViewSpec } from '#domain/contracts/pipeline-spec/features.ts';
import { PerennialError } from '#domain/errors.ts';
import { type Duck, duckMessage } from '../tabular/duckdb.ts';
import { functionFacts } from '../tabular/functions.ts';
import { quoteName } from '../tabular/sql.ts';
import { sourceRelation } from './snapshot.ts';
import { describeQuery, parseStatements, type SyntaxNode, visitNodes } from './syntax.ts';
import type { SqlView, ViewScope, ViewValue } from './view-types.ts';

const invalid = (view: string, problem: string): PerennialError =>
  new PerennialError('PRN_FEATURE_INVALID', `Cannot use the SQL of view "${view}" as ${problem}`, { details: { view } });

/** Table functions that make rows out of their arguments; all others read files or the database's own state. */
const harmlessTableFunctions = new Set(['range', 'generate_series', 'unnest']);

const cteNames = (statement: SyntaxNode): Set<string> => {
  const names = new Set<string>();
  visitNodes(statement, (node) => {
    const map = (node['cte_map'] as { map?: { key: string }[] } | undefined)?.map ?? [];
    for (const { key } of map) names.add(key.toLowerCase());
  });
  return names;
};

const relationProblem = (node: SyntaxNode, allowed: ReadonlySet<string>): string | null => {
  if (node['type'] === 'BASE_TABLE') {
    const isQualified = node['schema_name'] !== '' || node['catalog_name'] !== '';
    const table = String(node['table_name']);
    if (isQualified || !allowed.has(table.toLowerCase()))
      return `it must read only ${[...allowed].join(', ')}: it reads "${table}"`;
  }
  if (node['type'] === 'TABLE_FUNCTION') {
    const name = String((node['function'] as SyntaxNode)['function_name']);
    if (!harmlessTableFunctions.has(name.toLowerCase())) return `it must not call "${name}", which reads more than the data`;
  }
  if (node['type'] === 'SHOW_REF') return 'it must not describe or show relations';
  return null;
};

const check = async (db: Duck, view: string, sql: string, sources: readonly string[]): Promise<void> => {
  const statements = await parseStatements(db, sql);
  if (!Array.isArray(statements)) throw invalid(view, `it must be one SELECT: DuckDB says ${statements.problem}`);
  if (statements.length !== 1) throw invalid(view, `it must be one SELECT: there are ${statements.length} statements`);
  const [statement] = statements as [SyntaxNode];
  const { unstable } = await functionFacts(db);
  const own = cteNames(statement);
  const reserved = ['events', ...sources].find((name) => own.has(name.toLowerCase()));
  if (reserved !== undefined) throw invalid(view, `it must not give the name "${reserved}" to a query of its own`);
  const allowed = new Set(['events', ...sources, ...own].map((name) => name.toLowerCase()));
  visitNodes(statement, (node) => {
    const problem = relationProblem(node, allowed);
    if (problem !== null) throw invalid(view, problem);
    const name = typeof node['function_name'] === 'string' ? node['function_name'].toLowerCase() : '';
    if (unstable.has(name)) throw invalid(view, `it must not call "${name}", which answers differently from call to call`);
  });
};

/** What a relation of the user's SQL reads: all of it, or what was known at an instant. */
export type Reading = { readonly events: string; readonly source: (name: string) => string };

/** Everything: what the view sees when it is used. `_row` is ours and stays hidden. */
export const readAll: Reading = {
  events: 'SELECT * EXCLUDE (_row) FROM snapshot',
  source: (name) => `SELECT * FROM ${sourceRelation(name)}`,
};

const withRelations = (sql: string, sources: readonly string[], reading: Reading): string => {
  const relations = [
    `events AS (${reading.events})`,
    ...sources.map((name) => `${quoteName(name)} AS (${reading.source(name)})`),
  ];
  return `WITH ${relations.join(', ')} SELECT * FROM (${sql}\n)`;
};

type BodyShape = { readonly entity: readonly string[]; readonly knownAt: string; readonly values: readonly ViewValue[] };

const castValue = (value: ViewValue): string =>
  value.type === 'number' ? `CAST(${quoteName(value.name)} AS DOUBLE)` : `CAST(${quoteName(value.name)} AS VARCHAR)`;

/**
 * One row for each entity and instant. Where the user's SQL gives several, the greatest is taken whole: any rule will
 * do as long as it is always the same.
 */
const newestRows = (body: string, shape: BodyShape): string => {
  const fields = shape.values.map((value) => `${quoteName(value.name)}: ${castValue(value)}`).join(', ');
  const keys = shape.entity.map(quoteName).join(', ');
  return (
    `SELECT ${keys}, CAST(${quoteName(shape.knownAt)} AS TIMESTAMP) AS __known_at, max({${fields}}) AS __values ` +
    `FROM (${body}) WHERE ${quoteName(shape.knownAt)} IS NOT NULL GROUP BY ALL`
  );
};

/** SQL of a view's values for the rows of `asking` (a relation with `_row`, entity and event time). */
export const joinSql = (
  view: SqlView,
  eventTime: string,
  asking: string,
  reading: Reading,
  sources: readonly string[],
): string => {
  const rows = newestRows(withRelations(view.body, sources, reading), view);
  const equal = view.entity.map((column) => `asking.${quoteName(column)} = known.${quoteName(column)}`).join(' AND ');
  const values = view.values.map((value) => `known.__values.${quoteName(value.name)} AS ${quoteName(value.name)}`);
  return (
    `SELECT asking._row AS _row, ${values.join(', ')} FROM ${asking} AS asking ASOF LEFT JOIN (${rows}) AS known ` +
    `ON ${equal} AND asking.${quoteName(eventTime)} >= known.__known_at`
  );
};

/** SQL of the newest row of each entity known at an instant. */
export const newestSql = (view: SqlView, at: string, sources: readonly string[]): string => {
  const rows = newestRows(withRelations(view.body, sources, readAll), view);
  const keys = view.entity.map(quoteName).join(', ');
  const values = view.values.map((value) => `arg_max(__values, __known_at).${quoteName(value.name)} AS ${quoteName(value.name)}`);
  const present = view.entity.map((column) => `${quoteName(column)} IS NOT NULL`).join(' AND ');
  return (
    `SELECT ${keys}, ${values.join(', ')}, max(__known_at) AS __known_at FROM (${rows}) ` +
    `WHERE __known_at <= ${at} AND ${present} GROUP BY ${keys}`
  );
};

type TypeOf = (view: string, name: string, type: string) => ViewValue['type'];

const shapeOf = async (db: Duck, name: string, spec: SqlViewSpec, scope: ViewScope, typeOf: TypeOf): Promise<BodyShape> => {
  const described = await describeQuery(db, withRelations(spec.sql, scope.sources, readAll)).catch((error: Error) => {
    throw invalid(name, `DuckDB says: ${duckMessage(error)}`);
  });
  const missing = [...spec.entity, spec.known_at].find((column) => !described.some((each) => each.name === column));
  if (missing !== undefined) {
    const given = described.map((each) => each.name).join(', ');
    throw invalid(name, `its result must have the column "${missing}": it has ${given}`);
  }
  const knownAt = described.find((each) => each.name === spec.known_at);
  if (!/^(TIMESTAMP|DATE)/.test(knownAt?.type ?? '')) {
    throw invalid(name, `its column "${spec.known_at}" must be a timestamp: it is ${knownAt?.type}`);
  }
  const values = described
    .filter((each) => each.name !== spec.known_at && !spec.entity.includes(each.name))
    .map((each) => ({ name: each.name, type: typeOf(name, each.name, each.type) }));
  if (values.length === 0) throw invalid(name, 'its result must have a value beside entity and known_at');
  return { entity: spec.entity, knownAt: spec.known_at, values };
};

/** Checks a user's SQL and learns its values. Throws PRN_FEATURE_INVALID. The proof comes apart: see truncation.ts. */
export const compileSqlView = async (
  db: Duck,
  name: string,
  spec: SqlViewSpec,
  scope: ViewScope,
  typeOf: TypeOf,
): Promise<SqlView> => {
  if (/^\S+\.sql$/i.test(spec.sql)) {
    throw invalid(name, `the definition must hold its text: it holds the name of a file, "${spec.sql}"`);
  }
  // A semicolon at the end is how people end a query; inside our parentheses it would be an error.
  const body = spec.sql.replace(/[\s;]+$/, '');
  await check(db, name, body, scope.sources);
  const shape = await shapeOf(db, name, { ...spec, sql: body }, scope, typeOf);
  const draft: SqlView = { kind: 'sql', name, ...shape, body, sql: '' };
  return { ...draft, sql: joinSql(draft, scope.eventTime, 'snapshot', readAll, scope.sources) };
};
