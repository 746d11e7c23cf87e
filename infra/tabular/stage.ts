import { join } from 'node:path';
import { PerennialError } from '#domain/errors.ts';
import { type CsvDialect, readCsvDialect } from './csv-dialect.ts';
import { type Duck, duckMessage } from './duckdb.ts';
import { findOddLine } from './line-ends.ts';
import { parquetOf, quoteName, quoteText } from './sql.ts';

/** A source object that can be read as Parquet; text formats were brought into that form, all columns as text. */
export type ReadableObject = {
  readonly source: string;
  readonly key: string;
  readonly parquet: string;
  /** What is needed to say in which line of a text a record stands. */
  readonly text: { readonly kind: 'csv' | 'ndjson'; readonly file: string; readonly records: number } | null;
};

/** The name of the column that carries line numbers of NDJSON through its staged form. */
export const lineColumn = '__perennial_line';

const maxLineBytes = 2_097_152;
const staged = (folder: string, index: string): string => join(folder, `staged-${index}.parquet`);
// LZ4 costs least of all codecs, and the file lives for a minute.
const asParquet = (sql: string, file: string): string => `COPY (${sql}) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION lz4)`;
const compressionOf = (file: string): string => (/\.gz$/i.test(file) ? 'gzip' : 'none');

const unreadable = (key: string, kind: string) => (cause: unknown) => {
  throw new PerennialError('PRN_SOURCE_UNREADABLE', `Cannot read "${key}" as ${kind} as it is not: ${duckMessage(cause)}`, {
    cause,
  });
};

/** What the reader says of a mixture of line ends helps nobody: the line does. */
const unreadableCsv = (key: string, file: string) => async (cause: unknown) => {
  const odd = await findOddLine(file).catch(() => null);
  if (odd === null) return unreadable(key, 'CSV')(cause);
  throw new PerennialError(
    'PRN_SOURCE_UNREADABLE',
    `Cannot read "${key}" as CSV as all lines must end alike: line ${odd.line} ends with ${odd.end}, and the lines before it with ${odd.others}; write the file with one kind of line end`,
    { cause },
  );
};

const csvRelation = (file: string, dialect: CsvDialect, rejects: string): string => {
  const columns = dialect.columns.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ');
  return `SELECT * FROM read_csv(${quoteText(file)}, auto_detect = false, header = true, delim = ${quoteText(dialect.delimiter)},
    quote = '"', escape = '"', nullstr = '', columns = {${columns}}, compression = ${quoteText(compressionOf(file))},
    max_line_size = ${maxLineBytes}, store_rejects = true, rejects_limit = 0, rejects_table = ${quoteText(`${rejects}_errors`)},
    rejects_scan = ${quoteText(`${rejects}_scans`)})`;
};

/** Physical lines of a text as column "line", blank ones as NULL. The delimiter is four control characters: in no text. */
export const linesOf = (file: string, encoding: 'utf-8' | 'latin-1'): string =>
  `read_csv(${quoteText(file)}, auto_detect = false, header = false, delim = chr(1) || chr(2) || chr(3) || chr(4), quote = '', escape = '',
    nullstr = '', columns = {'line': 'VARCHAR'}, compression = ${quoteText(compressionOf(file))}, encoding = ${quoteText(encoding)},
    max_line_size = ${maxLineBytes}, ignore_errors = true)`;

type Staging = {
  readonly db: Duck;
  readonly folder: string;
  readonly index: string;
  readonly source: string;
  readonly key: string;
};

/** Such a record swallows every line to the end of the file: counted as one rejected row, most of a file could be lost unseen. */
const refuseOpenQuote = async (to: Staging, errors: string): Promise<void> => {
  const [found] = await to.db.rows<{ text: string }>(`SELECT split_part(csv_line, chr(10), 1) AS text FROM ${errors}
    WHERE error_message LIKE '%unterminated quote%' AND contains(trim(csv_line, chr(10)), chr(10)) LIMIT 1`);
  if (found === undefined) return;
  const where = found.text.slice(0, 100);
  throw new PerennialError(
    'PRN_SOURCE_UNREADABLE',
    `Cannot read "${to.key}" as CSV as every quote must close: one that opens in the line that begins with ${where} does not, and lines after it would be lost`,
  );
};

