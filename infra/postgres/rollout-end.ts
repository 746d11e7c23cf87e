/** A candidate becomes champion, or goes; and a promotion is taken back that servers do not follow. */
import { sql, type Transaction } from 'kysely';
import type { RolloutSegment } from '#domain/contracts/rollout.ts';
import type { PipelineName, Sha256, VersionNumber } from '#domain/units.ts';
import { toJson, toText } from './map.ts';
import { swapChampion } from './promote.ts';
import { barRollout } from './rollout-bar.ts';
import {
  audit,
  conflict,
  currentOf,
  findRow,
  nowOf,
  type RolloutEffect,
  type RolloutRow,
  requireGeneration,
  requireRow,
  requireRunning,
  segmentsOf,
  type Wanted,
  writeWanted,
} from './rollout-rows.ts';
import type { Tables } from './tables.ts';
import { lockPipeline } from './transaction.ts';

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

type ChampionChange = {
  readonly kind: 'promote' | 'rollback';
  readonly generation: number;
  readonly version: number | null;
  readonly previousVersion: number | null;
  readonly operationKey: string;
};

const writePromotion = async (
  tx: Transaction<Tables>,
  { pipeline, actor, reason }: UndoneRollout,
  { previousVersion, operationKey, ...change }: ChampionChange,
): Promise<void> => {
  const columns = { ...change, previous_version: previousVersion, operation_key: operationKey };
  await tx
    .insertInto('promotions')
    .values({ pipeline, actor, reason: toText(reason), ...columns })
    .execute();
};

const closeRow = async (tx: Transaction<Tables>, row: RolloutRow, wanted: RolloutEnd, generation: number): Promise<void> => {
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

const promoteCandidate = async (
  tx: Transaction<Tables>,
  row: RolloutRow,
  wanted: RolloutEnd,
  current: Wanted,
  generation: number,
) => {
  const version = row.version as VersionNumber;
  const modelSha256 = (await swapChampion(tx, wanted.pipeline, current.champion, version)) as Sha256;
  await writeWanted(tx, wanted.pipeline, generation, null, { version, modelSha256 });
  const operationKey = `rollout/${row.id}`;
  await writePromotion(tx, wanted, { kind: 'promote', generation, version, previousVersion: row.champion_version, operationKey });
  const detail = { generation, version, previousVersion: current.champion, operationKey, rolloutId: row.id };
  await audit(tx, wanted, 'champion promoted', detail);
};

/** The version stays registered: that it was taken back says nothing of it for ever. A person may reject it. */
const dropCandidate = async (tx: Transaction<Tables>, row: RolloutRow, wanted: RolloutEnd, generation: number) => {
  await writeWanted(tx, wanted.pipeline, generation, null);
  await audit(tx, wanted, 'rollout rolled back', { rolloutId: row.id, generation, version: row.version });
};

/**
 * Champion, rollout and stages change in one transaction: there is no instant at which two or none are champion. null for
 * a rollout that never began and is taken back: from then on it does not begin.
 */
export const endRollout = async (tx: Transaction<Tables>, wanted: RolloutEnd): Promise<RolloutEffect | null> => {
  const { pipeline, end } = wanted;
  await lockPipeline(tx, pipeline);
  if (end === 'rolled back' && (await findRow(tx, wanted.id)) === undefined) {
    await barRollout(tx, wanted.id, wanted.reason);
    return null;
  }
  return endBegun(tx, await requireRow(tx, wanted), wanted);
};

const endBegun = async (tx: Transaction<Tables>, row: RolloutRow, wanted: RolloutEnd): Promise<RolloutEffect> => {
  const { pipeline, end, expectedGeneration } = wanted;
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
  const change = { generation, version, previousVersion: row.version, operationKey: `rollout/${id}/undone` };
  await writePromotion(tx, wanted, { kind: 'rollback', ...change });
  const detail = { ...change, rolloutId: id };
  await audit(tx, wanted, 'champion rolled back', detail);
  return { generation };
};
