/** All that one features step makes of a snapshot: split, views, fitted features, matrix, hold-out. */
import { join } from 'node:path';
import type { DatasetManifest } from '#domain/contracts/dataset.ts';
import type { FeatureFrame, FeatureSet, ServedView } from '#domain/contracts/feature-set.ts';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { PerennialError } from '#domain/errors.ts';
import { createVectorizer } from '#domain/features/apply.ts';
import { fitFeatures } from '#domain/features/fit.ts';
import { type FeaturePlan, planFeatures } from '#domain/features/plan.ts';
import { requestColumns, requestFields } from '#domain/features/request.ts';
import type { Sha256 } from '#domain/units.ts';
import type { ContentStore } from '../objects/store.ts';
import { buildProfile } from '../profile/build-profile.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { quoteName, quoteText } from '../tabular/sql.ts';
import { guardAgainstLeakage } from './guard.ts';
import { type LabelPlan, planLabel } from './label.ts';
import { writeMatrix } from './matrix.ts';
import { type ExtraView, writePrepared } from './prepare.ts';
import { attachSnapshot, type SnapshotFiles } from './snapshot.ts';
import { decideSplit, type Split } from './split.ts';
import { foldSql, folds, labelTotals, summarize } from './summaries.ts';
import { describeQuery } from './syntax.ts';
import { proveByTruncation, type TruncationProof } from './truncation.ts';
import type { CompiledView } from './view-types.ts';
import { compileViews, servedView } from './views.ts';

export type FrameInput = {
  readonly manifest: DatasetManifest;
  readonly snapshotSha256: Sha256;
  readonly spec: PipelineSpec;
  readonly files: SnapshotFiles;
  /** Private folder for what is written on the way. */
  readonly folder: string;
  readonly content: ContentStore;
  /** Views that the champion asks for and this definition lacks, so that both can be scored on the same hold-out. */
  readonly extraViews: readonly ExtraView[];
  /** View values of this definition that the champion reads, as `view.value`. */
  readonly championValues: readonly string[];
  readonly onStage: (stage: string, detail?: Readonly<Record<string, number | string>>) => void;
};

export type BuiltFrame = {
  readonly frame: FeatureFrame;
  readonly frameSha256: Sha256;
  readonly featureSet: FeatureSet;
};

/** Fewer rows than these fit nothing and compare nothing; more would refuse small but honest beginnings. */
const fewestTrainingRows = 20;
const fewestHoldoutRows = 10;
/** For the leakage guard: the standard error of an AUC of 0.99 is then below 0.0005, and sorting takes milliseconds. */
const sampleRows = 100_000;

const prove = async (db: Duck, input: FrameInput, views: readonly CompiledView[]): Promise<TruncationProof[]> => {
  const { schema } = input.manifest;
  const scope = { schema, eventTime: schema.eventTime as string, sources: [...input.files.further.keys()] };
  const proofs: TruncationProof[] = [];
  for (const view of views) {
    if (view.kind !== 'sql') continue;
    proofs.push(
      ...(await proveByTruncation(db, view, scope, (at) => input.onStage('truncation proof', { view: view.name, at }))),
    );
  }
  return proofs;
};

/** A champion's view whose columns are gone says nothing, as it will in the server. */
const bindable = async (db: Duck, extra: readonly ExtraView[]): Promise<ExtraView[]> => {
  const usable: ExtraView[] = [];
  for (const { view, as } of extra) {
    const empty = `SELECT _row, ${view.values.map((value) => `NULL::DOUBLE AS ${quoteName(value)}`).join(', ')} FROM snapshot`;
    const isBound = await describeQuery(db, view.sql).then(
      () => true,
      () => false,
    );
    usable.push({ as, view: isBound ? view : { ...view, sql: empty } });
  }
  return usable;
};

type Counts = { readonly train: number; readonly holdout: number };

const countRows = async (db: Duck): Promise<Counts> => {
  const counts = await db.row<Counts>(
    `SELECT count(*) FILTER (_side = 0) AS train, count(*) FILTER (_side = 1) AS holdout FROM prepared`,
  );
  const problem =
    counts.train < fewestTrainingRows
      ? `training must have at least ${fewestTrainingRows} rows: it has ${counts.train}`
      : `the hold-out must have at least ${fewestHoldoutRows} rows: it has ${counts.holdout}`;
  if (counts.train >= fewestTrainingRows && counts.holdout >= fewestHoldoutRows) return counts;
  throw new PerennialError('PRN_FEATURE_SPLIT', `Cannot split the snapshot as ${problem}`, { details: { ...counts } });
};

const nameSides = async (db: Duck, label: LabelPlan, seed: number): Promise<void> => {
  const derived = `${label.numberSql} AS _label, ${foldSql(seed)} AS _fold`;
  await db.run(`CREATE VIEW training AS SELECT *, ${derived} FROM prepared WHERE _side = 0`);
  await db.run(`CREATE VIEW holdout AS SELECT *, ${derived} FROM prepared WHERE _side = 1`);
};

