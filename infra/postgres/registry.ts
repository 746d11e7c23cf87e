import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { ModelVersion } from '#domain/contracts/model-version.ts';
import type { Verdict } from '#domain/contracts/verdict.ts';
import type { Instant, PipelineName, RunKey, Sha256, VersionNumber } from '#domain/units.ts';
import { appendAudit } from './audit.ts';
import { type NewHoldoutUse, useHoldout } from './holdout-uses.ts';
import { toCount, toInstant, toJson, toText } from './map.ts';
import type { EvaluationsTable, ModelVersionsTable, PromotionsTable, Tables } from './tables.ts';
import { inTransaction, lockPipeline } from './transaction.ts';

export type NewModelVersion = Omit<ModelVersion, 'version' | 'stage' | 'createdAt'>;
/** What the gate decided about the candidate of a run, and the digest of the report it decided on. */
export type NewEvaluation = {
  readonly sha256: Sha256;
  readonly pipeline: PipelineName;
  readonly runKey: RunKey;
  readonly verdict: Verdict;
  readonly decision: unknown;
};
export type PromotionRecord = {
  readonly pipeline: PipelineName;
  readonly generation: number;
  readonly kind: 'promote' | 'rollback';
  readonly version: VersionNumber | null;
  readonly previousVersion: VersionNumber | null;
  readonly operationKey: string;
  readonly actor: string;
  readonly reason: string;
  readonly promotedAt: Instant;
};
export type EvaluationRecord = {
  readonly sha256: Sha256;
  readonly pipeline: PipelineName;
  readonly runKey: RunKey;
  readonly verdict: Verdict['outcome'];
  readonly reason: string;
  readonly decision: unknown;
  readonly createdAt: Instant;
};

const toModelVersion = (row: Selectable<ModelVersionsTable>): ModelVersion => ({
  pipeline: row.pipeline as PipelineName,
  version: row.version as VersionNumber,
  stage: row.stage,
  modelSha256: row.model_sha256 as Sha256,
  onnxSha256: row.onnx_sha256 as Sha256,
  trainingKey: row.training_key as Sha256,
  definitionSha256: row.definition_sha256 as Sha256 | null,
  codeVersion: row.code_version,
  snapshotSha256: row.snapshot_sha256 as Sha256 | null,
  featureSetSha256: row.feature_set_sha256 as Sha256,
  profileSha256: row.profile_sha256 as Sha256 | null,
  trainer: row.trainer,
  parameters: row.parameters as ModelVersion['parameters'],
  metrics: row.metrics as ModelVersion['metrics'],
  runKey: row.run_key,
  createdAt: toInstant(row.created_at),
});

const toPromotion = (row: Selectable<PromotionsTable>): PromotionRecord => ({
  pipeline: row.pipeline as PipelineName,
  generation: toCount(row.generation),
  kind: row.kind,
  version: row.version as VersionNumber | null,
  previousVersion: row.previous_version as VersionNumber | null,
  operationKey: row.operation_key,
  actor: row.actor,
  reason: row.reason,
  promotedAt: toInstant(row.promoted_at),
});

const toEvaluation = (row: Selectable<EvaluationsTable>): EvaluationRecord => ({
  sha256: row.sha256 as Sha256,
  pipeline: row.pipeline as PipelineName,
  runKey: row.run_key as RunKey,
  verdict: row.verdict,
  reason: row.reason,
  decision: row.decision,
  createdAt: toInstant(row.created_at),
});

const insertVersion = (tx: Transaction<Tables>, candidate: NewModelVersion, version: number) =>
  tx
    .insertInto('model_versions')
    .values({
      pipeline: candidate.pipeline,
      version,
      stage: 'registered',
      model_sha256: candidate.modelSha256,
      onnx_sha256: candidate.onnxSha256,
      training_key: candidate.trainingKey,
      definition_sha256: candidate.definitionSha256,
      code_version: candidate.codeVersion,
      snapshot_sha256: candidate.snapshotSha256,
      feature_set_sha256: candidate.featureSetSha256,
      profile_sha256: candidate.profileSha256,
      trainer: candidate.trainer,
      parameters: toJson(candidate.parameters),
      metrics: toJson(candidate.metrics),
      run_key: candidate.runKey,
    })
    .returningAll()
    .executeTakeFirstOrThrow();

/** Under the pipeline's lock, so that numbers have no gaps and a training key has one version. */
const register = async (tx: Transaction<Tables>, candidate: NewModelVersion, actor: string): Promise<ModelVersion> => {
  const { pipeline, trainingKey, modelSha256, snapshotSha256, runKey } = candidate;
  await lockPipeline(tx, pipeline);
  const versions = tx.selectFrom('model_versions').where('pipeline', '=', pipeline);
  const existing = await versions.selectAll().where('training_key', '=', trainingKey).executeTakeFirst();
  if (existing) return toModelVersion(existing);
  const newest = await versions.select((eb) => eb.fn.max('version').as('version')).executeTakeFirst();
  const row = await insertVersion(tx, candidate, (newest?.version ?? 0) + 1);
  const detail = { modelSha256, trainingKey, snapshotSha256, runKey };
  await appendAudit(tx, { actor, action: 'version registered', subject: `${pipeline}/${row.version}`, detail });
  return toModelVersion(row);
};

