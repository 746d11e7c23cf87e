/** A rollout that was taken back before it began never begins: its first step may still be under way somewhere, for a day. */
import type { Kysely, Transaction } from 'kysely';
import type { PipelineName } from '#domain/units.ts';
import { conflict } from './rollout-rows.ts';
import { createStepLedger } from './step-ledger.ts';
import type { Tables } from './tables.ts';

const keyOf = (id: string): string => `rollout/${id}/barred`;

/** Call it under the lock of the pipeline: who begins comes before it, and is found, or after it, and is refused. */
export const barRollout = async (tx: Transaction<Tables>, id: string, reason: string): Promise<void> => {
  await createStepLedger(tx).record(keyOf(id), 'endRollout', { reason });
};

/** Throws PRN_DEPLOY_CONFLICT. */
export const requireNotBarred = async (db: Kysely<Tables>, id: string, pipeline: PipelineName): Promise<void> => {
  if ((await createStepLedger(db).find(keyOf(id))) === null) return;
  throw conflict(`Cannot begin rollout "${id}" of "${pipeline}" as it was taken back before it began`, { rolloutId: id });
};
