import { PerennialError } from '#domain/errors.ts';
import { readStart } from './read-start.ts';

export type CsvDialect = { readonly delimiter: string; readonly columns: readonly string[] };

/** A header longer than this is not a header. */
const maxHeaderBytes = 1_048_576;

const readHead = (file: string): Promise<Buffer> =>
  readStart(file, (bytes, chunk) => bytes >= maxHeaderBytes || chunk.includes(10));

/** The first record's end: the first line break outside quotes. */
const firstRecord = (text: string): string => {
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (text[at] === '\n' || text[at] === '\r')) return text.slice(0, at);
  }
  return text;
};

const splitRecord = (record: string, delimiter: string): string[] => {
  const fields: string[] = [];
  let field = '';
  let isQuoted = false;
  for (let at = 0; at < record.length; at++) {
    const letter = record[at] as string;
    if (letter === '"' && isQuoted && record[at + 1] === '"') field += record[at++];
    else if (letter === '"') isQuoted = !isQuoted;
    else if (letter === delimiter && !isQuoted) {
      fields.push(field);
      field = '';
    } else field += letter;
  }
  return [...fields, field].map((name) => name.trim());
};

/**
 * Delimiter and column names from the header line alone, so that a broken row further down cannot change how the whole
 * file is understood. Null for an empty file. Throws PRN_SOURCE_UNREADABLE where the header names nothing, or a name twice.
 */
export const readCsvDialect = async (file: string, object: string): Promise<CsvDialect | null> => {
  const fail = (why: string, cause?: unknown) =>
    new PerennialError('PRN_SOURCE_UNREADABLE', `Cannot read "${object}" as CSV as ${why}`, { cause });
  const head = await readHead(file).catch((cause) => {
    throw fail(`its bytes cannot be read: ${cause.message}`, cause);
  });
  if (head.length === 0) return null;
  if (head.includes(0)) throw fail('its first line holds zero bytes: expected UTF-8 text with a header line');
  const record = firstRecord(head.toString('utf8').replace(/^\uFEFF/, ''));
  const delimiter = [',', ';', '\t', '|']
    .map((candidate) => ({ candidate, count: splitRecord(record, candidate).length }))
    .reduce((best, next) => (next.count > best.count ? next : best)).candidate;
  const columns = splitRecord(record, delimiter);
  if (columns.some((name) => name === '')) throw fail(`column ${columns.indexOf('') + 1} of its header has no name`);
  const twice = columns.find((name, index) => columns.findIndex((other) => other.toLowerCase() === name.toLowerCase()) !== index);
  if (twice !== undefined) throw fail(`its header names "${twice}" twice`);
  return { delimiter, columns };
};
