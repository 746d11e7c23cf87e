import type { RequestField } from '../contracts/feature-set.ts';
import type { RawRow } from './apply.ts';
import type { RawValue } from './category.ts';
import { nearestName } from './nearest-name.ts';

/** What is wrong with one field of a request, said so that its sender can mend it. */
export type RequestProblem = { readonly field: string; readonly message: string };
export type ParsedRequest = { readonly row: RawRow } | { readonly problems: readonly RequestProblem[] };
export type RequestParser = (input: unknown, nowMs: number) => ParsedRequest;

type FieldResult = { readonly value: RawValue } | { readonly message: string };
type FieldCheck = (value: unknown) => FieldResult;

const describe = (value: unknown): string => {
  const text = value === undefined ? 'undefined' : (JSON.stringify(value) ?? typeof value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

const noObject = (input: unknown): string =>
  Array.isArray(input) ? 'must be an object of fields, or {"rows": [...]} of many' : 'must be an object of fields';

const rangeProblem = (value: number, field: RequestField): string | null => {
  const unit = field.unit === undefined ? '' : ` ${field.unit}`;
  if (field.min !== undefined && value < field.min) return `must be at least ${field.min}${unit}: is ${value}`;
  if (field.max !== undefined && value > field.max) return `must be at most ${field.max}${unit}: is ${value}`;
  return null;
};

const numberCheck =
  (field: RequestField): FieldCheck =>
  (value) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) return { message: `must be a number: is ${describe(value)}` };
    if (field.type === 'integer' && !Number.isSafeInteger(value)) return { message: `must be a whole number: is ${value}` };
    const message = rangeProblem(value, field);
    return message === null ? { value } : { message };
  };

const textCheck = (field: RequestField): FieldCheck => {
  const allowed = field.values === undefined || field.unknownValues === 'allow' ? null : new Set(field.values);
  return (value) => {
    if (typeof value !== 'string') return { message: `must be text: is ${describe(value)}` };
    if (allowed === null || allowed.has(value)) return { value };
    const values = field.values as readonly string[];
    const meant = nearestName(value, values);
    const hint = meant === null ? '' : `; did you mean "${meant}"?`;
    const shown = values.slice(0, 10).join(', ') + (values.length > 10 ? ', …' : '');
    return { message: `must be one of the known values: is ${describe(value)}${hint} (${shown})` };
  };
};

/** Date, or date and time with optional fraction and zone. Without a zone it is UTC, as everywhere in a pipeline. */
const isoForm = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

const epochMsOf = (text: string): number => {
  if (!isoForm.test(text)) return Number.NaN;
  const withT = text.replace(' ', 'T');
  const zoned = withT.length === 10 || /(Z|[+-]\d{2}:?\d{2})$/.test(withT.slice(10)) ? withT : `${withT}Z`;
  return Date.parse(zoned);
};

const timestampCheck: FieldCheck = (value) => {
  const epochMs = typeof value === 'string' ? epochMsOf(value) : value;
  if (typeof epochMs === 'number' && Number.isFinite(epochMs) && Math.abs(epochMs) <= 8.64e15) return { value: epochMs };
  return { message: `must be an ISO 8601 instant or epoch milliseconds: is ${describe(value)}` };
};

const booleanCheck: FieldCheck = (value) =>
  typeof value === 'boolean' ? { value } : { message: `must be true or false: is ${describe(value)}` };

const checkOf = (field: RequestField): FieldCheck => {
  switch (field.type) {
    case 'integer':
    case 'number':
      return numberCheck(field);
    case 'boolean':
      return booleanCheck;
    case 'timestamp':
      return timestampCheck;
    case 'string':
    case 'category':
    default:
      return textCheck(field);
  }
};

const isRecord = (input: unknown): input is Readonly<Record<string, unknown>> =>
  typeof input === 'object' && input !== null && !Array.isArray(input);

const unknownFields = (input: object, known: ReadonlySet<string>): RequestProblem[] =>
  Object.keys(input)
    .filter((name) => !known.has(name))
    .map((name) => {
      const meant = nearestName(name, [...known]);
      return { field: name, message: `is not a field of this model${meant === null ? '' : `; did you mean "${meant}"?`}` };
    });

const absent = (field: RequestField, nowMs: number): FieldResult => {
  if (field.defaultsTo === 'now') return { value: nowMs };
  return field.required ? { message: 'is required and must not be null' } : { value: null };
};

/**
 * Compiles the fields of a feature set into a check of one request row. The row that it gives holds every field and
 * nothing else; a field that may be left out is null, or the instant `nowMs` where it defaults to now.
 * All problems of a row are told at once. Does not throw.
 */
export const createRequestParser = (fields: readonly RequestField[]): RequestParser => {
  const known = new Set(fields.map((field) => field.name));
  const checks = fields.map((field) => ({ field, check: checkOf(field) }));
  return (input, nowMs) => {
    if (!isRecord(input)) return { problems: [{ field: '', message: `${noObject(input)}: is ${describe(input)}` }] };
    // No prototype: a field may be called "constructor" or "__proto__".
    const row: Record<string, RawValue> = Object.create(null);
    const problems: RequestProblem[] = [];
    for (const { field, check } of checks) {
      const given = Object.hasOwn(input, field.name) ? input[field.name] : undefined;
      const result = given === undefined || given === null ? absent(field, nowMs) : check(given);
      if ('message' in result) problems.push({ field: field.name, message: result.message });
      else row[field.name] = result.value;
    }
    problems.push(...unknownFields(input, known));
    return problems.length > 0 ? { problems } : { row };
  };
};

/** `createRequestParser` for one row; where many come, compile once. */
export const parseRequest = (fields: readonly RequestField[], input: unknown, nowMs: number): ParsedRequest =>
  createRequestParser(fields)(input, nowMs);
