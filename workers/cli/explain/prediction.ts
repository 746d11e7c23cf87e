import type { PredictionRecord } from '#domain/contracts/capture.ts';
import { featureSetSchema } from '#domain/contracts/feature-set.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { findPrediction } from '../../../infra/capture/find-prediction.ts';
import { subjectOfPrediction } from '../../../infra/capture/subject.ts';
import { createLabels, type StoredLabel } from '../../../infra/postgres/labels.ts';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import type { Context } from '../context.ts';
import { short } from '../output.ts';
import { formatNumber } from '../quantity.ts';
import { minute, share } from '../status/moments.ts';
import { field } from './lines.ts';
import { readVersion, type VersionExplained } from './version.ts';

type Found = NonNullable<Awaited<ReturnType<typeof findPrediction>>>;

const notFound = (id: string): PerennialError => {
  const at = new Date(Number.parseInt(id.replace('-', '').slice(0, 12), 16));
  return new PerennialError(
    'PRN_NOT_FOUND',
    `Cannot explain prediction "${id}": no server has shipped it. Its id says ${minute(at.toISOString())}; servers ship about once a minute, and predictions are kept as long as retention.predictions says`,
  );
};

/** What the label says that came for it, by its id or by its key; null where none came. */
const findLabel = async (context: Context, found: Found): Promise<StoredLabel | null> => {
  const subjects = [subjectOfPrediction(found.id), ...(found.subjectByKey === null ? [] : [found.subjectByKey])];
  return (await createLabels(context.database.db).find(found.pipeline, subjects))[0] ?? null;
};

/** The share that was set when the candidate answered, and what set it; null for the champion outside of a rollout. */
const findRollout = async (context: Context, pipeline: PipelineName, generation: number) => {
  const rollouts = await createRollouts(context.database.db).list(pipeline);
  for (const rollout of rollouts) {
    const place = rollout.segments.findIndex((one) => one.generation === generation);
    if (place >= 0) return { rollout, share: rollout.segments[place]?.share ?? 0 };
  }
  return null;
};

/** Fields of the request that are instants; none where the feature set is gone, and then they stay the numbers they are. */
const readTimestamps = async (context: Context, featureSetSha256: Sha256): Promise<string[]> => {
  const stored = featureSetSchema.safeParse(await context.content.getJson(featureSetSha256).catch(() => null));
  return (stored.data?.request ?? []).filter(({ type }) => type === 'timestamp').map(({ name }) => name);
};

/** Which model, which data and which decision stood behind one answer. Throws PRN_NOT_FOUND. */
export const readPrediction = async (context: Context, id: string) => {
  const record = await findPrediction(
    { db: context.database.db, content: context.content, scratch: context.config.stateDir, memoryMiB: context.config.memoryMiB },
    id,
  );
  if (record === null) throw notFound(id);
  const [rollout, label, model] = await Promise.all([
    findRollout(context, record.pipeline, record.generation),
    findLabel(context, record),
    record.kind === 'answered' ? readVersion(context, record.pipeline, record.version) : null,
  ]);
  const timestamps = model === null ? [] : await readTimestamps(context, model.version.featureSetSha256);
  return { record, rollout, label, model, timestamps };
};
type Explained = Awaited<ReturnType<typeof readPrediction>>;

type Values = Extract<PredictionRecord, { kind: 'answered' }>['inputs'];
const valueText = (value: Values[string], isInstant: boolean): string => {
  if (value === null || value === undefined) return 'missing';
  return isInstant && typeof value === 'number' ? new Date(value).toISOString() : String(value);
};

const valuesText = (values: Values, timestamps: readonly string[] = []): string =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${valueText(value, timestamps.includes(name))}`)
    .join(', ');

const answerText = ({ prediction, scores }: Extract<PredictionRecord, { kind: 'answered' }>): string =>
  `${prediction} (score ${scores.map(formatNumber).join(', ')})`;

const whyText = (rollout: Explained['rollout'], generation: number, model: VersionExplained | null): string => {
  if (rollout !== null)
    return `generation ${generation}, in rollout ${rollout.rollout.id} with the candidate at ${share(rollout.share)}: perennial explain ${rollout.rollout.id}`;
  const promoted = model?.promotions.filter((one) => one.generation <= generation).sort((a, b) => b.generation - a.generation)[0];
  if (promoted === undefined) return `generation ${generation}`;
  return `generation ${generation}: ${promoted.kind === 'promote' ? 'promoted' : 'put back'} ${minute(promoted.promotedAt)} by ${promoted.actor}: ${promoted.reason}`;
};

const labelText = (label: StoredLabel | null): string => {
  if (label === null) return 'none has come';
  const corrected = label.corrections === 0 ? '' : `, corrected ${label.corrections} times`;
  return `${label.label}, known ${minute(label.knownAt)}, arrived ${minute(label.arrivedAt as Instant)}${corrected}`;
};

const modelLines = (model: VersionExplained | null): string[] =>
  model === null
    ? []
    : [
        field(
          'model',
          `version ${model.version.version} (${short(model.version.modelSha256)}), trained by ${model.version.trainer}`,
        ),
        field('data', `${short(model.version.snapshotSha256)}, features ${short(model.version.featureSetSha256)}`),
        ...(model.run?.result == null ? [] : [field('gate', `${model.run.result.reason} (run ${model.run.runKey})`)]),
      ];

export const predictionLines = ({ record, rollout, label, model, timestamps }: Explained): string[] => [
  `prediction ${record.id} of ${record.pipeline}, ${minute(record.at)}`,
  ...(record.kind === 'refused'
    ? [field('refused', `${record.status} ${record.code}: ${record.message}`)]
    : [
        field('answer', `${answerText(record)}${record.shadow ? ', in a shadow: nobody was sent it' : ''}`),
        field('arm', record.arm),
        field('asked', valuesText(record.inputs, timestamps)),
        ...Object.entries(record.views).map(([view, values]) => field('looked up', `${view}: ${valuesText(values)}`)),
      ]),
  ...modelLines(model),
  field('because', whyText(rollout, record.generation, model)),
  field('label', labelText(label)),
];
