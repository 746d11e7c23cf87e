import type { Transaction } from 'kysely';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import type { Tables } from './tables.ts';
import { lockPipeline } from './transaction.ts';

/** A candidate that is compared on a hold-out. */
export type NewHoldoutUse = { readonly pipeline: PipelineName; readonly holdout: string; readonly trainingKey: Sha256 };

/**
 * Counts candidates on a hold-out: 1 for the first, 2 for the next. A candidate keeps its number however often it is
 * evaluated, by however many runs. Under the pipeline's lock, so that numbers have no gaps.
 */
export const useHoldout = async (tx: Transaction<Tables>, use: NewHoldoutUse): Promise<number> => {
  const { pipeline, holdout, trainingKey } = use;
  await lockPipeline(tx, pipeline);
  const uses = tx.selectFrom('holdout_uses').where('pipeline', '=', pipeline).where('holdout', '=', holdout);
  const existing = await uses.select('number').where('training_key', '=', trainingKey).executeTakeFirst();
  if (existing) return existing.number;
  const newest = await uses.select((eb) => eb.fn.max('number').as('number')).executeTakeFirst();
  const number = (newest?.number ?? 0) + 1;
  await tx.insertInto('holdout_uses').values({ pipeline, holdout, training_key: trainingKey, number }).execute();
  return number;
};
