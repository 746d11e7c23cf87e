import { PerennialError } from '#domain/errors.ts';
import type { RawRow } from '#domain/features/apply.ts';
import type { Metrics } from '../../infra/telemetry/metrics.ts';
import type { ArmCapture, Capture } from '../capture/capture.ts';
import { isKept } from '../capture/kept.ts';
import type { Answer } from '../model/answer.ts';
import type { ModelLoader } from '../model/loader.ts';
import { lookupFor } from '../model/online-copy.ts';
import { lookupIn, type RowViews, rowViewsOf } from '../model/row-views.ts';
import type { ServedModel } from '../model/served-model.ts';
import type { Serving } from '../model/serving.ts';
import { deal, type Portion } from './deal.ts';
import { eventMsOf } from './event-time.ts';
import { createPredictionId } from './prediction-id.ts';
import { batchOf, type Dealt, parseRows, rowsOf } from './rows.ts';

export type Prediction = Answer & {
  readonly prediction_id: string;
  readonly model_version: number;
  /** Whether it was logged, and so a label can find it; only where the pipeline keeps a share. */
  readonly captured?: boolean;
};
export type PredictionBody = Prediction | { readonly predictions: readonly Prediction[]; readonly model_version: number };

export type PredictionDeps = {
  readonly loader: Pick<ModelLoader, 'online'>;
  readonly metrics: Metrics;
  readonly capture: Capture;
};

/** Takes a body apart and chooses who answers. Throws PRN_SERVING_REQUEST where it is no row and no rows. */
export const dealRequest = (serving: Serving, body: unknown, header: string | null): Dealt => {
  const batch = batchOf(body, serving.model.featureSet.request);
  const rows = batch ?? [body];
  const nowMs = Date.now();
  const ids = rows.map(() => createPredictionId(nowMs));
  const portions = deal(serving, rows, header, ids[0] as string);
  return { serving, rows, isBatch: batch !== null, ids, nowMs, portions, header };
};

/** The portion of the first row, whose model the headers name. */
export const firstPortion = ({ portions }: Dealt): Portion =>
  portions.find(({ places }) => places === null || places[0] === 0) as Portion;

export type Answered = { readonly body: PredictionBody; readonly answers: readonly Answer[] };

/**
 * Parses, vectorizes and answers the rows of a request, each with its arm's model; logs and counts them once all are
 * answered, for a client that is told of an error has no answer to any. Resolves once their lines are written. Throws PRN_SERVING_REQUEST and PRN_SERVING_ANSWER.
 *
 * What a candidate cannot answer is an error for its client, and is never handed to the champion: harm that nobody meets
 * would be harm that nobody counts, and a rollout that looks harmless at 10 % would fail at 100 %, where no champion helps.
 */
export const predictDealt = async (deps: PredictionDeps, dealt: Dealt): Promise<Answered> => {
  const { ids, isBatch, portions } = dealt;
  const answers: Answer[] = new Array<Answer>(dealt.rows.length);
  const versions: number[] = new Array<number>(dealt.rows.length);
  for (const one of await answerAll(portions.map((portion) => answerPortion(deps, dealt, portion)))) {
    for (const [index, answer] of one.answered.entries()) {
      const place = one.portion.places?.[index] ?? index;
      answers[place] = answer;
      versions[place] = one.portion.version.version;
    }
    remember(deps, dealt, one);
  }
  await deps.capture.written();
  const { captured } = dealt.serving;
  const predictions = answers.map((answer, place) => {
    const id = ids[place] as string;
    const told = { ...answer, prediction_id: id, model_version: versions[place] as number };
    return captured < 1 ? { ...told, captured: isKept(id, captured) } : told;
  });
  const first = predictions[0] as Prediction;
  return { body: isBatch ? { predictions, model_version: firstPortion(dealt).version.version } : first, answers };
};

/** All of them end before the first failure is told: each counts for its own arm. */
const answerAll = async (portions: readonly Promise<AnsweredPortion>[]): Promise<readonly AnsweredPortion[]> => {
  // Most requests are of one arm, and need no list of outcomes.
  if (portions.length === 1) return [await (portions[0] as Promise<AnsweredPortion>)];
  const ended = await Promise.allSettled(portions);
  return ended.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
};

const answerPortion = async (deps: PredictionDeps, dealt: Dealt, portion: Portion): Promise<AnsweredPortion> => {
  const { serving } = dealt;
  const { model } = portion.version;
  try {
    const rows = parseRows(model, dealt, portion);
    const views = viewsOf(deps, serving, model, rows);
    const answered = await model.predict(rows, (_, index) => lookupIn(views?.[index] ?? null));
    return { portion, rows, views, answered };
  } catch (error) {
    countFailure(deps.capture.arm(serving, portion.arm), dealt, portion, error);
    throw error;
  }
};

type AnsweredPortion = {
  readonly portion: Portion;
  readonly rows: readonly RawRow[];
  readonly views: readonly RowViews[] | null;
  readonly answered: readonly Answer[];
};

/** Logs and counts each row. Scores out of range are one event, however many rows a request has. */
const remember = (
  { capture, metrics }: PredictionDeps,
  dealt: Dealt,
  { portion, rows, views, answered }: AnsweredPortion,
): void => {
  const { ids, nowMs, serving } = dealt;
  const { version, model } = portion.version;
  const { featureSet } = model;
  const arm = capture.arm(serving, portion.arm);
  metrics.count('perennial_serving_rows_total', { pipeline: serving.pipeline, version }, rows.length);
  let isOutside = false;
  for (const [index, answer] of answered.entries()) {
    const row = rows[index] as RawRow;
    const outside = arm.answered({
      id: ids[portion.places?.[index] ?? index] as string,
      atMs: nowMs,
      eventMs: eventMsOf(featureSet, row, nowMs),
      unit: portion.units[index]?.hash ?? null,
      row,
      views: views?.[index] ?? null,
      answer,
    });
    isOutside ||= outside;
  }
  if (isOutside) arm.counters.event('out_of_range');
};

/** Looked up once, so that what is counted and logged is what was computed with; null for a model without views. */
export const viewsOf = (
  { loader, metrics }: Pick<PredictionDeps, 'loader' | 'metrics'>,
  { pipeline }: Pick<Serving, 'pipeline'>,
  { featureSet }: Pick<ServedModel, 'featureSet'>,
  rows: readonly RawRow[],
): readonly RowViews[] | null => {
  if (featureSet.views.length === 0) return null;
  const lookupOf = lookupFor(featureSet, loader.online(pipeline), (view, reason) =>
    metrics.count('perennial_online_imputed_total', { pipeline, view, reason }),
  );
  return rows.map((row) => rowViewsOf(featureSet, row, lookupOf(row)));
};

/**
 * What went wrong, for the arm that met it. A row that does not fit is its sender's mistake, but for a candidate that
 * refuses what the champion would have answered: that is harm, as an error of a server is.
 */
const countFailure = ({ counters }: ArmCapture, dealt: Dealt, portion: Portion, error: unknown): void => {
  const code = error instanceof PerennialError ? error.code : null;
  if (code === 'PRN_SERVING_ANSWER') counters.event('invalid_output');
  if (code !== 'PRN_SERVING_REQUEST' || (portion.arm === 'candidate' && wouldTake(dealt, portion))) counters.event('errors');
};

const wouldTake = (dealt: Dealt, portion: Portion): boolean => {
  const { model } = dealt.serving;
  return rowsOf(dealt, portion).every((row) => 'row' in model.parse(row, dealt.nowMs));
};