const columnsWithMissing = async (db: Duck, columns: readonly string[]): Promise<Set<string>> => {
  if (columns.length === 0) return new Set();
  const flags = columns.map((column) => `count(*) > count(${quoteName(column)})`);
  const { missing } = await db.row<{ missing: boolean[] }>(`SELECT [${flags.join(', ')}] AS missing FROM training`);
  return new Set(columns.filter((_, index) => missing[index]));
};

const seenCategories = async (db: Duck, columns: readonly string[], input: FrameInput): Promise<Map<string, string[]>> => {
  const seen = new Map<string, string[]>();
  for (const name of columns) {
    const column = input.manifest.schema.columns.find((each) => each.name === name);
    if (column?.new_values !== 'reject' || column.values !== undefined) continue;
    const rows = await db.rows<{ value: string }>(
      `SELECT DISTINCT ${quoteName(name)}::VARCHAR AS value FROM training WHERE ${quoteName(name)} IS NOT NULL ORDER BY 1 LIMIT 10000`,
    );
    seen.set(
      name,
      rows.map((row) => row.value),
    );
  }
  return seen;
};

type Fitted = { readonly featureSet: FeatureSet; readonly byFold: readonly FeatureSet[] };

const valuesOfPlans = (plans: readonly FeaturePlan[]): string[] =>
  plans.flatMap((plan) => (plan.source.kind === 'view' ? [`${plan.source.view}.${plan.source.value}`] : []));

const usedViews = (views: readonly CompiledView[], plans: readonly FeaturePlan[]): ServedView[] => {
  const impute = new Set(plans.map((plan) => (plan.source.kind === 'view' ? plan.source.view : null)));
  return views.filter((view) => impute.has(view.name)).map(servedView);
};

/** Features without values default to a constant where nobody chose them: a new column may still be empty. */
const forgiving = (plans: readonly FeaturePlan[], isDefault: boolean, isEmpty: (index: number) => boolean): FeaturePlan[] =>
  plans.map((plan, index) =>
    isDefault && plan.encode === null && isEmpty(index) ? { ...plan, impute: { kind: 'constant', value: 0 } } : plan,
  );

const fit = async (
  db: Duck,
  input: FrameInput,
  views: readonly CompiledView[],
  planned: readonly FeaturePlan[],
): Promise<Fitted> => {
  const { schema } = input.manifest;
  const totals = await labelTotals(db, 'training');
  const summaries = await summarize(db, 'training', planned);
  const isEmpty = (index: number): boolean => {
    const summary = summaries[index];
    return summary?.kind === 'numeric' && summary.present === 0;
  };
  const plans = forgiving(planned, input.spec.features.inputs === undefined, isEmpty);
  const served = usedViews(views, plans);
  const columns = requestColumns(plans, served, schema);
  // What only names a row is taken too, and may be left out: labels are joined by it, and rollouts split by it.
  const names = schema.key.filter((name) => !columns.includes(name));
  const request = requestFields([...columns, ...names], schema, {
    withMissing: new Set([...(await columnsWithMissing(db, columns)), ...names]),
    seen: await seenCategories(db, columns, input),
    defaultsToNow: new Set(Object.keys(input.spec.serve.inputs)),
  });
  const results = fitFeatures(plans, summaries, totals);
  const eventTime = columns.includes(schema.eventTime ?? '') ? schema.eventTime : null;
  const featureSet: FeatureSet = {
    format: 1,
    request,
    views: served,
    features: results.map((result) => result.feature),
    eventTime,
  };
  const isFolded = results.some((result) => result.byFold !== null);
  const ofFold = (fold: number): FeatureSet => ({
    ...featureSet,
    features: results.map((result) => result.byFold?.[fold] ?? result.feature),
  });
  return { featureSet, byFold: isFolded ? Array.from({ length: folds }, (_, fold) => ofFold(fold)) : [featureSet] };
};

/** Hold-out rows as they are, so that any model, also one with other features, can be scored on them. */
const writeHoldoutRaw = async (db: Duck, file: string): Promise<void> => {
  await db.run(
    `COPY (SELECT * EXCLUDE (_row, _side, _label, _fold), row_number() OVER (ORDER BY holdout._row) - 1 AS _row FROM holdout ORDER BY _row)
     TO ${quoteText(file)} (FORMAT parquet, COMPRESSION snappy)`,
  );
};

const store = async (content: ContentStore, file: string): Promise<Sha256> => (await content.putFile(file)).sha256;

/** View values that are texts, as `view.value`. */
const textValuesOf = (views: readonly CompiledView[]): ReadonlySet<string> =>
  new Set(
    views.flatMap((view) =>
      view.values.filter((value) => value.type === 'category').map((value) => `${view.name}.${value.name}`),
    ),
  );

