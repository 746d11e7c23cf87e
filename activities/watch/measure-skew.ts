/** Whether what was served is what the same rows give when they are computed again from the data. */
import type { AnsweredRecord } from '#domain/contracts/capture.ts';
import { type FeatureSet, featureSetSchema } from '#domain/contracts/feature-set.ts';
import { type ModelPackage, type ModelVersion, modelPackageSchema } from '#domain/contracts/model-version.ts';
import type { FeaturesSpec } from '#domain/contracts/pipeline-spec/features.ts';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { type SkewMismatch, type SkewReport, skewReportSchema } from '#domain/contracts/skew-report.ts';
import { createVectorizer, type Vectorizer } from '#domain/features/apply.ts';
import type { Instant, Sha256 } from '#domain/units.ts';
import { recordOfRow, type ShippedRow } from '../../infra/capture/record-of-row.ts';
import { readManifest } from '../../infra/data/manifest.ts';
import { entitiesOf, type PublishedValues, publishedValues, servedValues } from '../../infra/features/published-values.ts';
import { allFiles, fetchSnapshot } from '../../infra/features/snapshot.ts';
import { schemaFor } from '../../infra/features/views.ts';
import { mapParallel } from '../../infra/objects/parallel.ts';
import { type OnnxSession, openSession } from '../../infra/onnx/session.ts';
import type { PredictionParts } from '../../infra/postgres/prediction-parts.ts';
import type { WatchReports } from '../../infra/postgres/watch-reports.ts';
import { withDuckDb } from '../../infra/tabular/duckdb.ts';
import { parquetOf, quoteText } from '../../infra/tabular/sql.ts';
import type { CpuDeps } from '../deps.ts';
import { readSpec } from '../ingest.ts';
import { nullIfOutdated } from '../outdated.ts';
import type { StepContext } from '../step-context.ts';
import {
  answerTolerance,
  compareAnswers,
  compareVectors,
  compareViews,
  type Found,
  relativeTolerance,
  type Views,
} from './compare-skew.ts';
import type { Span } from './performance-question.ts';

export type SkewDeps = Pick<CpuDeps, 'content' | 'scratch' | 'limits' | 'definitions' | 'onlineFeatures'> & {
  readonly predictionParts: Pick<PredictionParts, 'select'>;
  readonly reports: Pick<WatchReports, 'record'>;
};

export type SkewQuestion = {
  /** With a profile: its digest is part of the report's name. */
  readonly version: ModelVersion & { readonly profileSha256: Sha256 };
  /** Of events; closed. */
  readonly window: Span;
};

export type SkewMeasurement = {
  readonly report: SkewReport;
  /** Of the report that holds for this window. */
  readonly reportSha256: Sha256;
  readonly outcome: 'pass' | 'fail' | 'inconclusive';
};

/** A fault that touches one row in a hundred is missed by a sample of 500 once in 150; recomputing them takes a second. */
const sampleRows = 500;
const mostTold = 100;
const parallelFiles = 4;

type Publication = Awaited<ReturnType<CpuDeps['onlineFeatures']['history']>>[number];

type Model = {
  readonly package: ModelPackage;
  readonly featureSet: FeatureSet;
  readonly vectorizer: Vectorizer;
  readonly session: OnnxSession;
  readonly views: FeaturesSpec['views'];
  /** null where the model has no definition. */
  readonly label: PipelineSpec['data']['label'] | null;
};

type Sample = { readonly records: readonly AnsweredRecord[]; readonly predictions: number };

/** The same rows of a window each time: drawn by their ids and its name. */
const readSample = async (
  deps: SkewDeps,
  { version, window }: SkewQuestion,
  context: StepContext | undefined,
): Promise<Sample> => {
  const parts = (await deps.predictionParts.select(version.pipeline, window.from)).filter(
    ({ firstEventAt, lastEventAt }) =>
      firstEventAt !== null && lastEventAt !== null && firstEventAt < window.to && lastEventAt >= window.from,
  );
  if (parts.length === 0) return { records: [], predictions: 0 };
  const files = await mapParallel(parts, parallelFiles, ({ sha256 }) => deps.content.localFile(sha256));
  const rows = `${parquetOf(files)} WHERE kind = 'answered' AND NOT shadow AND model_sha256 = ${quoteText(version.modelSha256)}
    AND event_at >= CAST(${quoteText(window.from)} AS TIMESTAMP) AND event_at < CAST(${quoteText(window.to)} AS TIMESTAMP)`;
  const seed = quoteText(`${version.modelSha256} ${window.from}`);
  return await deps.scratch.withFolder('skew', (folder) =>
    withDuckDb({ folder, ...deps.limits, allowedFolders: files, signal: context?.signal }, async (db) => {
      const { predictions } = await db.row<{ predictions: number }>(`SELECT count(*) AS predictions FROM ${rows}`);
      const drawn = await db.rows<ShippedRow>(`SELECT * FROM ${rows} ORDER BY hash(id || ${seed}), id LIMIT ${sampleRows}`);
      const records = drawn.map(recordOfRow).filter((record) => record.kind === 'answered');
      return { records: records.sort((left, right) => (left.id < right.id ? -1 : 1)), predictions };
    }),
  );
};

