import { type Kysely, type Selectable, sql } from 'kysely';
import type { RetrainOutcome, RetrainRequest, StageName } from '#domain/contracts/retrain.ts';
import type { RunOutcome } from '#domain/contracts/verdict.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Instant, PipelineName, RunKey, Sha256 } from '#domain/units.ts';
import { appendAudit } from './audit.ts';
import { sqlState } from './failures.ts';
import { toCount, toInstant, toInstantOrNull, toJson, toText } from './map.ts';
import type { RunsTable, Tables } from './tables.ts';
import { inTransaction } from './transaction.ts';

export type RunRecord = {
  readonly runKey: RunKey;
  readonly pipeline: PipelineName;
  readonly workflowId: string;
  readonly definitionSha256: Sha256;
  readonly codeVersion: string;
  readonly listingSha256: Sha256;
  readonly cutoff: Instant | null;
  readonly trigger: RetrainRequest['trigger'];
  readonly startedAt: Instant;
  readonly endedAt: Instant | null;
  readonly outcome: RunOutcome | null;
  readonly result: RetrainOutcome | null;
};
export type RunStageRecord = {
  readonly stage: StageName;
  readonly state: 'started' | 'done' | 'waiting';
  readonly summary: string;
  readonly startedAt: Instant;
  readonly updatedAt: Instant;
};
export type RunMetricRecord = { readonly name: string; readonly step: number; readonly value: number };

const toRecord = (row: Selectable<RunsTable>): RunRecord => ({
  runKey: row.run_key as RunKey,
  pipeline: row.pipeline as PipelineName,
  workflowId: row.workflow_id,
  definitionSha256: row.definition_sha256 as Sha256,
  codeVersion: row.code_version,
  listingSha256: row.listing_sha256 as Sha256,
  cutoff: toInstantOrNull(row.cutoff),
  trigger: { kind: row.trigger_kind, by: row.trigger_by, reason: row.trigger_reason } as RetrainRequest['trigger'],
  startedAt: toInstant(row.started_at),
  endedAt: toInstantOrNull(row.ended_at),
  outcome: row.outcome,
  result: row.result as RetrainOutcome | null,
});

const insertRun = (db: Kysely<Tables>, request: RetrainRequest, workflowId: string) =>
  db
    .insertInto('runs')
    .values({
      run_key: request.runKey,
      pipeline: request.pipeline,
      workflow_id: workflowId,
      definition_sha256: request.definitionSha256,
      code_version: request.codeVersion,
      listing_sha256: request.listingSha256,
      cutoff: request.cutoff,
      trigger_kind: request.trigger.kind,
      trigger_by: toText(request.trigger.by),
      trigger_reason: toText(request.trigger.reason),
    })
    .onConflict((conflict) => conflict.column('run_key').doNothing())
    .execute();

/** Temporal lets a failed run be started again under its id; the row then tells of the new try. */
const reopenFailed = async (db: Kysely<Tables>, runKey: RunKey): Promise<void> => {
  await inTransaction(db, async (tx) => {
    const reopened = await tx
      .updateTable('runs')
      .set({ outcome: null, result: null, ended_at: null, started_at: sql`now()` })
      .where('run_key', '=', runKey)
      .where('outcome', '=', 'failed')
      .executeTakeFirst();
    if (reopened.numUpdatedRows > 0n) await tx.deleteFrom('run_stages').where('run_key', '=', runKey).execute();
  });
};

const begin = async (db: Kysely<Tables>, request: RetrainRequest, workflowId: string): Promise<void> => {
  try {
    await insertRun(db, request, workflowId);
  } catch (error) {
    if (sqlState(error) !== '23503') throw error;
    throw new PerennialError(
      'PRN_DEFINITION_UNKNOWN',
      `Cannot record run "${request.runKey}" of "${request.pipeline}" as definition "${request.definitionSha256}" must be applied: it is not`,
      { cause: error },
    );
  }
  await reopenFailed(db, request.runKey);
};

/** A stage that is done stays done: a late attempt of its first step cannot set it back. */
const recordStage = async (
  db: Kysely<Tables>,
  runKey: RunKey,
  stage: StageName,
  state: RunStageRecord['state'],
  summary: string,
) => {
  await db
    .insertInto('run_stages')
    .values({ run_key: runKey, stage, state, summary: toText(summary) })
    .onConflict((conflict) =>
      conflict
        .columns(['run_key', 'stage'])
        .doUpdateSet({ state, summary: toText(summary), updated_at: sql`now()` })
        .where((eb) => eb.or([eb('run_stages.state', '!=', 'done'), eb(sql.lit(state), '=', 'done')])),
    )
    .execute();
};

