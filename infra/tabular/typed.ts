import type { DatasetColumn } from '#domain/contracts/dataset.ts';
import { quoteText, sqlNumber } from './sql.ts';

/** How a value stands in the source, as far as its conversion differs. */
type SourceKind = 'text' | 'integer' | 'real' | 'boolean' | 'instant' | 'other';

const sourceKind = (duckType: string): SourceKind => {
  if (/^(VARCHAR|ENUM|UUID|JSON)/.test(duckType)) return 'text';
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(duckType)) return 'integer';
  if (/^(FLOAT|DOUBLE|DECIMAL)/.test(duckType)) return 'real';
  if (duckType === 'BOOLEAN') return 'boolean';
  return /^(DATE|TIMESTAMP)/.test(duckType) ? 'instant' : 'other';
};

/** The column type that a source type suggests. */
export const naturalType = (duckType: string): DatasetColumn['type'] =>
  (
    ({ text: 'category', integer: 'integer', real: 'number', boolean: 'boolean', instant: 'timestamp', other: 'string' }) as const
  )[sourceKind(duckType)];

/** What the parts hold; one DuckDB type for each column type, whatever the source had. */
export const storedTypes = {
  integer: 'BIGINT',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  string: 'VARCHAR',
  category: 'VARCHAR',
  timestamp: 'TIMESTAMP',
} as const satisfies Record<DatasetColumn['type'], string>;

// A fraction must not be rounded away, as a plain cast would: "1.5" is not an integer, "1.0" is.
const toInteger = (raw: string, kind: SourceKind): string => {
  if (kind === 'integer' || kind === 'boolean') return `TRY_CAST(${raw} AS BIGINT)`;
  if (kind === 'real') return `CASE WHEN ${raw}::DOUBLE = trunc(${raw}::DOUBLE) THEN TRY_CAST(${raw} AS BIGINT) END`;
  if (kind !== 'text') return 'NULL::BIGINT';
  return `CASE WHEN TRY_CAST(${raw} AS DOUBLE) = TRY_CAST(${raw} AS BIGINT) AND NOT contains(${raw}, '_') THEN TRY_CAST(${raw} AS BIGINT) END`;
};

// Adding zero makes -0.0 and 0.0 one value, so that equal rows have equal bytes.
const toNumber = (raw: string, kind: SourceKind): string => {
  if (kind === 'instant' || kind === 'other') return 'NULL::DOUBLE';
  const cast = `TRY_CAST(${raw} AS DOUBLE)`;
  if (kind === 'integer' || kind === 'boolean') return cast;
  const finite = `CASE WHEN isfinite(${cast}) THEN ${cast} + 0.0 END`;
  return kind === 'text' ? `CASE WHEN NOT contains(${raw}, '_') THEN ${finite} END` : finite;
};

const toBoolean = (raw: string, kind: SourceKind): string => {
  if (kind === 'boolean') return raw;
  if (kind === 'integer' || kind === 'real') return `CASE WHEN ${raw} = 1 THEN true WHEN ${raw} = 0 THEN false END`;
  if (kind !== 'text') return 'NULL::BOOLEAN';
  const text = `lower(trim(${raw}))`;
  return `CASE WHEN ${text} IN ('true', 't', 'yes', 'y', '1', '1.0') THEN true WHEN ${text} IN ('false', 'f', 'no', 'n', '0', '0.0') THEN false END`;
};

/** Instants that ISO 8601 with four digits can write; outside them something is wrong with the data. */
const instantRange = `BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59.999999'`;

// A plain TIMESTAMP cast silently drops an offset such as +02:00, and a TIMESTAMPTZ cast takes seven times as long:
// so only text that may hold an offset or a zone goes the long way.
const instantOfText = (raw: string): string => {
  const quick = `CASE WHEN NOT contains(${raw}, '+') AND NOT contains(substr(${raw}, 9), '-') THEN TRY_CAST(${raw} AS TIMESTAMP) END`;
  return `coalesce(${quick}, timezone('UTC', TRY_CAST(${raw} AS TIMESTAMPTZ)))`;
};

