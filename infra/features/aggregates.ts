/**
 * A value of an aggregate view, such as `avg(late)` or `count(*) FILTER (late) / count(*)`, taken apart: the aggregates
 * in it, and the expression around them. Each aggregate can then be given a window and a filter.
 */
import { PerennialError } from '#domain/errors.ts';
import { nearestName } from '#domain/features/nearest-name.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { checkExpression } from '../tabular/expression.ts';
import { functionFacts } from '../tabular/functions.ts';
import { quoteName } from '../tabular/sql.ts';
import { parseExpression, replaceNodes, type SyntaxNode, visitNodes, writeExpression } from './syntax.ts';

export type AggregateValue = {
  readonly name: string;
  /** Whether it reads the label or an outcome column, which are known only after the label's delay. */
  readonly touchesLabel: boolean;
  /** SQL of each aggregate, its own FILTER included. */
  readonly aggregates: readonly string[];
  /** For each aggregate what it sums and counts, where adding and taking away rows is exact; else null. */
  readonly sums: readonly (ExactSum | null)[];
  /** The whole value, with the aggregates in the form that `form` gives them. */
  write(form: (aggregate: string, index: number) => string): string;
};

/** A count, sum or mean of whole numbers: sliding over rows gives the very number that counting anew would. */
export type ExactSum = {
  readonly kind: 'count' | 'sum' | 'mean';
  /** SQL of the number that a row adds; null for count(*). */
  readonly argument: string | null;
  /** SQL of the condition on a row; null for every row. */
  readonly filter: string | null;
};

export type AggregateScope = {
  /** Columns that a value may read, as they are written. */
  readonly columns: readonly { readonly name: string; readonly isBoolean: boolean }[];
  /** Label and outcome columns. */
  readonly knownLate: readonly string[];
  readonly label: string;
};

/** Aggregates that count a true as 1; DuckDB has no such form for BOOLEAN. */
const ofNumbers = new Set(['avg', 'mean', 'sum', 'fsum', 'favg', 'stddev', 'stddev_pop', 'stddev_samp', 'var_pop', 'var_samp']);
const same = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();

const invalid = (what: string, sql: string, problem: string): PerennialError =>
  new PerennialError('PRN_FEATURE_INVALID', `Cannot build ${what} as ${problem}: the expression is "${sql}"`, {
    details: { what, sql },
  });

/** The column that a reference names; a whole row or another relation is refused, as it may hide the label. */
const columnOf = (node: SyntaxNode, scope: AggregateScope, fail: (problem: string) => Error): string => {
  const path = node['column_names'] as string[];
  const name = path.length === 2 && same(path[0] as string, 'events') ? (path[1] as string) : (path[0] as string);
  const column = path.length <= 2 ? scope.columns.find((each) => same(each.name, name)) : undefined;
  if (column !== undefined && (path.length === 1 || same(path[0] as string, 'events'))) return column.name;
  const meant = nearestName(
    name,
    scope.columns.map((each) => each.name),
  );
  throw fail(`"${path.join('.')}" must be a column of the data${meant === null ? '' : `; did you mean "${meant}"?`}`);
};

const refusedClasses: Readonly<Record<string, string>> = {
  WINDOW: 'it holds a window of its own; the view sets the window',
  POSITIONAL_REFERENCE: 'it names a column by position',
  LAMBDA: 'it holds a lambda',
};

const checkNodes = (tree: SyntaxNode, scope: AggregateScope, fail: (problem: string) => Error): string[] => {
  const columns: string[] = [];
  visitNodes(tree, (node) => {
    const refused = refusedClasses[String(node['class'])];
    if (refused !== undefined) throw fail(refused);
    if (node['class'] === 'COLUMN_REF') columns.push(columnOf(node, scope, fail));
  });
  return columns;
};

const asInteger = (child: SyntaxNode): SyntaxNode => ({
  class: 'CAST',
  type: 'OPERATOR_CAST',
  alias: '',
  query_location: 0,
  child,
  cast_type: { id: 'INTEGER', type_info: null },
  try_cast: false,
});

const isBooleanExpression = async (db: Duck, node: SyntaxNode, scope: AggregateScope): Promise<boolean> => {
  if (node['class'] === 'COLUMN_REF') {
    const path = node['column_names'] as string[];
    return scope.columns.some((column) => column.isBoolean && same(column.name, path.at(-1) as string));
  }
  const sql = await writeExpression(db, node);
  const [column] = await db.rows<{ column_type: string }>(`DESCRIBE SELECT ${sql} FROM snapshot AS events`);
  return column?.column_type === 'BOOLEAN';
};

/** An aggregate of truths counts them: its argument becomes 0 or 1. */
const countingTruths = async (db: Duck, node: SyntaxNode, scope: AggregateScope): Promise<SyntaxNode> => {
  const children = node['children'] as SyntaxNode[];
  if (!ofNumbers.has(String(node['function_name'])) || children.length !== 1) return node;
  const [child] = children as [SyntaxNode];
  return (await isBooleanExpression(db, child, scope)) ? { ...node, children: [asInteger(child)] } : node;
};

