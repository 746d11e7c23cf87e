import { PerennialError } from '#domain/errors.ts';
import type { RawRow } from '#domain/features/apply.ts';
import type { Metrics } from '../../infra/telemetry/metrics.ts';
import type { Answer } from '../model/answer.ts';
import type { ModelLoader } from '../model/loader.ts';
import { lookupFor } from '../model/online-copy.ts';
import type { Serving } from '../model/slot.ts';
import type { Problem } from '../plugins/errors.ts';
import { createPredictionId } from './prediction-id.ts';

export type Prediction = Answer & { readonly prediction_id: string; readonly model_version: number };
export type PredictionBody = Prediction | { readonly predictions: readonly Prediction[]; readonly model_version: number };

/** Rows of one request; more would hold the event loop for too long, fewer would make batches needless work. */
export const maxRows = 1_024;
/** Problems that are told at once: enough to mend a client, not enough to make an answer of megabytes. */
const maxProblems = 32;

/** Parses, vectorizes and answers one body with one model, whose pointer was taken once. Throws PRN_SERVING_REQUEST. */
export const predictWith = async (
  serving: Serving,
  loader: Pick<ModelLoader, 'online'>,
  metrics: Metrics,
  body: unknown,
): Promise<{ body: PredictionBody; rows: number; firstId: string }> => {
  const { pipeline, version, model } = serving;
  const batch = batchOf(body, model.featureSet.request);
  const nowMs = Date.now();
  const rows = batch === null ? parseOne(serving, body, nowMs) : parseMany(serving, batch, nowMs);
  const lookupOf = lookupFor(model.featureSet, loader.online(pipeline), (view, reason) =>
    metrics.count('perennial_online_imputed_total', { pipeline, view, reason }),
  );
  const answers = await model.predict(rows, lookupOf);
  metrics.count('perennial_serving_rows_total', { pipeline, version }, rows.length);
  const predictions = answers.map((answer) => ({ ...answer, prediction_id: createPredictionId(nowMs), model_version: version }));
  const first = predictions[0] as Prediction;
  return {
    body: batch === null ? first : { predictions, model_version: version },
    rows: rows.length,
    firstId: first.prediction_id,
  };
};

/** The rows of `{ "rows": [...] }`; null for the body of one row. A model may itself have a field "rows": then only an array counts. */
const batchOf = (body: unknown, fields: readonly { name: string }[]): readonly unknown[] | null => {
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

const parseOne = ({ model }: Serving, body: unknown, nowMs: number): RawRow[] => {
  const parsed = model.parse(body, nowMs);
  if ('problems' in parsed) throw requestError(parsed.problems);
  return [parsed.row];
};

const parseMany = ({ model }: Serving, batch: readonly unknown[], nowMs: number): RawRow[] => {
  const rows: RawRow[] = [];
  const problems: Problem[] = [];
  for (const [index, input] of batch.entries()) {
    const parsed = model.parse(input, nowMs);
    if ('row' in parsed) rows.push(parsed.row);
    else problems.push(...parsed.problems.map(({ field, message }) => ({ field: join(index, field), message })));
    if (problems.length >= maxProblems) break;
  }
  if (problems.length > 0) throw requestError(problems);
  return rows;
};

const join = (index: number, field: string): string => (field === '' ? `rows[${index}]` : `rows[${index}].${field}`);

const requestError = (problems: readonly Problem[]): PerennialError => {
  const told = problems.slice(0, maxProblems);
  const named = told.slice(0, 3).map(({ field, message }) => (field === '' ? `body ${message}` : `"${field}" ${message}`));
  const more = told.length > named.length ? `; and ${told.length - named.length} more` : '';
  return new PerennialError('PRN_SERVING_REQUEST', `Cannot predict: ${named.join('; ')}${more}`, { details: { problems: told } });
};
