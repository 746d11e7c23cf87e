import { type Kysely, sql } from 'kysely';
import type { Instant, PipelineName } from '#domain/units.ts';
import { toInstant } from './map.ts';
import type { Tables } from './tables.ts';

export type WatchLook = { readonly lookedAt: Instant; readonly dueAt: Instant };

/** By the database's clock, as whoever asks how late it is has another. */
const looked = async (db: Kysely<Tables>, pipeline: PipelineName, everyMs: number): Promise<void> => {
  const columns = {
    looked_at: sql<Date>`clock_timestamp()`,
    due_at: sql<Date>`clock_timestamp() + make_interval(secs => ${everyMs / 1_000})`,
  };
  await db
    .insertInto('watch_looks')
    .values({ pipeline, ...columns })
    .onConflict((conflict) => conflict.column('pipeline').doUpdateSet(columns))
    .execute();
};

const newest = async (db: Kysely<Tables>): Promise<ReadonlyMap<PipelineName, WatchLook>> => {
  const rows = await db.selectFrom('watch_looks').selectAll().execute();
  return new Map(
    rows.map((row) => [row.pipeline as PipelineName, { lookedAt: toInstant(row.looked_at), dueAt: toInstant(row.due_at) }]),
  );
};

/**
 * Signs of life of the watches: who only waits for decisions does not see that nobody decides any more, because a watch was
 * ended, its worker is down or its looks fail.
 */
export const createWatchLooks = (db: Kysely<Tables>) => ({
  /** The watch looked, and means to look again after so many milliseconds. */
  looked: (pipeline: PipelineName, everyMs: number): Promise<void> => looked(db, pipeline, everyMs),
  /** Of all pipelines that were ever looked at. */
  newest: () => newest(db),
});
export type WatchLooks = ReturnType<typeof createWatchLooks>;