const withFilter = (node: SyntaxNode, condition: SyntaxNode): SyntaxNode => {
  const existing = node['filter'] as SyntaxNode | null;
  const both = { class: 'CONJUNCTION', type: 'CONJUNCTION_AND', alias: '', query_location: 0, children: [existing, condition] };
  return { ...node, filter: existing === null ? condition : both };
};

const sumKinds: Readonly<Record<string, ExactSum['kind']>> = {
  count_star: 'count',
  count: 'count',
  sum: 'sum',
  avg: 'mean',
  mean: 'mean',
};

const isWhole = async (db: Duck, sql: string): Promise<boolean> => {
  const [column] = await db.rows<{ column_type: string }>(`DESCRIBE SELECT ${sql} FROM snapshot AS events`).catch(() => []);
  return /^(TINYINT|SMALLINT|INTEGER|BIGINT|UTINYINT|USMALLINT|UINTEGER)$/.test(column?.column_type ?? '');
};

const exactSumOf = async (db: Duck, node: SyntaxNode): Promise<ExactSum | null> => {
  const kind = sumKinds[String(node['function_name']).toLowerCase()];
  const children = node['children'] as SyntaxNode[];
  const orders = (node['order_bys'] as { orders?: unknown[] } | null)?.orders ?? [];
  if (kind === undefined || node['distinct'] === true || orders.length > 0 || children.length > 1) return null;
  const [child] = children;
  const argument = child === undefined ? null : await writeExpression(db, child);
  if (argument !== null && kind !== 'count' && !(await isWhole(db, argument))) return null;
  const filter = node['filter'] === null ? null : await writeExpression(db, node['filter'] as SyntaxNode);
  return { kind, argument, filter };
};

type Found = { readonly outer: SyntaxNode; readonly aggregates: SyntaxNode[] };

/** Takes the aggregates out and leaves references of ours in their places. */
const takeApart = (tree: SyntaxNode, isAggregate: (node: SyntaxNode) => boolean): Found => {
  const aggregates: SyntaxNode[] = [];
  const outer = replaceNodes(tree, (node) => {
    if (!isAggregate(node)) return null;
    const name = `perennial_aggregate_${aggregates.push(node) - 1}`;
    return { class: 'COLUMN_REF', type: 'COLUMN_REF', alias: '', query_location: 0, column_names: [name] };
  }) as SyntaxNode;
  return { outer, aggregates };
};

const looseColumn = (outer: SyntaxNode): string | null => {
  let loose: string | null = null;
  visitNodes(outer, (node) => {
    const name = node['class'] === 'COLUMN_REF' ? (node['column_names'] as string[]).join('.') : 'perennial_aggregate_0';
    if (!/^perennial_aggregate_\d+$/.test(name)) loose = name;
  });
  return loose;
};

/**
 * Takes one value of a view apart. Rows whose label is not known do not count for a value that reads the label.
 * Throws PRN_DATA_SQL for what is no expression, PRN_FEATURE_INVALID for what cannot be a view's value.
 */
export const takeValueApart = async (
  db: Duck,
  view: string,
  name: string,
  sql: string,
  scope: AggregateScope,
): Promise<AggregateValue> => {
  const what = `value "${name}" of view "${view}"`;
  const fail = (problem: string) => invalid(what, sql, problem);
  await checkExpression(db, what, sql);
  const { aggregates: names } = await functionFacts(db);
  const isAggregate = (node: SyntaxNode) =>
    node['class'] === 'FUNCTION' && names.has(String(node['function_name']).toLowerCase());
  const tree = await parseExpression(db, sql);
  const columns = checkNodes(tree, scope, fail);
  const { outer, aggregates } = takeApart(tree, isAggregate);
  if (aggregates.length === 0) throw fail('it must hold an aggregate, such as count(*) or avg(column)');
  const loose = looseColumn(outer);
  if (loose !== null) throw fail(`"${loose}" stands outside of an aggregate`);
  const touchesLabel = columns.some((column) => scope.knownLate.some((late) => same(late, column)));
  const labelKnown = await parseExpression(db, `${quoteName(scope.label)} IS NOT NULL`);
  const texts: string[] = [];
  const sums: (ExactSum | null)[] = [];
  for (const aggregate of aggregates) {
    const counting = await countingTruths(db, aggregate, scope);
    const known = touchesLabel ? withFilter(counting, labelKnown) : counting;
    texts.push(await writeExpression(db, known));
    sums.push(await exactSumOf(db, known));
  }
  const around = await writeExpression(db, outer);
  return {
    name,
    touchesLabel,
    aggregates: texts,
    sums,
    write: (form) =>
      around.replace(/\bperennial_aggregate_(\d+)\b/g, (_, index: string) => form(texts[Number(index)] as string, Number(index))),
  };
};
