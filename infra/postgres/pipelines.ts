import { type Kysely, sql, type Transaction } from 'kysely';
import { PerennialError } from '#domain/errors.ts';
import type { Instant, PipelineName, RunKey } from '#domain/units.ts';
import { appendAudit } from './audit.ts';
import { toInstantOrNull, toText } from './map.ts';
import type { Tables } from './tables.ts';
import { inTransaction, lockPipeline } from './transaction.ts';

export type PipelineState = {
  readonly paused: { readonly at: Instant; readonly by: string; readonly reason: string } | null;
  readonly deletedAt: Instant | null;
};
export type Wish = { readonly pipeline: PipelineName; readonly actor: string; readonly reason: string };
/** By the record; whether its workflow really runs is Temporal's to say. */
export type OpenRun = { readonly runKey: RunKey; readonly workflowId: string };
/** False where it was so already. */
export type Changed = { readonly changed: boolean };

const select = (db: Kysely<Tables>, pipeline: PipelineName) =>
  db.selectFrom('pipelines').selectAll().where('name', '=', pipeline).executeTakeFirst();

const stateOf = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<PipelineState | null> => {
  const row = await select(db, pipeline);
  if (row === undefined) return null;
  const at = toInstantOrNull(row.paused_at);
  const paused = at === null ? null : { at, by: row.paused_by ?? '', reason: row.paused_reason ?? '' };
  return { paused, deletedAt: toInstantOrNull(row.deleted_at) };
};

const audit = (tx: Transaction<Tables>, { pipeline, actor, reason }: Wish, action: string): Promise<void> =>
  appendAudit(tx, { actor, action, subject: pipeline, detail: { reason: toText(reason) } });

const isDeleted = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<boolean> =>
  ((await select(db, pipeline))?.deleted_at ?? null) !== null;

/** Throws PRN_CONFLICT: nothing new may happen to a pipeline that was deleted. Call it under the lock of the pipeline. */
export const requireNotDeleted = async (db: Kysely<Tables>, pipeline: PipelineName, attempt: string): Promise<void> => {
  if (!(await isDeleted(db, pipeline))) return;
  throw new PerennialError('PRN_CONFLICT', `${attempt} as "${pipeline}" was deleted: \`perennial apply PATH\` brings it back`);
};

const pause = async (tx: Transaction<Tables>, wish: Wish): Promise<Changed> => {
  const { pipeline, actor, reason } = wish;
  await lockPipeline(tx, pipeline);
  await requireNotDeleted(tx, pipeline, `Cannot pause "${pipeline}"`);
  const changed = await tx
    .updateTable('pipelines')
    .set({ paused_at: sql`now()`, paused_by: toText(actor), paused_reason: toText(reason) })
    .where('name', '=', pipeline)
    .where('paused_at', 'is', null)
    .executeTakeFirst();
  if (changed.numUpdatedRows > 0n) await audit(tx, wish, 'pipeline paused');
  return { changed: changed.numUpdatedRows > 0n };
};

const awake = { paused_at: null, paused_by: null, paused_reason: null };

const resume = async (tx: Transaction<Tables>, wish: Wish): Promise<Changed> => {
  await lockPipeline(tx, wish.pipeline);
  const changed = await tx
    .updateTable('pipelines')
    .set(awake)
    .where('name', '=', wish.pipeline)
    .where('paused_at', 'is not', null)
    .executeTakeFirst();
  if (changed.numUpdatedRows > 0n) await audit(tx, wish, 'pipeline resumed');
  return { changed: changed.numUpdatedRows > 0n };
};

const openRuns = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<readonly OpenRun[]> => {
  const rows = db
    .selectFrom('runs')
    .select(['run_key', 'workflow_id'])
    .where('pipeline', '=', pipeline)
    .where('outcome', 'is', null);
  return (await rows.execute()).map((row) => ({ runKey: row.run_key as RunKey, workflowId: row.workflow_id }));
};

const refuseBusy = async (tx: Transaction<Tables>, pipeline: PipelineName, endedRuns: readonly RunKey[]): Promise<void> => {
  const rollouts = tx.selectFrom('rollouts').select('workflow_id').where('pipeline', '=', pipeline);
  const rollout = await rollouts.where('state', '=', 'running').executeTakeFirst();
  const run = (await openRuns(tx, pipeline)).find(({ runKey }) => !endedRuns.includes(runKey));
  const busy = rollout?.workflow_id ?? run?.workflowId;
  if (busy === undefined) return;
  const way = rollout === undefined ? `\`perennial cancel ${run?.runKey}\`` : `\`perennial rollback ${pipeline} --reason …\``;
  throw new PerennialError(
    'PRN_CONFLICT',
    `Cannot delete "${pipeline}" while ${busy} goes on: wait for its end, or end it by ${way}`,
  );
};

const remove = async (tx: Transaction<Tables>, wish: Wish, endedRuns: readonly RunKey[]): Promise<Changed> => {
  const { pipeline } = wish;
  await lockPipeline(tx, pipeline);
  if (await isDeleted(tx, pipeline)) return { changed: false };
  await refuseBusy(tx, pipeline, endedRuns);
  await tx
    .updateTable('pipelines')
    .set({ deleted_at: sql`now()`, ...awake })
    .where('name', '=', pipeline)
    .execute();
  await audit(tx, wish, 'pipeline deleted');
  return { changed: true };
};

/** Whether pipelines do anything by themselves. Their definitions are in `definitions.ts`. */
export const createPipelines = (db: Kysely<Tables>) => ({
  /** null for a name that was never applied. */
  state: (pipeline: PipelineName): Promise<PipelineState | null> => stateOf(db, pipeline),
  /** Nothing retrains by itself until it is resumed. Throws PRN_NOT_FOUND, PRN_CONFLICT where it was deleted. */
  pause: (wish: Wish): Promise<Changed> => inTransaction(db, (tx) => pause(tx, wish)),
  resume: (wish: Wish): Promise<Changed> => inTransaction(db, (tx) => resume(tx, wish)),
  openRuns: (pipeline: PipelineName): Promise<readonly OpenRun[]> => openRuns(db, pipeline),
  /**
   * From now on nothing new begins; all history stays. `endedRuns`: open by the record, ended for Temporal. Throws
   * PRN_CONFLICT while another run or a rollout goes on.
   */
  remove: (wish: Wish, endedRuns: readonly RunKey[]): Promise<Changed> => inTransaction(db, (tx) => remove(tx, wish, endedRuns)),
});
export type Pipelines = ReturnType<typeof createPipelines>;
