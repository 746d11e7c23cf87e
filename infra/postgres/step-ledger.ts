import type { Kysely } from 'kysely';
import { toJson, toText } from './map.ts';
import type { Tables } from './tables.ts';

/** Results of steps by idempotency key. Results are references of a few hundred bytes, never rows. */
export const createStepLedger = (db: Kysely<Tables>) => {
  /** null for an unknown key. */
  const find = async (key: string): Promise<unknown> => {
    const row = await db.selectFrom('step_results').select('result').where('key', '=', key).executeTakeFirst();
    return row?.result ?? null;
  };
  return {
    find,
    /** Records a result, or returns the one that was already there: the first wins. */
    record: async (key: string, step: string, result: unknown): Promise<unknown> => {
      const row = await db
        .insertInto('step_results')
        .values({ key: toText(key), step, result: toJson(result ?? null) })
        .onConflict((conflict) => conflict.column('key').doNothing())
        .returning('result')
        .executeTakeFirst();
      return row ? row.result : await find(key);
    },
  };
};
