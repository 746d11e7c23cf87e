/** Records of a CSV text, each with the line in which it begins. */

export type CsvRecord = { readonly line: number; readonly fields: readonly string[] };
export type CsvProblem = { readonly line: number; readonly problem: string };

/** The separator that the first line has most of. */
const separatorOf = (head: string): string =>
  [',', ';', '\t'].reduce((best, one) => (head.split(one).length > head.split(best).length ? one : best));

/** A quote that is never closed swallows the rest of a file; a record of a label is shorter. */
const longestRecord = 65_536;

/** Where quotes are even a record is whole: one within quotes is written as two. */
const isWhole = (text: string): boolean => (text.split('"').length - 1) % 2 === 0;

/** Fields of one whole record (RFC 4180); null where something stands beside quotes. */
export const fieldsOf = (record: string, separator: string): string[] | null => {
  const fields: string[] = [];
  for (let at = 0; ; ) {
    let value: string;
    if (record[at] === '"') {
      let end = at + 1;
      while (end < record.length && (record[end] !== '"' || record[end + 1] === '"')) end += record[end] === '"' ? 2 : 1;
      value = record.slice(at + 1, end).replaceAll('""', '"');
      at = end + 1;
      if (at < record.length && record[at] !== separator) return null;
    } else {
      const next = record.indexOf(separator, at);
      const end = next === -1 ? record.length : next;
      value = record.slice(at, end);
      if (value.includes('"')) return null;
      at = end;
    }
    fields.push(value);
    if (at >= record.length) return fields;
    at += 1;
  }
};

/**
 * The records of lines, the head included; blank lines are none. A quoted field may hold line ends. What cannot be read is
 * said with its line, and reading goes on after it. Memory: one record.
 */
export async function* csvRecords(lines: AsyncIterable<string>): AsyncGenerator<CsvRecord | CsvProblem> {
  let separator: string | null = null;
  let number = 0;
  let open: { line: number; text: string } | null = null;
  for await (const line of lines) {
    number += 1;
    const plain = number === 1 ? line.replace(/^\uFEFF/, '') : line;
    const record: { line: number; text: string } =
      open === null ? { line: number, text: plain } : { line: open.line, text: `${open.text}\n${plain}` };
    if (!isWhole(record.text) && record.text.length <= longestRecord) {
      open = record;
      continue;
    }
    open = null;
    if (record.text.trim() === '') continue;
    separator ??= separatorOf(record.text);
    const fields = isWhole(record.text) ? fieldsOf(record.text, separator) : null;
    yield fields === null ? { line: record.line, problem: 'cannot be read: look at its quotes' } : { line: record.line, fields };
  }
  if (open !== null) yield { line: open.line, problem: 'cannot be read: a quote that opens in it does not close' };
}
