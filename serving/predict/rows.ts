/** What a request says: one row, or many. */
import type { RequestField } from '#domain/contracts/feature-set.ts';
import { PerennialError } from '#domain/errors.ts';
import type { RawRow } from '#domain/features/apply.ts';
import type { ServedModel } from '../model/served-model.ts';
import type { Serving } from '../model/serving.ts';
import type { Problem } from '../plugins/errors.ts';
import type { Portion } from './deal.ts';

/** A request whose rows were dealt to the arms of one pointer; its first row's arm names its headers. */
export type Dealt = {
  readonly serving: Serving;
  readonly rows: readonly unknown[];
  readonly isBatch: boolean;
  readonly ids: readonly string[];
  readonly nowMs: number;
  readonly portions: readonly Portion[];
  readonly header: string | null;
};

/** Rows of one request; more would hold the event loop for too long, fewer would make batches needless work. */
export const maxRows = 1_024;
/** Problems that are told at once: enough to mend a client, not enough to make an answer of megabytes. */
const maxProblems = 32;

/** The rows of `{ "rows": [...] }`; null for the body of one row. A model may itself have a field "rows": then only an array counts. */
export const batchOf = (body: unknown, fields: readonly Pick<RequestField, 'name'>[]): readonly unknown[] | null => {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'rows')) return null;
  const { rows } = body as { rows: unknown };
  if (!Array.isArray(rows)) {
    if (fields.some(({ name }) => name === 'rows')) return null;
    throw requestError([{ field: 'rows', message: 'must be an array of rows' }]);
  }
  const extra = Object.keys(body).filter((name) => name !== 'rows');
  if (extra.length > 0) throw requestError(extra.map((field) => ({ field, message: 'must not stand beside "rows"' })));
  if (rows.length === 0 || rows.length > maxRows) {
    throw requestError([{ field: 'rows', message: `must hold 1 to ${maxRows} rows: holds ${rows.length}` }]);
  }
  return rows;
};

/** The rows of a portion, checked by the fields of its model. Throws PRN_SERVING_REQUEST, naming every problem. */
export const parseRows = (model: ServedModel, dealt: Dealt, portion: Portion): RawRow[] => {
  const rows: RawRow[] = [];
  const problems: Problem[] = [];
  for (const [index, input] of rowsOf(dealt, portion).entries()) {
    const parsed = model.parse(input, dealt.nowMs);
    const place = portion.places?.[index] ?? index;
    if ('row' in parsed) rows.push(parsed.row);
    else problems.push(...parsed.problems.map(({ field, message }) => ({ field: nameIn(dealt, place, field), message })));
    if (problems.length >= maxProblems) break;
  }
  if (problems.length > 0) throw requestError(problems);
  return rows;
};

const nameIn = ({ isBatch }: Dealt, place: number, field: string): string => {
  if (!isBatch) return field;
  return field === '' ? `rows[${place}]` : `rows[${place}].${field}`;
};

const requestError = (problems: readonly Problem[]): PerennialError => {
  const told = problems.slice(0, maxProblems);
  const named = told.slice(0, 3).map(({ field, message }) => (field === '' ? `body ${message}` : `"${field}" ${message}`));
  const more = told.length > named.length ? `; and ${told.length - named.length} more` : '';
  return new PerennialError('PRN_SERVING_REQUEST', `Cannot predict: ${named.join('; ')}${more}`, { details: { problems: told } });
};

export const rowsOf = ({ rows }: Dealt, { places }: Portion): readonly unknown[] =>
  places === null ? rows : places.map((place) => rows[place]);
