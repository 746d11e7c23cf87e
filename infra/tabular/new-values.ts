import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import type { Duck } from './duckdb.ts';
import type { NewValues } from './findings.ts';
import type { LocalPart } from './quarantine.ts';
import { parquetOf, quoteName } from './sql.ts';

/** More new values than this are told by number only. */
const maxValues = 1000;

/**
 * Values of category columns that the snapshot before does not have. Parts that both share are read once, as the past;
 * where nothing is new there is nothing to read.
 */
export const findNewValues = async (
  db: Duck,
  schema: DatasetSchema,
  parts: readonly LocalPart[],
  before: readonly LocalPart[],
): Promise<NewValues[]> => {
  const known = new Set(before.map((local) => local.part.sha256));
  const fresh = parts.filter((local) => !known.has(local.part.sha256));
  const columns = schema.columns.filter((column) => column.type === 'category' && column.new_values !== 'allow');
  if (before.length === 0 || fresh.length === 0) return [];
  const there = new Set(
    (await db.rows<{ column_name: string }>(`DESCRIBE SELECT * FROM ${parquetOf(before.map((local) => local.file))}`)).map(
      (row) => row.column_name,
    ),
  );
  const found: NewValues[] = [];
  for (const column of columns.filter((candidate) => there.has(candidate.name))) {
    const name = quoteName(column.name);
    const past = `SELECT DISTINCT ${name} FROM ${parquetOf(before.map((local) => local.file))} WHERE ${name} IS NOT NULL`;
    const { rows, values } = await db.row<{
      rows: number;
      values: string[] | null;
    }>(`SELECT coalesce(sum(n), 0)::BIGINT AS "rows",
      min(value, ${maxValues}) AS "values" FROM (SELECT ${name} AS value, count(*) AS n FROM ${parquetOf(fresh.map((local) => local.file))}
      WHERE ${name} IS NOT NULL AND ${name} NOT IN (${past}) GROUP BY ${name})`);
    found.push({
      column: column.name,
      severity: column.new_values === 'reject' ? 'quarantine' : 'warn',
      rows,
      values: values ?? [],
    });
  }
  return found;
};