const openModel = async (deps: SkewDeps, version: ModelVersion): Promise<Model> => {
  const modelPackage = modelPackageSchema.parse(await deps.content.getJson(version.modelSha256));
  const featureSet = featureSetSchema.parse(await deps.content.getJson(modelPackage.featureSetSha256));
  const { definitionSha256 } = version;
  const spec = definitionSha256 === null || featureSet.views.length === 0 ? null : await readSpec(deps, { definitionSha256 });
  const names = new Set(featureSet.views.map(({ name }) => name));
  return {
    package: modelPackage,
    featureSet,
    vectorizer: createVectorizer(featureSet),
    session: await openSession(await deps.content.getBytes(modelPackage.onnx.sha256)),
    views: Object.fromEntries(Object.entries(spec?.features.views ?? {}).filter(([name]) => names.has(name))),
    label: spec?.data.label ?? null,
  };
};

/** Names of the outputs that a server logs. */
const outputNames = ({ task, classes, positiveClass }: ModelPackage): readonly string[] => {
  if (task === 'multiclass') return classes;
  return [task === 'regression' ? 'value' : (positiveClass ?? 'probability')];
};

const scoresOf = ({ package: { task, classes, positiveClass }, session }: Model, outputs: Float32Array): number[] => {
  if (task !== 'binary' || session.outputWidth === 1) return [...outputs];
  return [outputs[classes.indexOf(positiveClass ?? (classes[1] as string))] as number];
};

const answerAgain = async (model: Model, vector: Float32Array): Promise<number[]> =>
  scoresOf(model, await model.session.run(vector, 1));

/** What a snapshot publishes for the entities of rows; null where it no longer allows a view of the model. */
const publish = (
  deps: SkewDeps,
  model: Model,
  snapshotSha256: Sha256,
  records: readonly AnsweredRecord[],
  context: StepContext | undefined,
) =>
  deps.scratch.withFolder('skew', async (folder): Promise<PublishedValues | null> => {
    const stored = await readManifest(deps.content, snapshotSha256);
    const manifest = model.label === null ? stored : { ...stored, schema: schemaFor(stored.schema, model.label) };
    const files = await fetchSnapshot(manifest, deps.content);
    context?.heartbeat({ stage: 'skew', snapshot: snapshotSha256 });
    const wanted = entitiesOf(
      model.featureSet.views,
      records.map(({ inputs }) => inputs),
    );
    return await withDuckDb({ folder, ...deps.limits, allowedFolders: allFiles(files), signal: context?.signal }, (db) =>
      publishedValues(db, files, manifest, model.views, wanted).catch((error: unknown) => {
        context?.signal?.throwIfAborted();
        return nullIfOutdated(error);
      }),
    );
  });

/** Servers hear of a publication within a second; one that cannot be reached polls, and may be this much later. */
const propagationMs = 30_000;

/**
 * Snapshots whose values a row may have been given: of the newest publication that all servers had heard of, and of those
 * that were on their way. A run that the gate refused published nothing, however new its snapshot.
 */
const inForce = (published: readonly Publication[], at: Instant): Sha256[] => {
  const atMs = Date.parse(at);
  const begun = published.filter(({ beganAt }) => Date.parse(beganAt) <= atMs);
  const settled = begun.findIndex(({ publishedAt }) => Date.parse(publishedAt) <= atMs - propagationMs);
  const candidates = settled === -1 ? begun : begun.slice(0, settled + 1);
  return [...new Set(candidates.map(({ snapshotSha256 }) => snapshotSha256))];
};

const instantOfRow = ({ featureSet }: Model, { inputs }: AnsweredRecord): number | null => {
  const value = featureSet.eventTime == null ? null : inputs[featureSet.eventTime];
  return typeof value === 'number' ? value : null;
};

const viewsOf = (model: Model, published: PublishedValues, record: AnsweredRecord): Views =>
  servedValues(model.featureSet.views, published, record.inputs, instantOfRow(model, record));

/**
 * A row is compared with each publication that it may have met, the newest first: one takes a while to reach all servers,
 * and what was served meanwhile is no error.
 */
const compareRow = async (model: Model, record: AnsweredRecord, candidates: readonly Views[]): Promise<Found[]> => {
  const { vectorizer, featureSet } = model;
  // A server gives numbers and texts; the log's form allows truths too.
  const served = record.views as Views;
  const same = candidates.find((views) => compareViews(featureSet.views, served, views).length === 0);
  const recomputed = same ?? candidates[0] ?? served;
  const [was, is] = [served, recomputed].map((views) => vectorizer.apply(record.inputs, (view) => views[view]));
  if (was === undefined || is === undefined) return [];
  return [
    ...compareViews(featureSet.views, served, recomputed),
    ...compareVectors(vectorizer.names, was, is),
    ...compareAnswers(outputNames(model.package), record.scores, await answerAgain(model, is)),
  ];
};

