import { type Kysely, sql } from 'kysely';
import { type Harmed, type RolloutRecord, rolloutRecordSchema } from '#domain/contracts/rollout.ts';
import type { PipelineName } from '#domain/units.ts';
import { toInstant, toInstantOrNull, toJson } from './map.ts';
import { beginRollout, type Compared, checkBegin, type NewRollout } from './rollout-begin.ts';
import { endRollout, type RolloutEnd, type UndoneRollout, undoPromotion } from './rollout-end.ts';
import { findRow, neverBegan, type RolloutEffect, type RolloutRow } from './rollout-rows.ts';
import { type Shift, shiftTraffic } from './rollout-shift.ts';
import type { Tables } from './tables.ts';
import { inTransaction } from './transaction.ts';

export const toRecord = (row: RolloutRow): RolloutRecord =>
  rolloutRecordSchema.parse({
    id: row.id,
    pipeline: row.pipeline,
    version: row.version,
    championVersion: row.champion_version,
    strategy: row.strategy,
    workflowId: row.workflow_id,
    state: row.state,
    segments: row.segments,
    startedBy: row.started_by,
    reason: row.reason,
    policy: row.policy,
    harmed: row.harmed,
    startedAt: toInstant(row.started_at),
    endedAt: toInstantOrNull(row.ended_at),
  });

/** Servers whose counters were heard of within so long, whatever generation they count. */
const countingServers = async (db: Kysely<Tables>, pipeline: PipelineName, maxAgeMs: number): Promise<readonly string[]> => {
  const rows = await db
    .selectFrom('arm_tallies')
    .select('server_id')
    .distinct()
    .where('pipeline', '=', pipeline)
    .where(sql<boolean>`heard_at >= clock_timestamp() - make_interval(secs => ${maxAgeMs / 1_000})`)
    .orderBy('server_id')
    .execute();
  return rows.map((row) => row.server_id);
};

/** Candidates on their way: one at a time for each pipeline. All changes are fenced and happen once. */
export const createRollouts = (db: Kysely<Tables>) => ({
  /** Throws what would keep it from beginning now, as `begin` does. Reads only. */
  checkBegin: async (wanted: Compared): Promise<void> => void (await checkBegin(db, wanted)),
  /** Key: the id. Throws PRN_DEPLOY_CONFLICT where another rollout runs or another champion serves. */
  begin: (wanted: NewRollout): Promise<RolloutEffect> => inTransaction(db, (tx) => beginRollout(tx, wanted)),
  /** Key: id and share. Throws PRN_DEPLOY_CONFLICT where the rollout has ended or another generation is wanted by now. */
  shift: (wanted: Shift): Promise<RolloutEffect> => inTransaction(db, (tx) => shiftTraffic(tx, wanted)),
  /**
   * Key: id and end; the first end wins. Throws PRN_DEPLOY_CONFLICT where it ended otherwise, PRN_NOT_FOUND where it never
   * began: one that was to be rolled back never does from then on.
   */
  end: async (wanted: RolloutEnd): Promise<RolloutEffect> => {
    const ended = await inTransaction(db, (tx) => endRollout(tx, wanted));
    if (ended === null) throw neverBegan(wanted);
    return ended;
  },
  /** Key: id. Throws PRN_DEPLOY_CONFLICT where something else happened since, or nothing was promoted. */
  undoPromotion: (wanted: UndoneRollout): Promise<RolloutEffect> => inTransaction(db, (tx) => undoPromotion(tx, wanted)),
  /** What it did to those it answered; counters only grow, so the newest count holds. */
  recordHarm: async (id: string, harmed: Harmed): Promise<void> => {
    await db
      .updateTable('rollouts')
      .set({ harmed: toJson(harmed) })
      .where('id', '=', id)
      .where('state', '=', 'rolled back')
      .execute();
  },
  /** null for an unknown id. */
  get: async (id: string): Promise<RolloutRecord | null> => {
    const row = await findRow(db, id);
    return row ? toRecord(row) : null;
  },
  /** The one that runs; null where none does. */
  running: async (pipeline: PipelineName): Promise<RolloutRecord | null> => {
    const rows = db.selectFrom('rollouts').selectAll().where('pipeline', '=', pipeline);
    const row = await rows.where('state', '=', 'running').executeTakeFirst();
    return row ? toRecord(row) : null;
  },
  /** Newest first. */
  list: async (pipeline: PipelineName, limit = 100): Promise<readonly RolloutRecord[]> => {
    const rows = db.selectFrom('rollouts').selectAll().where('pipeline', '=', pipeline);
    return (await rows.orderBy('started_at', 'desc').limit(limit).execute()).map(toRecord);
  },
  countingServers: (pipeline: PipelineName, maxAgeMs: number) => countingServers(db, pipeline, maxAgeMs),
});
export type Rollouts = ReturnType<typeof createRollouts>;