const recordEvaluation = async (db: Kysely<Tables>, evaluation: NewEvaluation): Promise<void> => {
  const { sha256, pipeline, runKey, verdict, decision } = evaluation;
  await inTransaction(db, async (tx) => {
    const inserted = await tx
      .insertInto('evaluations')
      .values({
        run_key: runKey,
        sha256,
        pipeline,
        verdict: verdict.outcome,
        reason: toText(verdict.reason),
        decision: toJson(decision ?? null),
      })
      .onConflict((conflict) => conflict.columns(['run_key', 'sha256']).doNothing())
      .executeTakeFirst();
    if ((inserted.numInsertedOrUpdatedRows ?? 0n) === 0n) return;
    const detail = { reportSha256: sha256, outcome: verdict.outcome, reason: verdict.reason };
    await appendAudit(tx, { actor: 'gate', action: 'candidate judged', subject: `${pipeline}/runs/${runKey}`, detail });
  });
};

/** A person or a policy turned a candidate down: it can never be promoted. Again, it changes nothing. */
const reject = async (
  db: Kysely<Tables>,
  rejection: { pipeline: PipelineName; version: VersionNumber; actor: string; reason: string },
) => {
  const { pipeline, version, actor, reason } = rejection;
  await inTransaction(db, async (tx) => {
    await lockPipeline(tx, pipeline);
    const rejected = await tx
      .updateTable('model_versions')
      .set({ stage: 'rejected' })
      .where('pipeline', '=', pipeline)
      .where('version', '=', version)
      .where('stage', '=', 'registered')
      .executeTakeFirst();
    if (rejected.numUpdatedRows === 0n) return;
    await appendAudit(tx, { actor, action: 'version rejected', subject: `${pipeline}/${version}`, detail: { reason } });
  });
};

const listVersions = async (db: Kysely<Tables>, pipeline?: PipelineName): Promise<readonly ModelVersion[]> => {
  let query = db.selectFrom('model_versions').selectAll().orderBy('pipeline').orderBy('version', 'desc');
  if (pipeline !== undefined) query = query.where('pipeline', '=', pipeline);
  return (await query.execute()).map(toModelVersion);
};

const findVersion = async (db: Kysely<Tables>, pipeline: PipelineName, which: VersionNumber | 'champion') => {
  const versions = db.selectFrom('model_versions').selectAll().where('pipeline', '=', pipeline);
  const one = which === 'champion' ? versions.where('stage', '=', 'champion') : versions.where('version', '=', which);
  const row = await one.executeTakeFirst();
  return row ? toModelVersion(row) : null;
};

const ofOpenRuns = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<readonly ModelVersion[]> => {
  const rows = db
    .selectFrom('model_versions')
    .innerJoin('runs', 'runs.run_key', 'model_versions.run_key')
    .selectAll('model_versions')
    .where('model_versions.pipeline', '=', pipeline)
    .where('runs.ended_at', 'is', null);
  return (await rows.orderBy('model_versions.version').execute()).map(toModelVersion);
};

const promotions = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<readonly PromotionRecord[]> => {
  const rows = await db
    .selectFrom('promotions')
    .selectAll()
    .where('pipeline', '=', pipeline)
    .orderBy('generation', 'desc')
    .execute();
  return rows.map(toPromotion);
};

const evaluations = async (db: Kysely<Tables>, runKey: RunKey): Promise<readonly EvaluationRecord[]> => {
  const rows = await db
    .selectFrom('evaluations')
    .selectAll()
    .where('run_key', '=', runKey)
    .orderBy(sql`created_at desc`)
    .execute();
  return rows.map(toEvaluation);
};

/** Model versions with their lineage, and what the gate decided about candidates. */
export const createRegistry = (db: Kysely<Tables>) => ({
  /** Version, lineage and audit in one transaction; a second call with the same training key returns the first version. */
  register: (candidate: NewModelVersion, actor: string) => inTransaction(db, (tx) => register(tx, candidate, actor)),
  get: (pipeline: PipelineName, version: VersionNumber) => findVersion(db, pipeline, version),
  recordEvaluation: (evaluation: NewEvaluation) => recordEvaluation(db, evaluation),
  /** The number of a candidate on a hold-out, from 1; the same candidate again has the same number. */
  useHoldout: (use: NewHoldoutUse) => inTransaction(db, (tx) => useHoldout(tx, use)),
  /** Registered by runs that have no end yet. */
  ofOpenRuns: (pipeline: PipelineName) => ofOpenRuns(db, pipeline),
  champion: (pipeline: PipelineName) => findVersion(db, pipeline, 'champion'),
  reject: (rejection: Parameters<typeof reject>[1]) => reject(db, rejection),
  /** Newest first; of all pipelines where none is named. */
  list: (pipeline?: PipelineName) => listVersions(db, pipeline),
  /** Every change of champion, newest first. */
  promotions: (pipeline: PipelineName) => promotions(db, pipeline),
  /** What the gate decided in a run, newest first. */
  evaluations: (runKey: RunKey) => evaluations(db, runKey),
});
