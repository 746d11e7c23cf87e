/** SQL as DuckDB itself parses it: trees in, trees out. Nothing here guesses with patterns. */
import type { Duck } from '../tabular/duckdb.ts';
import { quoteText } from '../tabular/sql.ts';

export type SyntaxNode = { [field: string]: unknown };

/** DuckDB writes "no location" as 2^64 - 1, which a JavaScript number cannot hold and the way back would refuse. */
const withoutLocations = (json: string): string => json.replace(/"query_location":\d+/g, '"query_location":0');

/** Statements of an SQL text, or what DuckDB's parser says against it. */
export const parseStatements = async (db: Duck, sql: string): Promise<SyntaxNode[] | { readonly problem: string }> => {
  const { tree } = await db.row<{ tree: string }>(`SELECT json_serialize_sql(${quoteText(sql)}) AS tree`);
  const parsed = JSON.parse(withoutLocations(tree)) as { error: boolean; error_message?: string; statements?: SyntaxNode[] };
  return parsed.error ? { problem: parsed.error_message ?? 'it is not SQL' } : (parsed.statements ?? []);
};

const selectOf = (statement: SyntaxNode): SyntaxNode => (statement['node'] as SyntaxNode) ?? {};

/** The tree of one expression that is known to be sound. */
export const parseExpression = async (db: Duck, sql: string): Promise<SyntaxNode> => {
  const statements = await parseStatements(db, `SELECT ${sql}`);
  if (!Array.isArray(statements)) throw new TypeError(`Cannot parse "${sql}": ${statements.problem}`);
  return (selectOf(statements[0] as SyntaxNode)['select_list'] as SyntaxNode[])[0] as SyntaxNode;
};

/** The SQL text of an expression's tree. */
export const writeExpression = async (db: Duck, node: SyntaxNode): Promise<string> => {
  const statements = (await parseStatements(db, 'SELECT 1')) as SyntaxNode[];
  const select = selectOf(statements[0] as SyntaxNode);
  select['select_list'] = [{ ...node, alias: '' }];
  const json = JSON.stringify({ error: false, statements });
  const { sql } = await db.row<{ sql: string }>(`SELECT json_deserialize_sql(${quoteText(json)}::JSON) AS sql`);
  return sql.replace(/^SELECT /, '');
};

/** Calls `see` for every node of a tree, parents first. */
export const visitNodes = (value: unknown, see: (node: SyntaxNode) => void): void => {
  if (Array.isArray(value)) for (const inner of value) visitNodes(inner, see);
  else if (value !== null && typeof value === 'object') {
    see(value as SyntaxNode);
    for (const inner of Object.values(value)) visitNodes(inner, see);
  }
};

/** A copy of a tree in which `change` has replaced the nodes for which it gives another. */
export const replaceNodes = (value: unknown, change: (node: SyntaxNode) => SyntaxNode | null): unknown => {
  if (Array.isArray(value)) return value.map((inner) => replaceNodes(inner, change));
  if (value === null || typeof value !== 'object') return value;
  const changed = change(value as SyntaxNode);
  if (changed !== null) return changed;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, replaceNodes(inner, change)]));
};

/** Names of a relation's columns with their types, without running it. Throws what DuckDB says. */
export const describeQuery = async (db: Duck, sql: string): Promise<{ name: string; type: string }[]> =>
  (await db.rows<{ column_name: string; column_type: string }>(`DESCRIBE ${sql}`)).map((row) => ({
    name: row.column_name,
    type: row.column_type,
  }));
