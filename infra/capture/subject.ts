/** What a label is about, as text: one prediction, or whatever the key columns of the pipeline name. */
import type { Instant } from '#domain/units.ts';
import { canonicalJson } from '../objects/digest.ts';

export type KeyValue = string | number | boolean;

/** Date and time with a zone, or without one: then UTC, as everywhere in a pipeline. */
const isoInstant = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/;
/** As databases write a zone: "+00". */
const shortZone = /([T ].*[+-]\d{2})$/;

const epochMsOf = (text: string): number => {
  const withT = text.replace(' ', 'T');
  const isZoned = withT.length === 10 || /(Z|[+-]\d{2}:?\d{2})$/.test(withT.slice(10));
  return Date.parse(isZoned ? withT : `${withT}Z`);
};

/** A number may come as text, from a CSV file; an instant as ISO 8601 or as epoch milliseconds. */
const textOf = (value: KeyValue): string => {
  if (typeof value !== 'string' || !isoInstant.test(value)) return String(value);
  const epochMs = epochMsOf(value);
  return Number.isNaN(epochMs) ? value : String(epochMs);
};

/** The instant that a text says, by ISO 8601; null for any other text. */
export const instantOfText = (text: string): Instant | null => {
  const withZone = text.replace(shortZone, '$1:00');
  const epochMs = isoInstant.test(withZone) ? epochMsOf(withZone) : Number.NaN;
  return Number.isNaN(epochMs) ? null : (new Date(epochMs).toISOString() as Instant);
};

/** The subject of labels that name a prediction. */
export const subjectOfPrediction = (id: string): string => `id:${id.toLowerCase()}`;

/**
 * The subject of labels that name a row by its key: canonical JSON of the values as text, so that 12 and "12" are one, and
 * an instant is one however it is written.
 */
export const subjectOfKey = (key: Readonly<Record<string, KeyValue>>): string =>
  `key:${canonicalJson(Object.fromEntries(Object.entries(key).map(([name, value]) => [name, textOf(value)])))}`;

/** The subject by its key of a row that was predicted; null where the row lacks a column of the key, or there is no key. */
export const keySubjectOf = (
  keyColumns: readonly string[],
  inputs: Readonly<Record<string, KeyValue | null | undefined>>,
): string | null => {
  const key: Record<string, KeyValue> = {};
  for (const column of keyColumns) {
    const value = Object.hasOwn(inputs, column) ? inputs[column] : undefined;
    if (value === null || value === undefined) return null;
    key[column] = value;
  }
  return keyColumns.length === 0 ? null : subjectOfKey(key);
};
