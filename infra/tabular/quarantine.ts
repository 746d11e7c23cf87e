import type { DatasetPart } from '#domain/contracts/dataset.ts';
import type { Sha256 } from '#domain/units.ts';
import { brokenRows, type PlannedCheck } from './checks.ts';
import type { Duck } from './duckdb.ts';
import type { NewValues } from './findings.ts';
import { parquetOf, quoteName, quoteText, quoteTexts } from './sql.ts';

/** A part with the local file that holds its bytes. */
export type LocalPart = { readonly part: DatasetPart; readonly file: string };

const located = (parts: readonly LocalPart[]): string => {
  const files = parts.map((local) => local.file);
  return `(SELECT * FROM ${parquetOf(files, ', filename = true, file_row_number = true')})`;
};

/** Rows that checks of severity "quarantine" name, as the table `quarantine`: file, row, check, and the row for people. */
const collect = async (
  db: Duck,
  parts: readonly LocalPart[],
  checks: readonly PlannedCheck[],
  newValues: readonly NewValues[],
): Promise<void> => {
  const relation = located(parts);
  await db.run('CREATE OR REPLACE TABLE quarantine (file VARCHAR, "row" BIGINT, "check" VARCHAR, raw VARCHAR)');
  const add = (name: string, rows: string) =>
    db.run(`INSERT INTO quarantine SELECT filename, file_row_number, ${quoteText(name)},
      to_json(q)::VARCHAR FROM (SELECT * FROM (${rows})) q`);
  for (const check of checks) await add(check.spec.name, brokenRows(check, relation));
  for (const { column, values } of newValues)
    await add(
      `new values of ${column}`,
      `SELECT * FROM ${relation} WHERE ${quoteName(column)} IN (${values.map(quoteText).join(', ')})`,
    );
};

/**
 * Sets rows aside: writes their places (digest of the part, row from 0) with the names of the checks and the row itself
 * to a Parquet file. Returns the number of rows; no file where it is 0.
 */
export const writeQuarantine = async (
  db: Duck,
  parts: readonly LocalPart[],
  checks: readonly PlannedCheck[],
  newValues: readonly NewValues[],
  file: string,
): Promise<number> => {
  if (checks.length + newValues.length === 0) return 0;
  await collect(db, parts, checks, newValues);
  const files = quoteTexts(parts.map((local) => local.file));
  const digests = quoteTexts(parts.map((local) => local.part.sha256));
  const { count } = await db.row<{ count: number }>('SELECT count(DISTINCT (file, "row")) AS count FROM quarantine');
  if (count > 0)
    await db.run(`COPY (SELECT ${digests}[list_position(${files}, file)] AS part, "row", string_agg(DISTINCT "check", '; ' ORDER BY "check") AS checks,
      min(raw) AS raw FROM quarantine GROUP BY file, "row" ORDER BY part, "row") TO ${quoteText(file)} (FORMAT parquet, COMPRESSION zstd)`);
  return count;
};

/** Rows set aside of each part: digest to row numbers. */
export const readQuarantine = async (db: Duck, file: string): Promise<ReadonlyMap<Sha256, number>> => {
  const rows = await db.rows<{ part: Sha256; rows: number }>(
    `SELECT part, count(*) AS "rows" FROM ${parquetOf([file])} GROUP BY part ORDER BY part`,
  );
  return new Map(rows.map((row) => [row.part, row.rows]));
};

/** Writes a part again without its quarantined rows, in the same order. */
export const withoutQuarantined = async (db: Duck, local: LocalPart, quarantine: string, to: string): Promise<void> => {
  await db.run(`COPY (SELECT * EXCLUDE (file_row_number) FROM ${parquetOf([local.file], ', file_row_number = true')}
    WHERE file_row_number NOT IN (SELECT "row" FROM ${parquetOf([quarantine])} WHERE part = ${quoteText(local.part.sha256)})
    ORDER BY file_row_number) TO ${quoteText(to)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)`);
};
