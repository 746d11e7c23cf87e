import type { Batch } from '#domain/contracts/dataset.ts';
import type { Duck } from './duckdb.ts';
import { badRow, beforeCutoff, type RowPlan, typedName, typedRows } from './rows.ts';
import { quoteText, quoteTexts } from './sql.ts';
import { linesOf, type ReadableObject } from './stage.ts';

/**
 * Rows set aside. `line` is where a person looks: the line of a text, the row of a Parquet file, both from 1. Until
 * `resolveLines` it is unknown for CSV, where only the record's number is at hand (or the reader's own count of records).
 */
export const createRejectsTable = `CREATE TABLE rejects (source VARCHAR, object VARCHAR, line BIGINT, "column" VARCHAR,
  reason VARCHAR, value VARCHAR, raw VARCHAR, record BIGINT, ordinal BIGINT)`;

/** Raw text kept of a row, in characters; enough to recognise it. */
const maxRaw = 10_000;

const objectOf = (plan: RowPlan): string => {
  const files = quoteTexts(plan.objects.map((object) => object.parquet));
  const keys = quoteTexts(plan.objects.map((object) => object.key));
  return `${keys}[list_position(${files}, file)]`;
};

const rawOf = (plan: RowPlan): string => {
  const fields = plan.columns.map((column, index) => `${quoteText(column.name)}: r${index}`);
  return `left(to_json({${fields.join(', ')}})::VARCHAR, ${maxRaw})`;
};

/** CSV knows its lines later, NDJSON carries them, Parquet has rows. */
const placeOf = (plan: RowPlan): string => {
  const isCsv = plan.objects.some((object) => object.text?.kind === 'csv');
  return isCsv ? `"row" AS record` : `coalesce(line, "row") AS line`;
};

const insertBroken = (plan: RowPlan): string => {
  const first = plan.rules.map((rule, index) => `WHEN ${rule.when} THEN ${index + 1}`).join(' ');
  const columnIndex = (name: string) => plan.columns.findIndex((column) => column.name === name);
  const values = plan.rules.map((rule) => `left(r${columnIndex(rule.column)}::VARCHAR, ${maxRaw})`).join(', ');
  return `INSERT INTO rejects BY NAME SELECT ${quoteText(plan.source)} AS source, ${objectOf(plan)} AS object, ${placeOf(plan)},
    ${quoteTexts(plan.rules.map((rule) => rule.column))}[rule] AS "column", ${quoteTexts(plan.rules.map((rule) => rule.reason))}[rule] AS reason,
    [${values}][rule] AS value, ${rawOf(plan)} AS raw
    FROM (SELECT *, CASE ${first} END AS rule FROM ${typedRows(plan, true)} WHERE ${badRow(plan)} AND ${beforeCutoff(plan)})`;
};

/** The order in which rows of one key are compared: the first stays. */
export const totalOrder = (plan: RowPlan): string => {
  const event = plan.eventTime === null ? [] : [typedName(plan, plan.eventTime)];
  return [...event, ...plan.columns.map((_, index) => `t${index}`)].map((name) => `${name} ASC NULLS LAST`).join(', ');
};

export const keyNames = (plan: RowPlan): string[] => plan.key.map((name) => typedName(plan, name));

const insertDuplicates = (plan: RowPlan): string => {
  const keys = keyNames(plan);
  return `INSERT INTO rejects BY NAME SELECT ${quoteText(plan.source)} AS source, ${objectOf(plan)} AS object, ${placeOf(plan)},
    ${quoteText(plan.key.join(', '))} AS "column", 'duplicate key' AS reason, concat_ws(', ', ${keys.join(', ')}) AS value, ${rawOf(plan)} AS raw
    FROM (SELECT * FROM ${typedRows(plan, true)} WHERE NOT ${badRow(plan)} AND ${beforeCutoff(plan)}
      AND (${keys.join(', ')}) IN (SELECT (${keys.join(', ')}) FROM duplicate_keys)
      QUALIFY row_number() OVER (PARTITION BY ${keys.join(', ')} ORDER BY ${totalOrder(plan)}, file, "row") > 1)`;
};

/**
 * Line numbers of one CSV file. A record begins where the number of quotes before it is even; blank lines are no
 * records; the reader's own count (`ordinal`) is of beginnings, the records' is of beginnings that were read.
 */
const resolveCsvLines = async (db: Duck, object: ReadableObject, file: string): Promise<void> => {
  const where = `source = ${quoteText(object.source)} AND object = ${quoteText(object.key)}`;
  const quotes = `strlen(line) - strlen(replace(line, '"', ''))`;
  await db.run(`CREATE OR REPLACE TABLE begins AS SELECT physical, line IS NULL AS blank, row_number() OVER () AS ordinal FROM (
    SELECT physical, line, coalesce(sum(${quotes}) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) % 2 = 0 AS begins
    FROM (SELECT line, row_number() OVER () AS physical FROM ${linesOf(file, 'latin-1')})) WHERE begins`);
  await db.run(`CREATE OR REPLACE TABLE records AS SELECT physical, row_number() OVER () AS record FROM begins
    WHERE NOT blank AND ordinal > 1 AND ordinal NOT IN (SELECT ordinal FROM rejects WHERE ${where} AND ordinal IS NOT NULL)`);
  await db.run(`UPDATE rejects SET line = begins.physical FROM begins WHERE ${where} AND rejects.ordinal = begins.ordinal`);
  await db.run(`UPDATE rejects SET line = records.physical FROM records WHERE ${where} AND rejects.record = records.record`);
};

export type RejectCounts = { readonly broken: number; readonly duplicates: number };

/** Writes the rows of one source that its rules and its key set aside into the table, with their places. */
export const collectRejects = async (db: Duck, plan: RowPlan, counts: RejectCounts): Promise<void> => {
  if (counts.broken > 0) await db.run(insertBroken(plan));
  if (counts.duplicates > 0) await db.run(insertDuplicates(plan));
};

/** Looks up lines where only counts are known. Reads each CSV file that has rejected rows once more. */
export const resolveLines = async (db: Duck, objects: readonly ReadableObject[]): Promise<void> => {
  const affected = await db.rows<{ source: string; object: string }>(
    'SELECT DISTINCT source, object FROM rejects WHERE line IS NULL ORDER BY ALL',
  );
  for (const { source, object } of affected) {
    const found = objects.find((candidate) => candidate.source === source && candidate.key === object);
    if (found?.text) await resolveCsvLines(db, found, found.text.file);
  }
};

/** How a person finds the row: text has lines, Parquet has rows. */
const exampleSql = `object || CASE WHEN regexp_matches(object, '\\.(parquet|pq)$', 'i') THEN ' row ' ELSE ' line ' END
  || coalesce(line::VARCHAR, '?') || CASE WHEN value IS NULL THEN '' ELSE ': "' || left(value, 100) || '"' END`;

/** Writes all rejected rows, sorted, to a Parquet file; null where there are none. */
export const writeRejects = async (db: Duck, file: string): Promise<Batch['rejected']['reasons'] | null> => {
  const reasons = await db.rows<Batch['rejected']['reasons'][number]>(`SELECT reason, "column", count(*) AS "rows",
    arg_min(${exampleSql}, (source, object, coalesce(line, 0))) AS example FROM rejects GROUP BY reason, "column" ORDER BY "rows" DESC, reason, "column"`);
  if (reasons.length === 0) return null;
  await db.run(`COPY (SELECT source, object, line, "column", reason, value, raw FROM rejects ORDER BY ALL)
    TO ${quoteText(file)} (FORMAT parquet, COMPRESSION zstd)`);
  return reasons;
};
