/** Labels in a file, one by one, with the line (or the row of a Parquet file, from 1) in which each stands. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { PerennialError } from '#domain/errors.ts';
import { withDuckDb } from '../tabular/duckdb.ts';
import { parquetOf, quoteName } from '../tabular/sql.ts';
import { type CsvProblem, csvRecords } from './csv-records.ts';
import { instantOfText } from './subject.ts';

export type LabelLine = { readonly line: number; readonly input: unknown } | CsvProblem;

export type LabelFile = { readonly file: string; readonly keyColumns: readonly string[]; readonly folder: string };

const unreadable = (file: string, what: string): PerennialError =>
  new PerennialError('PRN_INPUT_INVALID', `Cannot read labels from "${file}" as ${what}`);

const formatOf = (file: string): 'csv' | 'ndjson' | 'parquet' => {
  if (/\.csv(\.gz)?$/i.test(file)) return 'csv';
  if (/\.(ndjson|jsonl)(\.gz)?$/i.test(file)) return 'ndjson';
  if (/\.parquet$/i.test(file)) return 'parquet';
  throw unreadable(file, 'its name must end in .csv, .ndjson, .jsonl (or one of them with .gz) or .parquet');
};

const linesOf = (file: string): AsyncIterable<string> => {
  const bytes = createReadStream(file);
  const text = /\.gz$/i.test(file) ? bytes.pipe(createGunzip()) : bytes;
  bytes.on('error', (error) => text.destroy(error));
  return createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY });
};

/** A label of columns: by its prediction where that is said, else by the key. What is empty was not said. */
const inputOf = (columns: ReadonlyMap<string, string>, keyColumns: readonly string[]): Record<string, unknown> => {
  const said = (name: string): string | undefined => (columns.get(name) === '' ? undefined : columns.get(name));
  const key = Object.fromEntries(keyColumns.flatMap((name) => (said(name) === undefined ? [] : [[name, said(name)]])));
  const [id, at] = [said('prediction_id'), said('at')];
  return {
    ...(id !== undefined && { prediction_id: id }),
    ...(id === undefined && Object.keys(key).length > 0 && { key }),
    ...(said('label') !== undefined && { label: said('label') }),
    ...(at !== undefined && { at: instantOfText(at) ?? at }),
  };
};

const checkColumns = ({ file, keyColumns }: LabelFile, columns: readonly string[]): void => {
  const has = (name: string): boolean => columns.includes(name);
  if (!has('label')) throw unreadable(file, `it must have a column "label": it has ${columns.join(', ')}`);
  if (has('prediction_id') || (keyColumns.length > 0 && keyColumns.every(has))) return;
  const key = keyColumns.length === 0 ? '' : `, or the columns of data.key, ${keyColumns.join(', ')}`;
  throw unreadable(file, `it must have a column "prediction_id"${key}: it has ${columns.join(', ')}`);
};

async function* readCsv(source: LabelFile): AsyncGenerator<LabelLine> {
  let head: readonly string[] | null = null;
  for await (const record of csvRecords(linesOf(source.file))) {
    if ('problem' in record) {
      if (head === null) throw unreadable(source.file, `its first line must name the columns: it ${record.problem}`);
      yield record;
    } else if (head === null) {
      head = record.fields.map((name) => name.trim());
      checkColumns(source, head);
    } else if (record.fields.length !== head.length) {
      yield { line: record.line, problem: `must have ${head.length} fields, as the first line has: has ${record.fields.length}` };
    } else {
      const columns = new Map(head.map((name, index) => [name, (record.fields[index] as string).trim()]));
      yield { line: record.line, input: inputOf(columns, source.keyColumns) };
    }
  }
  if (head === null) throw unreadable(source.file, 'its first line must name the columns: it is empty');
}

/** An instant may be written as people write it; all else is as over HTTP. */
const withInstant = (input: unknown): unknown => {
  if (typeof input !== 'object' || input === null) return input;
  const at = (input as { at?: unknown }).at;
  return typeof at === 'string' ? { ...input, at: instantOfText(at) ?? at } : input;
};

async function* readNdjson({ file }: LabelFile): AsyncGenerator<LabelLine> {
  let line = 0;
  for await (const text of linesOf(file)) {
    line += 1;
    if (text.trim() === '') continue;
    try {
      yield { line, input: withInstant(JSON.parse(text)) };
    } catch {
      yield { line, problem: 'is not JSON' };
    }
  }
}

/** Rows that are asked for at a time. */
const pageRows = 100_000;

async function readParquetPage(source: LabelFile, columns: readonly string[], from: number): Promise<(string | null)[][]> {
  const { file, folder } = source;
  return await withDuckDb({ folder, memoryMiB: 256, threads: 1, allowedFolders: [file] }, async (db) => {
    const texts = columns.map((name) => `CAST(${quoteName(name)} AS VARCHAR)`).join(', ');
    const result = await db.connection.runAndReadAll(
      `SELECT ${texts} FROM ${parquetOf([file])} LIMIT ${pageRows} OFFSET ${from}`,
    );
    return result.getRows() as (string | null)[][];
  });
}

async function* readParquet(source: LabelFile): AsyncGenerator<LabelLine> {
  const { file, folder, keyColumns } = source;
  const found = await withDuckDb({ folder, memoryMiB: 256, threads: 1, allowedFolders: [file] }, (db) =>
    db.rows<{ column_name: string }>(`DESCRIBE SELECT * FROM ${parquetOf([file])}`),
  ).catch(() => Promise.reject(unreadable(file, 'it must be a Parquet file')));
  const all = found.map((column) => column.column_name);
  checkColumns(source, all);
  const columns = all.filter((name) => ['prediction_id', 'label', 'at', ...keyColumns].includes(name));
  for (let from = 0; ; from += pageRows) {
    const rows = await readParquetPage(source, columns, from);
    for (const [index, row] of rows.entries()) {
      const values = new Map(columns.map((name, k) => [name, row[k] ?? '']));
      yield { line: from + index + 1, input: inputOf(values, keyColumns) };
    }
    if (rows.length < pageRows) return;
  }
}

/** Reads as it goes: memory is that of some rows. Throws PRN_INPUT_INVALID for a file that has no labels in it. */
export async function* readLabelFile(source: LabelFile): AsyncGenerator<LabelLine> {
  await stat(source.file).catch(() => Promise.reject(unreadable(source.file, 'there must be such a file: there is none')));
  const read = { csv: readCsv, ndjson: readNdjson, parquet: readParquet }[formatOf(source.file)];
  yield* read(source);
}
