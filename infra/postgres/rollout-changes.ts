/** The changes of a rollout, each one transaction with its audit entry and notification; see `rollouts.ts`. */
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { DeployedModel, DeployedRollout } from '#domain/contracts/model-version.ts';
import { type RolloutSegment, rolloutSegmentSchema } from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, Sha256, VersionNumber } from '#domain/units.ts';
import { appendAudit } from './audit.ts';
import { toCount, toInstant, toJson, toText } from './map.ts';
import { notifyServing } from './notify.ts';
import { requireNotDeleted } from './pipelines.ts';
import { swapChampion } from './promote.ts';
import type { RolloutsTable, Tables } from './tables.ts';
import { lockPipeline, unknownVersion } from './transaction.ts';

export type NewRollout = {
  readonly id: string;
  readonly pipeline: PipelineName;
  readonly version: VersionNumber;
  /** Which the candidate was compared with. */
  readonly championVersion: VersionNumber;
  readonly workflowId: string;
  readonly policy: unknown;
  readonly deployed: Pick<DeployedRollout, 'strategy' | 'share' | 'salt' | 'by' | 'latencyMs'>;
  readonly actor: string;
  readonly reason: string;
};
export type Shift = {
  readonly id: string;
  readonly pipeline: PipelineName;
  readonly share: number;
  readonly expectedGeneration: number;
  readonly actor: string;
  readonly reason: string;
};
export type RolloutEnd = {
  readonly id: string;
  readonly pipeline: PipelineName;
  readonly end: 'promoted' | 'rolled back';
  /** Of the generation that was judged; a roll back is never too late, so it needs none. */
  readonly expectedGeneration: number | null;
  readonly actor: string;
  readonly reason: string;
};
export type UndoneRollout = Pick<RolloutEnd, 'id' | 'pipeline' | 'actor' | 'reason'>;
export type RolloutEffect = { readonly generation: number };

type Row = Selectable<RolloutsTable>;
type Wanted = { readonly generation: number; readonly champion: VersionNumber | null; readonly rollout: DeployedRollout | null };

const segmentsOf = (row: Row): RolloutSegment[] => rolloutSegmentSchema.array().parse(row.segments);

const conflict = (message: string, details: Readonly<Record<string, unknown>>): PerennialError =>
  new PerennialError('PRN_DEPLOY_CONFLICT', message, { details });

export const findRow = async (tx: Kysely<Tables>, id: string): Promise<Row | undefined> =>
  tx.selectFrom('rollouts').selectAll().where('id', '=', id).executeTakeFirst();

const requireRow = async (tx: Transaction<Tables>, { id, pipeline }: { id: string; pipeline: PipelineName }): Promise<Row> => {
  const row = await findRow(tx, id);
  if (row?.pipeline === pipeline) return row;
  throw new PerennialError('PRN_NOT_FOUND', `Cannot find rollout "${id}" of "${pipeline}" as it never began`);
};

const currentOf = async (tx: Transaction<Tables>, pipeline: PipelineName): Promise<Wanted> => {
  const row = await tx.selectFrom('deployments').selectAll().where('pipeline', '=', pipeline).executeTakeFirst();
  return {
    generation: toCount(row?.generation ?? '0'),
    champion: (row?.champion_version ?? null) as VersionNumber | null,
    rollout: (row?.rollout ?? null) as DeployedRollout | null,
  };
};

/** The instant of the database, as everything else in this transaction is dated. */
const nowOf = async (tx: Transaction<Tables>): Promise<RolloutSegment['since']> => {
  const { rows } = await sql<{ at: Date }>`select clock_timestamp() as at`.execute(tx);
  return toInstant((rows[0] as { at: Date }).at);
};

