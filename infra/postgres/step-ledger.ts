import type { Kysely } from 'kysely';
import type { StepLedger } from '../../activities/deps.ts';
import { toJson, toText } from './map.ts';
import type { Tables } from './tables.ts';

/** Results of steps by idempotency key. Results are references of a few hundred bytes, never rows. */
export const createStepLedger = (db: Kysely<Tables>): StepLedger => {
  const find = async (key: string): Promise<unknown | null> => {
    const row = await db.selectFrom('step_results').select('result').where('key', '=', key).executeTakeFirst();
    return row?.result ?? null;
  };
  return {
    find,
    record: async (key, step, result) => {
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
