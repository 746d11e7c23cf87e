import type { Kysely, Selectable } from 'kysely';
import type { QualityBreach } from '#domain/contracts/drift-report.ts';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { toCount, toInstant, toInstantOrNull, toJson } from './map.ts';
import { type Release, type ReleasedWindow, readReleasers, releaseWindows } from './quarantine-release.ts';
import type { QuarantinedWindowsTable, Tables } from './tables.ts';
import { inTransaction } from './transaction.ts';

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

const list = async (db: Kysely<Tables>, pipeline: PipelineName, limit: number): Promise<QuarantinedRecord[]> => {
  const rows = db.selectFrom('quarantined_windows').selectAll().where('pipeline', '=', pipeline);
  return (await rows.orderBy('window_to', 'desc').limit(limit).execute()).map(toRecord);
};

/** Windows that count for no drift and no performance. */
export const createQuarantine = (db: Kysely<Tables>) => ({
  /** The same window again changes nothing. */
  add: (window: Quarantined): Promise<void> => add(db, window),
  /** Breaches of the window that ends then, unless it was released; 0 where it is not in quarantine. */
  openBreaches: (window: Pick<WindowOf, 'pipeline' | 'profileSha256' | 'to'>): Promise<number> => openBreaches(db, window),
  /**
   * A person says that a window may count again for what is measured from now on, under whatever profiles it is kept: in
   * one transaction with its audit entry. Throws PRN_NOT_FOUND, PRN_CONFLICT where it was released before.
   */
  release: (wish: Release): Promise<readonly ReleasedWindow[]> => inTransaction(db, (tx) => releaseWindows(tx, wish)),
  /** Who released windows and why, by `subjectOfWindow`. */
  releasers: (pipeline: PipelineName) => readReleasers(db, pipeline),
  /** Newest first. */
  list: (pipeline: PipelineName, limit = 100): Promise<QuarantinedRecord[]> => list(db, pipeline, limit),
});
export type Quarantine = ReturnType<typeof createQuarantine>;