const toTimestamp = (raw: string, duckType: string, kind: SourceKind): string => {
  if (kind !== 'text' && kind !== 'instant') return 'NULL::TIMESTAMP';
  // The rule for instants out of range looks at the raw value then.
  if (duckType === 'TIMESTAMP') return raw;
  const zoned = duckType.includes('TIME ZONE') ? `timezone('UTC', ${raw})` : `TRY_CAST(${raw} AS TIMESTAMP)`;
  const instant = kind === 'text' ? instantOfText(raw) : zoned;
  return `CASE WHEN ${instant} ${instantRange} THEN ${instant} END`;
};

/** SQL that turns a raw value into its typed form, or into NULL where it has none. */
export const castSql = (raw: string, type: DatasetColumn['type'], duckType: string): string => {
  const kind = sourceKind(duckType);
  if (type === 'integer') return toInteger(raw, kind);
  if (type === 'number') return toNumber(raw, kind);
  if (type === 'boolean') return toBoolean(raw, kind);
  if (type === 'timestamp') return toTimestamp(raw, duckType, kind);
  return kind === 'text' && duckType === 'VARCHAR' ? raw : `${raw}::VARCHAR`;
};

/** SQL that is true where the source says nothing: NULL, not-a-number, and blank text for anything but text. */
const missingSql = (raw: string, type: DatasetColumn['type'], duckType: string): string => {
  const kind = sourceKind(duckType);
  const isText = type === 'string' || type === 'category';
  if (kind === 'text' && !isText) return `(${raw} IS NULL OR trim(${raw}) = '' OR lower(${raw}) = 'nan')`;
  if (kind === 'real' && !isText) return `(${raw} IS NULL OR isnan(${raw}::DOUBLE))`;
  return `${raw} IS NULL`;
};

/** Text beyond this is a mistake of the source, and would fill pages and memory. */
const maxTextBytes = 1_048_576;

/** A reason to set a row aside: SQL over raw and typed value that is true, false or NULL (which counts as false). */
export type RowRule = { readonly column: string; readonly reason: string; readonly when: string };

const articles: Readonly<Record<DatasetColumn['type'], string>> = {
  integer: 'not an integer',
  number: 'not a finite number',
  boolean: 'not a boolean',
  timestamp: 'not an instant in ISO 8601',
  string: 'not text',
  category: 'not text',
};

/** Every reason for which a value of this column sets its row aside, in the order in which they are told. */
export const rowRules = (column: DatasetColumn, raw: string, typed: string, duckType: string, isRequired: boolean): RowRule[] => {
  const rules: RowRule[] = [];
  const add = (reason: string, when: string) => rules.push({ column: column.name, reason, when });
  const isText = column.type === 'string' || column.type === 'category';
  const isMissing = missingSql(raw, column.type, duckType);
  const needsCast = duckType !== storedTypes[column.type] || column.type === 'number';
  if (column.type === 'timestamp' && duckType === 'TIMESTAMP') add(articles.timestamp, `${raw} NOT ${instantRange}`);
  else if (!isText && needsCast) add(articles[column.type], `(${typed} IS NULL AND NOT ${isMissing})`);
  if (isRequired || column.missing === 'reject')
    add(column.role === 'event_time' ? 'no event time' : 'missing', needsCast && !isText ? isMissing : `${raw} IS NULL`);
  if (column.min !== undefined && !isText) add(`below the minimum ${column.min}`, `${typed} < ${sqlNumber(column.min)}`);
  if (column.max !== undefined && !isText) add(`above the maximum ${column.max}`, `${typed} > ${sqlNumber(column.max)}`);
  if (column.values) add('not among the allowed values', `${typed} NOT IN (${column.values.map(quoteText).join(', ')})`);
  if (isText && sourceKind(duckType) === 'text') add('longer than 1 MB', `strlen(${raw}) > ${maxTextBytes}`);
  return rules;
};
