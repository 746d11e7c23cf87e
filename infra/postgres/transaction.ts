import { setTimeout as delay } from 'node:timers/promises';
import type { Kysely, Transaction } from 'kysely';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import { sqlState } from './failures.ts';
import type { Tables } from './tables.ts';

/** Serialization failure and deadlock: PostgreSQL undid the transaction and asks for it again. */
const repeatable = new Set(['40001', '40P01']);
const attempts = 10;

/** One transaction, repeated where PostgreSQL asks for it. The work must have no effect outside the database. */
export const inTransaction = async <T>(db: Kysely<Tables>, work: (tx: Transaction<Tables>) => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction().execute(work);
    } catch (error) {
      if (!repeatable.has(sqlState(error)) || attempt === attempts) throw error;
      await delay(Math.random() * 5 * 2 ** attempt);
    }
  }
};

/**
 * Takes the lock under which everything that must happen once per pipeline is decided. Writers of rows that merely
 * refer to the pipeline are not held up. Lock order everywhere: pipeline first, audit log last.
 */
export const lockPipeline = async (tx: Transaction<Tables>, pipeline: PipelineName): Promise<void> => {
  const found = await tx.selectFrom('pipelines').select('name').where('name', '=', pipeline).forNoKeyUpdate().executeTakeFirst();
  if (!found) throw unknownPipeline(pipeline);
};

export const unknownPipeline = (pipeline: string): PerennialError =>
  new PerennialError('PRN_NOT_FOUND', `Cannot find pipeline "${pipeline}" as it was never applied: see \`perennial status\``);

export const unknownVersion = (pipeline: string, version: number): PerennialError =>
  new PerennialError('PRN_NOT_FOUND', `Cannot find version ${version} of "${pipeline}": see \`perennial models list\``);
