/** The beginning of a source object as a small file of its own: enough to see columns and types, however large it is. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duck } from './duckdb.ts';
import { readStart } from './read-start.ts';
import { parquetOf, quoteText } from './sql.ts';

/** Fewer, and a type is guessed from too little; more, and a look takes as long as reading. */
const headRows = 10_000;
const headBytes = 2_097_152;
/** Of a text, packed or not, that holds more than is looked at: what is packed so badly that this is too little is no table. */
export const startBytes = 2 * headBytes;

const [quote, lineFeed] = [34, 10];

/** Where the last whole record ends: a line break inside quotes ends nothing. */
const endOfRecords = (text: Buffer): number => {
  let [isQuoted, end] = [false, 0];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === quote) isQuoted = !isQuoted;
    else if (text[at] === lineFeed && !isQuoted) end = at + 1;
  }
  return end;
};

const headOfText = async (file: string, to: string): Promise<string> => {
  const text = await readStart(file, (bytes) => bytes > headBytes);
  await writeFile(to, text.length > headBytes ? text.subarray(0, endOfRecords(text)) : text);
  return to;
};

/** Writes the head of `file` into `folder` and returns its path; text is unpacked on the way. */
export const headOf = async (
  db: Duck,
  file: string,
  type: 'parquet' | 'csv' | 'ndjson',
  folder: string,
  index: string,
): Promise<string> => {
  const to = join(folder, `head-${index}.${type}`);
  if (type !== 'parquet') return headOfText(file, to);
  await db.run(
    `COPY (SELECT * FROM ${parquetOf([file])} LIMIT ${headRows}) TO ${quoteText(to)} (FORMAT parquet, COMPRESSION lz4)`,
  );
  return to;
};