const writeWanted = async (
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

const audit = async (
  tx: Transaction<Tables>,
  { pipeline, actor, reason }: Pick<Shift, 'pipeline' | 'actor' | 'reason'>,
  action: string,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> => appendAudit(tx, { actor, action, subject: pipeline, detail: { ...detail, reason: toText(reason) } });

const candidateOf = async (tx: Transaction<Tables>, { pipeline, version }: NewRollout): Promise<DeployedModel> => {
  const versions = tx.selectFrom('model_versions').selectAll().where('pipeline', '=', pipeline);
  const row = await versions.where('version', '=', version).executeTakeFirst();
  if (!row) throw unknownVersion(pipeline, version);
  if (row.stage !== 'registered' && row.stage !== 'retired') {
    const message = `Cannot roll version ${version} of "${pipeline}" out as it must be registered or retired: it is ${row.stage}`;
    throw new PerennialError('PRN_CONFLICT', message);
  }
  return { version, modelSha256: row.model_sha256 as Sha256, profileSha256: row.profile_sha256 as Sha256 | null };
};

const refuseOther = (wanted: NewRollout, current: Wanted): void => {
  const start = `Cannot roll version ${wanted.version} of "${wanted.pipeline}" out as`;
  if (current.rollout !== null) {
    const { id, candidate } = current.rollout;
    throw conflict(
      `${start} no other rollout may run: version ${candidate.version} is being rolled out (${id}); \`perennial rollback ${wanted.pipeline} --reason TEXT\` takes it back`,
      {
        rolloutId: id,
      },
    );
  }
  if (current.champion === wanted.championVersion) return;
  throw conflict(
    `${start} version ${wanted.championVersion}, which it was compared with, must be champion: ${current.champion ?? 'none'} is`,
    { championVersion: current.champion, generation: current.generation },
  );
};

export const beginRollout = async (tx: Transaction<Tables>, wanted: NewRollout): Promise<RolloutEffect> => {
  const { id, pipeline, version, championVersion, deployed } = wanted;
  await lockPipeline(tx, pipeline);
  await requireNotDeleted(tx, pipeline, `Cannot roll version ${version} of "${pipeline}" out`);
  const before = await findRow(tx, id);
  if (before) return { generation: (segmentsOf(before)[0] as RolloutSegment).generation };
  const current = await currentOf(tx, pipeline);
  refuseOther(wanted, current);
  const candidate = await candidateOf(tx, wanted);
  const generation = current.generation + 1;
  const segments = [{ generation, share: deployed.share, since: await nowOf(tx) }];
  await tx
    .insertInto('rollouts')
    .values({
      id,
      pipeline,
      version,
      champion_version: championVersion,
      strategy: deployed.strategy,
      workflow_id: wanted.workflowId,
      policy: toJson(wanted.policy),
      state: 'running',
      segments: toJson(segments),
      started_by: wanted.actor,
      reason: toText(wanted.reason),
    })
    .execute();
  await writeWanted(tx, pipeline, generation, { id, candidate, ...deployed });
  await audit(tx, wanted, 'rollout began', { rolloutId: id, generation, version, share: deployed.share });
  return { generation };
};

const requireRunning = (row: Row, what: string): void => {
  if (row.state === 'running') return;
  const message = `Cannot ${what} of "${row.pipeline}" as rollout "${row.id}" must be running: it was ${row.state}: ${row.reason}`;
  throw conflict(message, { rolloutId: row.id, state: row.state });
};

const requireGeneration = (current: Wanted, expected: number, what: string): void => {
  if (current.generation === expected) return;
  throw conflict(`Cannot ${what} as the generation must be ${expected}, which was judged: it is ${current.generation}`, {
    expectedGeneration: expected,
    generation: current.generation,
  });
};

/** A share only grows, so that there is one segment for each: the share is the operation's key. */
export const shiftTraffic = async (tx: Transaction<Tables>, wanted: Shift): Promise<RolloutEffect> => {
  const { id, pipeline, share, expectedGeneration } = wanted;
  await lockPipeline(tx, pipeline);
  const row = await requireRow(tx, wanted);
  const segments = segmentsOf(row);
  const done = segments.find((one) => one.share === share);
  if (done && (row.state === 'running' || done !== segments.at(-1))) return { generation: done.generation };
  requireRunning(row, `shift traffic to version ${row.version}`);
  const current = await currentOf(tx, pipeline);
  requireGeneration(current, expectedGeneration, `shift traffic of "${pipeline}"`);
  const last = segments.at(-1) as RolloutSegment;
  if (share < last.share || current.rollout === null) {
    throw new PerennialError(
      'PRN_CONFLICT',
      `Cannot shift traffic of "${pipeline}" as its share only grows: from ${last.share} to ${share}`,
    );
  }
  const generation = current.generation + 1;
  const next = [...segments, { generation, share, since: await nowOf(tx) }];
  await tx
    .updateTable('rollouts')
    .set({ segments: toJson(next) })
    .where('id', '=', id)
    .execute();
  await writeWanted(tx, pipeline, generation, { ...current.rollout, share });
  await audit(tx, wanted, 'traffic shifted', { rolloutId: id, generation, version: row.version, share });
  return { generation };
};

const writePromotion = async (tx: Transaction<Tables>, row: Row, wanted: RolloutEnd, generation: number): Promise<void> => {
  await tx
    .insertInto('promotions')
    .values({
      pipeline: row.pipeline,
      generation,
      kind: 'promote',
      version: row.version,
      previous_version: row.champion_version,
      operation_key: `rollout/${row.id}`,
      actor: wanted.actor,
      reason: toText(wanted.reason),
    })
    .execute();
};

const closeRow = async (tx: Transaction<Tables>, row: Row, wanted: RolloutEnd, generation: number): Promise<void> => {
  const last = { generation, share: wanted.end === 'promoted' ? 1 : 0, since: await nowOf(tx) };
  await tx
    .updateTable('rollouts')
    .set({
      state: wanted.end,
      reason: toText(wanted.reason),
      segments: toJson([...segmentsOf(row), last]),
      ended_at: sql<Date>`clock_timestamp()`,
    })
    .where('id', '=', row.id)
    .execute();
};

const promoteCandidate = async (tx: Transaction<Tables>, row: Row, wanted: RolloutEnd, current: Wanted, generation: number) => {
  const version = row.version as VersionNumber;
  const modelSha256 = (await swapChampion(tx, wanted.pipeline, current.champion, version)) as Sha256;
  await writeWanted(tx, wanted.pipeline, generation, null, { version, modelSha256 });
  await writePromotion(tx, row, wanted, generation);
  const operationKey = `rollout/${row.id}`;
  const detail = { generation, version, previousVersion: current.champion, operationKey, rolloutId: row.id };
  await audit(tx, wanted, 'champion promoted', detail);
};

/** The version stays registered: that it was taken back says nothing of it for ever. A person may reject it. */
const dropCandidate = async (tx: Transaction<Tables>, row: Row, wanted: RolloutEnd, generation: number) => {
  await writeWanted(tx, wanted.pipeline, generation, null);
  await audit(tx, wanted, 'rollout rolled back', { rolloutId: row.id, generation, version: row.version });
};

/** Champion, rollout and stages change in one transaction: there is no instant at which two or none are champion. */
export const endRollout = async (tx: Transaction<Tables>, wanted: RolloutEnd): Promise<RolloutEffect> => {
  const { pipeline, end, expectedGeneration } = wanted;
  await lockPipeline(tx, pipeline);
  const row = await requireRow(tx, wanted);
  if (row.state === end) return { generation: (segmentsOf(row).at(-1) as RolloutSegment).generation };
  const what = end === 'promoted' ? `promote version ${row.version}` : `roll version ${row.version} back`;
  requireRunning(row, what);
  const current = await currentOf(tx, pipeline);
  if (expectedGeneration !== null) requireGeneration(current, expectedGeneration, `${what} of "${pipeline}"`);
  const generation = current.generation + 1;
  await closeRow(tx, row, wanted, generation);
  if (end === 'promoted') await promoteCandidate(tx, row, wanted, current, generation);
  else await dropCandidate(tx, row, wanted, generation);
  return { generation };
};

const writeUndone = async (tx: Transaction<Tables>, row: Row, wanted: UndoneRollout, generation: number): Promise<void> => {
  await tx
    .insertInto('promotions')
    .values({
      pipeline: row.pipeline,
      generation,
      kind: 'rollback',
      version: row.champion_version,
      previous_version: row.version,
      operation_key: `rollout/${row.id}/undone`,
      actor: wanted.actor,
      reason: toText(wanted.reason),
    })
    .execute();
};

/** The champion of before is put back and the rollout was rolled back after all, as long as nothing else happened since. */
export const undoPromotion = async (tx: Transaction<Tables>, wanted: UndoneRollout): Promise<RolloutEffect> => {
  const { id, pipeline } = wanted;
  await lockPipeline(tx, pipeline);
  const row = await requireRow(tx, wanted);
  const last = segmentsOf(row).at(-1) as RolloutSegment;
  if (row.state === 'rolled back') return { generation: last.generation };
  const what = `take the promotion of version ${row.version} of "${pipeline}" back`;
  if (row.state === 'running') throw conflict(`Cannot ${what} as it was not promoted: rollout "${id}" runs`, { rolloutId: id });
  const current = await currentOf(tx, pipeline);
  requireGeneration(current, last.generation, what);
  const generation = current.generation + 1;
  const version = row.champion_version as VersionNumber;
  const modelSha256 = (await swapChampion(tx, pipeline, current.champion, version)) as Sha256;
  await closeRow(tx, row, { ...wanted, end: 'rolled back', expectedGeneration: null }, generation);
  await writeWanted(tx, pipeline, generation, null, { version, modelSha256 });
  await writeUndone(tx, row, wanted, generation);
  const detail = { generation, version, previousVersion: row.version, operationKey: `rollout/${id}/undone`, rolloutId: id };
  await audit(tx, wanted, 'champion rolled back', detail);
  return { generation };
};