type Compared = {
  readonly mismatches: readonly SkewMismatch[];
  readonly rows: number;
  readonly skipped: number;
  readonly snapshots: Sha256[];
};

/** Each takes as long as a publication. Where data arrive every hour a day has more; rows of the others are passed over. */
const mostSnapshots = 8;

/** Those that most rows may have met, so that as many as can be are compared. */
const snapshotsToRead = (records: Sample['records'], known: readonly Publication[]): Sha256[] => {
  const rows = new Map<Sha256, number>();
  for (const { at } of records) for (const sha256 of inForce(known, at)) rows.set(sha256, (rows.get(sha256) ?? 0) + 1);
  return [...rows]
    .sort(([, left], [, right]) => right - left)
    .slice(0, mostSnapshots)
    .map(([sha256]) => sha256);
};

const compareAll = async (
  deps: SkewDeps,
  model: Model,
  sample: Sample,
  context: StepContext | undefined,
  pipeline: ModelVersion['pipeline'],
): Promise<Compared> => {
  const hasViews = model.featureSet.views.length > 0;
  const known = hasViews ? await deps.onlineFeatures.history(pipeline) : [];
  const published = new Map<Sha256, PublishedValues>();
  const read = snapshotsToRead(sample.records, known);
  for (const sha256 of read) {
    const values = await publish(deps, model, sha256, sample.records, context);
    if (values !== null) published.set(sha256, values);
  }
  const mismatches: SkewMismatch[] = [];
  let [rows, skipped] = [0, 0];
  for (const record of sample.records) {
    const met = inForce(known, record.at);
    const snapshots = met.flatMap((sha256) => published.get(sha256) ?? []);
    // One that was not read may be the one that the row was given.
    if (hasViews && (snapshots.length === 0 || met.some((sha256) => !read.includes(sha256)))) {
      skipped += 1;
      continue;
    }
    const found = await compareRow(
      model,
      record,
      snapshots.map((one) => viewsOf(model, one, record)),
    );
    rows += found.length > 0 ? 1 : 0;
    mismatches.push(...found.map((one) => ({ predictionId: record.id, ...one })));
  }
  return { mismatches, rows, skipped, snapshots: [...published.keys()].toReversed() };
};

const toReport = ({ version, window }: SkewQuestion, model: Model, sample: Sample, compared: Compared): SkewReport => {
  const { mismatches, rows, skipped, snapshots } = compared;
  const [count, values] = [sample.records.length - skipped, model.featureSet.views.flatMap((view) => view.values).length];
  const of = (what: SkewMismatch['what']): number => mismatches.filter((one) => one.what === what).length;
  const byName: Record<string, number> = {};
  for (const { what, name } of mismatches) byName[`${what} ${name}`] = (byName[`${what} ${name}`] ?? 0) + 1;
  return skewReportSchema.parse({
    format: 1,
    pipeline: version.pipeline,
    version: version.version,
    modelSha256: version.modelSha256,
    from: window.from,
    to: window.to,
    predictions: sample.predictions,
    sampled: sample.records.length,
    skipped,
    snapshots,
    tolerance: { relative: relativeTolerance, answer: answerTolerance },
    compared: {
      views: count * values,
      features: count * model.vectorizer.width,
      answers: count * outputNames(model.package).length,
    },
    mismatched: { views: of('view'), features: of('feature'), answers: of('answer'), rows },
    byName,
    mismatches: mismatches.slice(0, mostTold),
  });
};

const outcomeOf = ({ sampled, skipped, mismatched }: SkewReport): SkewMeasurement['outcome'] => {
  if (mismatched.rows > 0) return 'fail';
  return sampled > skipped ? 'pass' : 'inconclusive';
};

/**
 * Computes a sample of the rows that a version answered in a window again: published values from the snapshot that was in
 * force, features by the very transforms, answers by the very runtime; and names every value that is another. The report is
 * stored with its row; a window is measured once, and again gives the same report. Null where nothing was answered.
 */
export const measureSkew = async (
  deps: SkewDeps,
  question: SkewQuestion,
  context?: StepContext,
): Promise<SkewMeasurement | null> => {
  const { version, window } = question;
  const sample = await readSample(deps, question, context);
  if (sample.predictions === 0) return null;
  const model = await openModel(deps, version);
  try {
    const compared = await compareAll(deps, model, sample, context, version.pipeline);
    const report = toReport(question, model, sample, compared);
    const outcome = outcomeOf(report);
    const { pipeline, profileSha256 } = version;
    const { sampled, skipped, mismatched, byName } = report;
    const row = { pipeline, kind: 'skew' as const, profileSha256, from: window.from, to: window.to, outcome };
    const sha256 = await deps.content.putJson(report);
    return {
      report,
      outcome,
      reportSha256: await deps.reports.record({ ...row, sha256, summary: { sampled, skipped, mismatched, byName } }),
    };
  } finally {
    await model.session.release();
  }
};
