/** What every change of a rollout reads and writes; each is one transaction with its audit entry and notification. */
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { DeployedRollout } from '#domain/contracts/model-version.ts';
import { type RolloutSegment, rolloutSegmentSchema } from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, Sha256, VersionNumber } from '#domain/units.ts';
import { appendAudit } from './audit.ts';
import { toCount, toInstant, toJson, toText } from './map.ts';
import { notifyServing } from './notify.ts';
import type { RolloutsTable, Tables } from './tables.ts';

/** Generation of the deployment after a change. */
export type RolloutEffect = { readonly generation: number };
export type RolloutRow = Selectable<RolloutsTable>;
export type Wanted = {
  readonly generation: number;
  readonly champion: VersionNumber | null;
  readonly rollout: DeployedRollout | null;
};

export const segmentsOf = (row: RolloutRow): RolloutSegment[] => rolloutSegmentSchema.array().parse(row.segments);

export const conflict = (message: string, details: Readonly<Record<string, unknown>>): PerennialError =>
  new PerennialError('PRN_DEPLOY_CONFLICT', message, { details });

export const findRow = async (tx: Kysely<Tables>, id: string): Promise<RolloutRow | undefined> =>
  tx.selectFrom('rollouts').selectAll().where('id', '=', id).executeTakeFirst();

export const neverBegan = ({ id, pipeline }: { readonly id: string; readonly pipeline: PipelineName }): PerennialError =>
  new PerennialError('PRN_NOT_FOUND', `Cannot find rollout "${id}" of "${pipeline}" as it never began`);

export const requireRow = async (
  tx: Transaction<Tables>,
  { id, pipeline }: { id: string; pipeline: PipelineName },
): Promise<RolloutRow> => {
  const row = await findRow(tx, id);
  if (row?.pipeline === pipeline) return row;
  throw neverBegan({ id, pipeline });
};

export const currentOf = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<Wanted> => {
  const row = await db.selectFrom('deployments').selectAll().where('pipeline', '=', pipeline).executeTakeFirst();
  return {
    generation: toCount(row?.generation ?? '0'),
    champion: (row?.champion_version ?? null) as VersionNumber | null,
    rollout: (row?.rollout ?? null) as DeployedRollout | null,
  };
};

/** The instant of the database, as everything else in this transaction is dated. */
export const nowOf = async (tx: Transaction<Tables>): Promise<RolloutSegment['since']> => {
  const { rows } = await sql<{ at: Date }>`select clock_timestamp() as at`.execute(tx);
  return toInstant((rows[0] as { at: Date }).at);
};

export const writeWanted = async (
  tx: Transaction<Tables>,
  pipeline: PipelineName,
  generation: number,
  rollout: DeployedRollout | null,
  champion: { version: VersionNumber; modelSha256: Sha256 } | null = null,
): Promise<void> => {
  await tx
    .updateTable('deployments')
    .set({
      generation,
      rollout: rollout === null ? null : toJson(rollout),
      updated_at: sql<Date>`now()`,
      ...(champion && { champion_version: champion.version, model_sha256: champion.modelSha256 }),
    })
    .where('pipeline', '=', pipeline)
    .execute();
  await notifyServing(tx, pipeline);
};

/** Who did it, and why. */
export type Who = { readonly pipeline: PipelineName; readonly actor: string; readonly reason: string };

export const audit = async (
  tx: Transaction<Tables>,
  { pipeline, actor, reason }: Who,
  action: string,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> => appendAudit(tx, { actor, action, subject: pipeline, detail: { ...detail, reason: toText(reason) } });

export const requireRunning = (row: RolloutRow, what: string): void => {
  if (row.state === 'running') return;
  const message = `Cannot ${what} of "${row.pipeline}" as rollout "${row.id}" must be running: it was ${row.state}: ${row.reason}`;
  throw conflict(message, { rolloutId: row.id, state: row.state });
};

export const requireGeneration = (current: Wanted, expected: number, what: string): void => {
  if (current.generation === expected) return;
  throw conflict(`Cannot ${what} as the generation must be ${expected}, which was judged: it is ${current.generation}`, {
    expectedGeneration: expected,
    generation: current.generation,
  });
};
