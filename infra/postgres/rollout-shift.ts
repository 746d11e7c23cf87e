/** A candidate gets more of the traffic. */
import type { Transaction } from 'kysely';
import type { RolloutSegment } from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import { toJson } from './map.ts';
import {
  audit,
  currentOf,
  nowOf,
  type RolloutEffect,
  requireGeneration,
  requireRow,
  requireRunning,
  segmentsOf,
  writeWanted,
} from './rollout-rows.ts';
import type { Tables } from './tables.ts';
import { lockPipeline } from './transaction.ts';

export type Shift = {
  readonly id: string;
  readonly pipeline: PipelineName;
  readonly share: number;
  readonly expectedGeneration: number;
  readonly actor: string;
  readonly reason: string;
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