const stageCsv = async (to: Staging, file: string): Promise<ReadableObject | null> => {
  const dialect = await readCsvDialect(file, to.key);
  if (dialect === null) return null;
  const parquet = staged(to.folder, to.index);
  const rejects = `csv_${to.index.replaceAll(/\W/g, '_')}`;
  await to.db.run(asParquet(csvRelation(file, dialect, rejects), parquet)).catch(unreadableCsv(to.key, file));
  await refuseOpenQuote(to, `${rejects}_errors`);
  const { records } = await to.db.row<{ records: number }>(`SELECT count(*)::BIGINT AS records FROM ${parquetOf([parquet])}`);
  await to.db.run(`INSERT INTO rejects BY NAME SELECT ${quoteText(to.source)} AS source, ${quoteText(to.key)} AS object,
    line AS ordinal, 'line cannot be read: ' || lower(min(error_type::VARCHAR)) AS reason, left(trim(min(csv_line), chr(10)), 10000) AS raw
    FROM ${rejects}_errors GROUP BY line`);
  return { source: to.source, key: to.key, parquet, text: { kind: 'csv', file, records } };
};

const pointer = (name: string): string => quoteText(`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);

/** Names in the order in which they first appear. */
const ndjsonColumns = async (db: Duck): Promise<string[]> => {
  const rows = await db.rows<{ name: string }>(
    `SELECT name FROM (SELECT unnest(json_keys(line)) AS name, number FROM good_lines) GROUP BY name ORDER BY min(number), min(name)`,
  );
  return rows.map((row) => row.name).filter((name) => name !== '');
};

const stageNdjson = async (to: Staging, file: string): Promise<ReadableObject | null> => {
  const lines = `SELECT line, row_number() OVER () AS number FROM ${linesOf(file, 'utf-8')}`;
  const raw = join(to.folder, `lines-${to.index}.parquet`);
  await to.db.run(asParquet(lines, raw)).catch(unreadable(to.key, 'NDJSON'));
  const isObject = `CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END`;
  await to.db.run(
    `CREATE OR REPLACE VIEW good_lines AS SELECT * FROM ${parquetOf([raw])} WHERE line IS NOT NULL AND ${isObject}`,
  );
  await to.db.run(`INSERT INTO rejects BY NAME SELECT ${quoteText(to.source)} AS source, ${quoteText(to.key)} AS object,
    number AS line, 'line is not a JSON object' AS reason, left(line, 10000) AS raw FROM ${parquetOf([raw])} WHERE line IS NOT NULL AND NOT ${isObject}`);
  const columns = await ndjsonColumns(to.db);
  if (columns.length === 0) return null;
  const fields = columns.map((name, index) => `fields[${index + 1}] AS ${quoteName(name)}`).join(', ');
  const extract = `json_extract_string(line, [${columns.map(pointer).join(', ')}])`;
  const parquet = staged(to.folder, to.index);
  await to.db.run(
    asParquet(`SELECT ${fields}, number AS ${lineColumn} FROM (SELECT ${extract} AS fields, number FROM good_lines)`, parquet),
  );
  const { records } = await to.db.row<{ records: number }>(`SELECT count(*)::BIGINT AS records FROM ${parquetOf([parquet])}`);
  return { source: to.source, key: to.key, parquet, text: { kind: 'ndjson', file, records } };
};

/** Brings a source object into a form that is read as Parquet; null where it holds nothing. Throws PRN_SOURCE_UNREADABLE. */
export const stageObject = async (
  to: Staging,
  type: 'parquet' | 'csv' | 'ndjson',
  file: string,
): Promise<ReadableObject | null> => {
  if (type === 'csv') return stageCsv(to, file);
  if (type === 'ndjson') return stageNdjson(to, file);
  await to.db.rows(`SELECT * FROM parquet_file_metadata(${quoteText(file)})`).catch(unreadable(to.key, 'Parquet'));
  return { source: to.source, key: to.key, parquet: file, text: null };
};
