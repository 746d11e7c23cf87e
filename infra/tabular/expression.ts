import { PerennialError } from '#domain/errors.ts';
import { type Duck, duckMessage } from './duckdb.ts';
import { type FunctionFacts, functionFacts } from './functions.ts';
import { quoteText } from './sql.ts';

export type ExpressionFacts = {
  /** Safe to put between parentheses: one expression, no statement, no subquery, the same answer every time. */
  readonly sql: string;
  readonly hasAggregate: boolean;
  readonly hasWindow: boolean;
  readonly columns: readonly string[];
};

type Node = { [field: string]: unknown };
const visit = (value: unknown, see: (node: Node) => void): void => {
  if (Array.isArray(value)) for (const inner of value) visit(inner, see);
  else if (value !== null && typeof value === 'object') {
    see(value as Node);
    for (const inner of Object.values(value)) visit(inner, see);
  }
};

/** What stands where only an expression may stand; null where all is well. */
const shapeProblem = (statements: readonly Node[]): string | null => {
  if (statements.length !== 1) return `${statements.length} statements stand where one expression should`;
  const node = statements[0]?.['node'] as Node;
  const expressions = (node['select_list'] ?? []) as Node[];
  const from = node['from_table'] as Node | undefined;
  const hasMore = ['where_clause', 'having', 'qualify', 'sample'].some((field) => node[field] !== null);
  const isBare = node['type'] === 'SELECT_NODE' && from?.['type'] === 'EMPTY' && !hasMore;
  if (!isBare || (node['modifiers'] as unknown[]).length > 0 || (node['group_expressions'] as unknown[]).length > 0)
    return 'a whole query stands where one expression should';
  if (expressions.length !== 1) return `${expressions.length} expressions stand where one should`;
  return expressions[0]?.['alias'] ? 'an alias stands where only an expression should' : null;
};

const nodeProblem = (node: Node, sets: FunctionFacts): string | null => {
  if (node['class'] === 'SUBQUERY') return 'it holds a subquery, which a single expression must not';
  if (node['class'] === 'STAR') return 'it holds "*", which a single expression must not';
  if (node['class'] === 'PARAMETER') return 'it holds a parameter, which has no value here';
  const name = typeof node['function_name'] === 'string' ? node['function_name'].toLowerCase() : null;
  if (name !== null && sets.unstable.has(name)) return `"${name}" gives another answer each time, which evidence must not`;
  return null;
};

/**
 * Checks that a text of a pipeline file is one SQL expression that only computes: parsed by DuckDB itself, no
 * statement, no subquery, no function whose answer changes. Throws PRN_DATA_SQL naming `what`, such as `check "rows per day"`.
 */
export const checkExpression = async (db: Duck, what: string, sql: string): Promise<ExpressionFacts> => {
  const fail = (problem: string) =>
    new PerennialError('PRN_DATA_SQL', `Cannot evaluate ${what} as ${problem}: the expression is "${sql}"`, {
      details: { what, sql },
    });
  const { tree } = await db
    .row<{ tree: string }>(`SELECT json_serialize_sql(${quoteText(`SELECT ${sql}`)}) AS tree`)
    .catch((error) => {
      throw fail(duckMessage(error));
    });
  const parsed = JSON.parse(tree) as { error: boolean; error_message?: string; statements?: Node[] };
  if (parsed.error) throw fail(`it is not SQL: ${parsed.error_message}`);
  const problem = shapeProblem(parsed.statements ?? []);
  if (problem) throw fail(problem);
  const sets = await functionFacts(db);
  const columns = new Set<string>();
  let hasAggregate = false;
  let hasWindow = false;
  visit(parsed.statements, (node) => {
    const refused = nodeProblem(node, sets);
    if (refused) throw fail(refused);
    if (node['class'] === 'WINDOW') hasWindow = true;
    if (node['class'] === 'COLUMN_REF') columns.add((node['column_names'] as string[]).join('.'));
    if (node['class'] === 'FUNCTION' && sets.aggregates.has(String(node['function_name']).toLowerCase())) hasAggregate = true;
  });
  // The line break ends a trailing comment before our parenthesis.
  return { sql: `(${sql}\n)`, hasAggregate, hasWindow, columns: [...columns] };
};
