import type { FastifyInstance } from 'fastify';
import type { LabelReceipt } from '#domain/contracts/capture.ts';
import { pipelineNameSchema } from '#domain/contracts/ids.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import { parseLabels } from '../../../infra/capture/label-intake.ts';
import type { NewLabel } from '../../../infra/postgres/labels.ts';
import type { Metrics } from '../../../infra/telemetry/metrics.ts';
import type { ModelLoader } from '../../model/loader.ts';

/** Where labels go. */
export type LabelIntake = {
  /** All or none of them. Throws PRN_NOT_FOUND for a pipeline that is not applied. */
  record(pipeline: PipelineName, labels: readonly NewLabel[]): Promise<LabelReceipt>;
  /** Of `data.key`; none for a pipeline without one. */
  keyColumns(pipeline: PipelineName): Promise<readonly string[]>;
};

export type LabelDeps = {
  readonly loader: Pick<ModelLoader, 'current' | 'serving'>;
  readonly labels: LabelIntake;
  readonly metrics: Metrics;
};

/** One transaction of a second at most; more would hold others up, fewer would make round trips of a day's labels. */
export const maxLabels = 10_000;
/** 10,000 labels by a key of some columns. */
const bodyBytes = 8 * 1_048_576;
/** Enough to mend a client, not enough to make an answer of megabytes. */
const maxProblems = 32;

/**
 * POST /labels/:pipeline, and POST /labels while exactly one pipeline is served. The body is one label or
 * `{ "labels": [...] }`, each for a prediction by `prediction_id` or for what the `key` of the pipeline names. All are kept
 * or none; the same again changes nothing. The answer counts the new ones, the corrections and the duplicates.
 */
export const labelRoutes = async (app: FastifyInstance, deps: LabelDeps): Promise<void> => {
  app.post<{ Params: { pipeline: string } }>('/labels/:pipeline', { bodyLimit: bodyBytes }, ({ params, body }) =>
    take(deps, nameOf(params.pipeline), body),
  );
  app.post('/labels', { bodyLimit: bodyBytes }, ({ body }) => take(deps, onlyPipeline(deps.loader), body));
};

const take = async ({ loader, labels, metrics }: LabelDeps, pipeline: PipelineName, body: unknown): Promise<LabelReceipt> => {
  const inputs = inputsOf(body);
  const served = loader.current(pipeline)?.model.package ?? null;
  const parsed = parseLabels(inputs, { type: served, keyColumns: await labels.keyColumns(pipeline) });
  if (parsed.problems.length > 0) throw wrongLabels(parsed.problems, isMany(body));
  const receipt = await labels.record(pipeline, parsed.labels);
  for (const [outcome, count] of Object.entries(receipt)) metrics.count('perennial_labels_total', { pipeline, outcome }, count);
  return receipt;
};

const isMany = (body: unknown): body is { labels: unknown } =>
  typeof body === 'object' && body !== null && Object.hasOwn(body, 'labels');

const inputsOf = (body: unknown): readonly unknown[] => {
  if (!isMany(body)) return [body];
  const { labels, ...others } = body;
  const [other] = Object.keys(others);
  if (other !== undefined) throw invalid(`"${other}" must not stand beside "labels"`);
  if (!Array.isArray(labels)) throw invalid('"labels" must be an array of labels');
  if (labels.length === 0 || labels.length > maxLabels)
    throw invalid(`"labels" must hold 1 to ${maxLabels} labels: holds ${labels.length}`);
  return labels;
};

type Problem = { readonly index: number; readonly field: string; readonly message: string };

const wrongLabels = (problems: readonly Problem[], isOneOfMany: boolean): PerennialError => {
  const told = problems.slice(0, maxProblems).map(({ index, field, message }) => {
    const place = [...(isOneOfMany ? [`labels[${index}]`] : []), ...(field === '' ? [] : [field])].join('.');
    return { field: place, message };
  });
  const named = told.slice(0, 3).map(({ field, message }) => (field === '' ? `body ${message}` : `"${field}" ${message}`));
  const more = problems.length > named.length ? `; and ${problems.length - named.length} more` : '';
  return invalid(`${named.join('; ')}${more}`, { problems: told });
};

const invalid = (what: string, details: Readonly<Record<string, unknown>> = {}): PerennialError =>
  new PerennialError('PRN_INPUT_INVALID', `Cannot keep labels: ${what}`, { details });

const nameOf = (asked: string): PipelineName => {
  const parsed = pipelineNameSchema.safeParse(asked);
  if (parsed.success) return parsed.data;
  throw new PerennialError('PRN_NOT_FOUND', `Cannot find pipeline "${asked.slice(0, 80)}" as no pipeline has such a name`);
};

const onlyPipeline = (loader: LabelDeps['loader']): PipelineName => {
  const served = loader.serving();
  if (served.length === 1) return served[0]?.pipeline as PipelineName;
  const names = served.map(({ pipeline }) => `/labels/${pipeline}`);
  const what = served.length === 0 ? 'none is served yet: use /labels/PIPELINE' : `use one of ${names.join(', ')}`;
  throw new PerennialError(
    'PRN_SERVING_NO_MODEL',
    `Cannot choose the pipeline of POST /labels as exactly one should be served, and ${served.length} are: ${what}`,
  );
};
