import { type Kysely, type Selectable, sql } from 'kysely';
import type { QualityBreach } from '#domain/contracts/drift-report.ts';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { toCount, toInstant, toInstantOrNull, toJson } from './map.ts';
import type { QuarantinedWindowsTable, Tables } from './tables.ts';

type Span = { readonly from: Instant; readonly to: Instant };
type WindowOf = Span & { readonly pipeline: PipelineName; readonly profileSha256: Sha256 };

/** A window whose data are broken. */
export type Quarantined = WindowOf & { readonly breaches: readonly QualityBreach[]; readonly rows: number };
export type QuarantinedRecord = Quarantined & { readonly quarantinedAt: Instant; readonly releasedAt: Instant | null };

const toRecord = (row: Selectable<QuarantinedWindowsTable>): QuarantinedRecord => ({
  pipeline: row.pipeline as PipelineName,
  profileSha256: row.profile_sha256 as Sha256,
  from: toInstant(row.window_from),
  to: toInstant(row.window_to),
  breaches: row.breaches as readonly QualityBreach[],
  rows: toCount(row.rows),
  quarantinedAt: toInstant(row.quarantined_at),
  releasedAt: toInstantOrNull(row.released_at),
});

const add = async (db: Kysely<Tables>, { pipeline, profileSha256, from, to, breaches, rows }: Quarantined): Promise<void> => {
  await db
    .insertInto('quarantined_windows')
    .values({ pipeline, profile_sha256: profileSha256, window_from: from, window_to: to, breaches: toJson(breaches), rows })
    .onConflict((conflict) => conflict.columns(['pipeline', 'profile_sha256', 'window_from', 'window_to']).doNothing())
    .execute();
};

const selectWindow = (db: Kysely<Tables>, { pipeline, profileSha256, to }: Pick<WindowOf, 'pipeline' | 'profileSha256' | 'to'>) =>
  db
    .selectFrom('quarantined_windows')
    .selectAll()
    .where('pipeline', '=', pipeline)
    .where('profile_sha256', '=', profileSha256)
    .where('window_to', '=', new Date(to));

const openBreaches = async (db: Kysely<Tables>, window: Pick<WindowOf, 'pipeline' | 'profileSha256' | 'to'>): Promise<number> => {
  const rows = await selectWindow(db, window).where('released_at', 'is', null).execute();
  return rows.map(toRecord).reduce((sum, { breaches }) => sum + breaches.length, 0);
};

const release = async (db: Kysely<Tables>, { pipeline, profileSha256, from, to }: WindowOf): Promise<boolean> => {
  const released = await db
    .updateTable('quarantined_windows')
    .set({ released_at: sql`now()` })
    .where('pipeline', '=', pipeline)
    .where('profile_sha256', '=', profileSha256)
    .where('window_from', '=', new Date(from))
    .where('window_to', '=', new Date(to))
    .where('released_at', 'is', null)
    .executeTakeFirst();
  return released.numUpdatedRows > 0n;
};

/** Windows that count for no drift and no performance. */
export const createQuarantine = (db: Kysely<Tables>) => ({
  /** The same window again changes nothing. */
  add: (window: Quarantined): Promise<void> => add(db, window),
  /** Breaches of the window that ends then, unless it was released; 0 where it is not in quarantine. */
  openBreaches: (window: Pick<WindowOf, 'pipeline' | 'profileSha256' | 'to'>): Promise<number> => openBreaches(db, window),
  /** A person says that the window may count again for what is measured from now on; false where there is nothing to release. */
  release: (window: WindowOf): Promise<boolean> => release(db, window),
  /** Newest first. */
  list: async (pipeline: PipelineName, limit = 100): Promise<QuarantinedRecord[]> => {
    const rows = db.selectFrom('quarantined_windows').selectAll().where('pipeline', '=', pipeline);
    return (await rows.orderBy('window_to', 'desc').limit(limit).execute()).map(toRecord);
  },
});
export type Quarantine = ReturnType<typeof createQuarantine>;