/** What a model of this frame will have known as normal: training and hold-out together. */
const writeProfile = async (
  db: Duck,
  input: FrameInput,
  views: readonly CompiledView[],
  featureSet: FeatureSet,
  featureSetSha256: Sha256,
): Promise<Sha256> => {
  input.onStage('profile');
  const { spec, snapshotSha256 } = input;
  const { schema } = input.manifest;
  const textValues = textValuesOf(views);
  const of = { spec, schema, snapshotSha256, featureSet, featureSetSha256, textValues, relation: 'prepared' };
  return input.content.putJson(await buildProfile(db, of));
};

type Written = Pick<FeatureFrame, 'train' | 'holdout' | 'leakage'>;

const write = async (
  db: Duck,
  input: FrameInput,
  views: readonly CompiledView[],
  label: LabelPlan,
  fitted: Fitted,
  counts: Counts,
): Promise<Written> => {
  const path = (name: string): string => join(input.folder, name);
  const { schema } = input.manifest;
  const textValues = textValuesOf(views);
  const matrixOf = (relation: string, rows: number, sets: readonly FeatureSet[], sample: number) =>
    writeMatrix(db, {
      relation,
      rows,
      vectorizers: sets.map(createVectorizer),
      schema,
      textValues,
      files: { features: path(`${relation}.npy`), labels: path(`${relation}-labels.npy`) },
      sampleRows: sample,
      onRows: (done) => input.onStage(`${relation} matrix`, { rows: done, of: rows }),
    });
  const sample = await matrixOf('training', counts.train, fitted.byFold, sampleRows);
  const leakage = guardAgainstLeakage(fitted.featureSet, sample, label, input.spec.gate.leakage.at_most);
  await matrixOf('holdout', counts.holdout, [fitted.featureSet], 0);
  await writeHoldoutRaw(db, path('holdout.parquet'));
  return {
    leakage,
    train: {
      rows: counts.train,
      features: await store(input.content, path('training.npy')),
      labels: await store(input.content, path('training-labels.npy')),
    },
    holdout: {
      rows: counts.holdout,
      raw: await store(input.content, path('holdout.parquet')),
      features: await store(input.content, path('holdout.npy')),
      labels: await store(input.content, path('holdout-labels.npy')),
    },
  };
};

const splitOf = ({ kind, trainFrom, holdoutFrom, holdoutTo }: Split): FeatureFrame['split'] => ({
  kind,
  trainFrom,
  holdoutFrom,
  holdoutTo,
});

/**
 * Builds and stores a frame. Nothing is learned from a hold-out row, and no row sees what was not known before it.
 * Throws PRN_FEATURE_INVALID, PRN_FEATURE_FUTURE, PRN_FEATURE_SPLIT, PRN_FEATURE_LEAKAGE, PRN_DATA_LABEL, PRN_DATA_SQL.
 */
export const buildFrame = async (db: Duck, input: FrameInput): Promise<BuiltFrame> => {
  const { manifest, spec } = input;
  await attachSnapshot(db, input.files);
  const views = await compileViews(db, spec.features.views, manifest.schema, [...input.files.further.keys()]);
  const plans = planFeatures(spec.features, manifest.schema, views);
  const split = await decideSplit(db, manifest, spec.training);
  const truncationProof = await prove(db, input, views);
  input.onStage('views');
  const extra = await bindable(db, input.extraViews);
  const wanted = new Set([...valuesOfPlans(plans), ...input.championValues]);
  const { eventTime } = manifest.schema;
  await writePrepared(db, { views, extra, split, eventTime, wanted }, join(input.folder, 'prepared.parquet'));
  const counts = await countRows(db);
  const label = await planLabel(db, 'prepared', manifest.schema);
  refuseTargetOfMany(plans, label);
  await nameSides(db, label, spec.training.seed);
  input.onStage('fit');
  const fitted = await fit(db, input, views, plans);
  const written = await write(db, input, views, label, fitted, counts);
  const featureSetSha256 = await input.content.putJson(fitted.featureSet);
  const frame: FeatureFrame = {
    format: 1,
    snapshotSha256: input.snapshotSha256,
    featureSetSha256,
    profileSha256: await writeProfile(db, input, views, fitted.featureSet, featureSetSha256),
    columns: fitted.featureSet.features.flatMap((feature) => feature.outputs),
    task: label.task,
    classes: [...label.classes],
    ...written,
    split: splitOf(split),
    truncationProof,
  };
  return { frame, frameSha256: await input.content.putJson(frame), featureSet: fitted.featureSet };
};

/** A mean of class numbers means nothing. */
const refuseTargetOfMany = (plans: readonly FeaturePlan[], label: LabelPlan): void => {
  const plan = plans.find((each) => each.encode === 'target');
  if (plan === undefined || label.task !== 'multiclass') return;
  throw new PerennialError(
    'PRN_FEATURE_INVALID',
    `Cannot build the feature "${plan.name}" as encode: target needs a label of two classes or a number: it has ${label.classes.length} classes`,
  );
};