const recordMetrics = async (db: Kysely<Tables>, runKey: RunKey, points: readonly RunMetricRecord[]): Promise<void> => {
  // One statement may not touch a row twice, so the last value of a name and step is the one that is written.
  const unique = [...new Map(points.map((point) => [`${point.step} ${point.name}`, point])).values()];
  if (unique.length === 0) return;
  const names = unique.map((point) => toText(point.name));
  await sql`insert into perennial.run_metrics (run_key, name, step, value)
    select ${runKey}, * from unnest(${names}::text[], ${unique.map((p) => p.step)}::bigint[], ${unique.map((p) => p.value)}::float8[])
    on conflict (run_key, name, step) do update set value = excluded.value`.execute(db);
};

/** The first ending wins. A run that was never admitted has no row, and its ending stands in Temporal only. */
const finish = async (db: Kysely<Tables>, outcome: RetrainOutcome): Promise<void> => {
  await inTransaction(db, async (tx) => {
    const ended = await tx
      .updateTable('runs')
      .set({ ended_at: sql`now()`, outcome: outcome.verdict, result: toJson(outcome) })
      .where('run_key', '=', outcome.runKey)
      .where('ended_at', 'is', null)
      .returning('trigger_by')
      .executeTakeFirst();
    if (!ended) return;
    const { verdict, reason, dataVersion, modelVersion } = outcome;
    const detail = { verdict, reason, dataVersion, modelVersion };
    const subject = `${outcome.pipeline}/runs/${outcome.runKey}`;
    await appendAudit(tx, { actor: ended.trigger_by, action: 'run ended', subject, detail });
  });
};

const listRuns = async (
  db: Kysely<Tables>,
  filter: { pipeline?: PipelineName; limit: number },
): Promise<readonly RunRecord[]> => {
  let query = db.selectFrom('runs').selectAll().orderBy('started_at', 'desc').orderBy('run_key').limit(filter.limit);
  if (filter.pipeline !== undefined) query = query.where('pipeline', '=', filter.pipeline);
  return (await query.execute()).map(toRecord);
};

const listStages = async (db: Kysely<Tables>, runKey: RunKey): Promise<readonly RunStageRecord[]> => {
  const rows = await db.selectFrom('run_stages').selectAll().where('run_key', '=', runKey).orderBy('started_at').execute();
  return rows.map((row) => ({
    stage: row.stage as StageName,
    state: row.state,
    summary: row.summary,
    startedAt: toInstant(row.started_at),
    updatedAt: toInstant(row.updated_at),
  }));
};

const listMetrics = async (db: Kysely<Tables>, runKey: RunKey): Promise<readonly RunMetricRecord[]> => {
  const rows = await db
    .selectFrom('run_metrics')
    .selectAll()
    .where('run_key', '=', runKey)
    .orderBy('name')
    .orderBy('step')
    .execute();
  return rows.map((row) => ({ name: row.name, step: toCount(row.step), value: row.value }));
};

/** Runs as they were asked for, how far they came and how they ended. */
export const createRuns = (db: Kysely<Tables>) => ({
  begin: (request: RetrainRequest, workflowId: string) => begin(db, request, workflowId),
  recordStage: (runKey: RunKey, stage: StageName, state: RunStageRecord['state'], summary: string) =>
    recordStage(db, runKey, stage, state, summary),
  recordMetrics: (runKey: RunKey, points: readonly RunMetricRecord[]) => recordMetrics(db, runKey, points),
  finish: (outcome: RetrainOutcome) => finish(db, outcome),
  get: async (runKey: RunKey): Promise<RunRecord | null> => {
    const row = await db.selectFrom('runs').selectAll().where('run_key', '=', runKey).executeTakeFirst();
    return row ? toRecord(row) : null;
  },
  /** Newest first. */
  list: (filter: { pipeline?: PipelineName; limit: number }) => listRuns(db, filter),
  /** In the order in which they started. */
  stages: (runKey: RunKey) => listStages(db, runKey),
  metrics: (runKey: RunKey) => listMetrics(db, runKey),
});
