/** The subject of labels by key, as SQL over a row's inputs: the very text that `keySubjectOf` gives. */
import { quoteText } from '../../tabular/sql.ts';

/** As in `subject.ts`. */
const isoInstant = '\\d{4}-\\d{2}-\\d{2}([T ]\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:?\\d{2})?)?';

/** A step of a JSON pointer (RFC 6901). */
const pointerTo = (column: string): string => quoteText(`/${column.replaceAll('~', '~0').replaceAll('/', '~1')}`);

/** A number that rows with the same values in these columns share; what a row lacks is a value of its own. */
export const groupSql = (inputs: string, columns: readonly string[]): string => {
  const texts = columns.map((column) => `coalesce(json_extract_string(${inputs}, ${pointerTo(column)}), chr(1))`);
  return `hash(concat(${texts.join(', chr(31), ')}))`;
};

const textOf = (inputs: string, column: string): string => {
  const text = `json_extract_string(${inputs}, ${pointerTo(column)})`;
  const epochMs = `CAST(epoch_ms(TRY_CAST(${text} AS TIMESTAMPTZ)) AS VARCHAR)`;
  return `CASE WHEN regexp_full_match(${text}, ${quoteText(isoInstant)}) THEN coalesce(${epochMs}, ${text}) ELSE ${text} END`;
};

/** NULL where the row lacks a column of the key, or there is no key. Columns in the order of canonical JSON. */
export const keySubjectSql = (inputs: string, keyColumns: readonly string[]): string => {
  if (keyColumns.length === 0) return 'CAST(NULL AS VARCHAR)';
  const sorted = [...keyColumns].sort();
  const members = sorted.map(
    (column) => `${quoteText(`${JSON.stringify(column)}:`)} || CAST(to_json(${textOf(inputs, column)}) AS VARCHAR)`,
  );
  const isThere = sorted.map((column) => `json_extract_string(${inputs}, ${pointerTo(column)}) IS NOT NULL`).join(' AND ');
  return `CASE WHEN ${isThere} THEN 'key:{' || ${members.join(" || ',' || ")} || '}' END`;
};
