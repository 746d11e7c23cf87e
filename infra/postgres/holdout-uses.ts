import type { Transaction } from 'kysely';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import type { Tables } from './tables.ts';
import { lockPipeline } from './transaction.ts';

/**
 * A candidate that is compared on a hold-out: the newest day (2001-02-27) of one that moves with time, or the name of one
 * whose rows are kept.
 */
export type NewHoldoutUse = {
  readonly pipeline: PipelineName;
  readonly holdout: { readonly newestDay: string } | { readonly kept: string };
  readonly trainingKey: Sha256;
};

/** The hold-out as records and sentences call it, and the number of the candidate on it. */
export type NumberedUse = { readonly holdout: string; readonly number: number };

/**
 * Counts candidates on a hold-out: 1 for the first, 2 for the next. A candidate keeps its number however often it is
 * evaluated, by however many runs. A hold-out that is older than one that was used is no fresh one: candidates on all
 * newer ones count before it. Under the pipeline's lock, so that no number is given twice.
 */
export const useHoldout = async (tx: Transaction<Tables>, use: NewHoldoutUse): Promise<NumberedUse> => {
  const { pipeline, holdout, trainingKey } = use;
  await lockPipeline(tx, pipeline);
  const name = nameOf(holdout);
  const uses = tx.selectFrom('holdout_uses').where('pipeline', '=', pipeline);
  const here = uses.where('holdout', '=', name);
  const existing = await here.select('number').where('training_key', '=', trainingKey).executeTakeFirst();
  if (existing) return { holdout: name, number: existing.number };
  // Days sort as their text does; what is kept has a name that no day has.
  const counted = 'kept' in holdout ? here : uses.where('holdout', '>=', name).where('holdout', 'like', `${dayPrefix}%`);
  const before = await counted.select((eb) => eb.fn.countAll<string>().as('candidates')).executeTakeFirstOrThrow();
  const number = Number(before.candidates) + 1;
  await tx.insertInto('holdout_uses').values({ pipeline, holdout: name, training_key: trainingKey, number }).execute();
  return { holdout: name, number };
};

const dayPrefix = 'rows up to ';
const nameOf = (holdout: NewHoldoutUse['holdout']): string =>
  'kept' in holdout ? holdout.kept : `${dayPrefix}${holdout.newestDay}`;
