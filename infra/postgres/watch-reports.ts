import type { Kysely, Selectable } from 'kysely';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { toInstant, toJson } from './map.ts';
import type { Tables, WatchReportsTable } from './tables.ts';

export type WatchReportKind = 'drift' | 'performance' | 'skew';

/** A report of one window, as the watch kept it; the whole of it lies behind `sha256`. */
export type WatchReportRow = {
  readonly pipeline: PipelineName;
  readonly kind: WatchReportKind;
  readonly profileSha256: Sha256;
  readonly from: Instant;
  readonly to: Instant;
  readonly sha256: Sha256;
  readonly outcome: string;
  readonly summary: Readonly<Record<string, unknown>>;
};
export type WindowName = Pick<WatchReportRow, 'pipeline' | 'kind' | 'profileSha256' | 'from' | 'to'>;
type Wanted = { readonly kind?: WatchReportKind; readonly profileSha256?: Sha256; readonly limit?: number };

export type MeasuredWindow = WatchReportRow & { readonly measuredAt: Instant };

export const toMeasured = (row: Selectable<WatchReportsTable>): MeasuredWindow => ({
  pipeline: row.pipeline as PipelineName,
  kind: row.kind,
  profileSha256: row.profile_sha256 as Sha256,
  from: toInstant(row.window_from),
  to: toInstant(row.window_to),
  sha256: row.sha256 as Sha256,
  outcome: row.outcome,
  summary: row.summary as Record<string, unknown>,
  measuredAt: toInstant(row.measured_at),
});

const find = async (db: Kysely<Tables>, { pipeline, kind, profileSha256, from, to }: WindowName): Promise<Sha256 | null> => {
  const row = await db
    .selectFrom('watch_reports')
    .select('sha256')
    .where('pipeline', '=', pipeline)
    .where('kind', '=', kind)
    .where('profile_sha256', '=', profileSha256)
    .where('window_from', '=', new Date(from))
    .where('window_to', '=', new Date(to))
    .executeTakeFirst();
  return (row?.sha256 ?? null) as Sha256 | null;
};

const record = async (db: Kysely<Tables>, report: WatchReportRow): Promise<Sha256> => {
  const { pipeline, kind, profileSha256, from, to, sha256, outcome, summary } = report;
  const inserted = await db
    .insertInto('watch_reports')
    .values({
      pipeline,
      kind,
      profile_sha256: profileSha256,
      window_from: from,
      window_to: to,
      sha256,
      outcome,
      summary: toJson(summary),
    })
    .onConflict((conflict) => conflict.columns(['pipeline', 'kind', 'profile_sha256', 'window_from', 'window_to']).doNothing())
    .executeTakeFirst();
  if ((inserted.numInsertedOrUpdatedRows ?? 0n) > 0n) return sha256;
  return (await find(db, report)) ?? sha256;
};

const list = async (db: Kysely<Tables>, pipeline: PipelineName, { kind, profileSha256, limit = 100 }: Wanted) => {
  let query = db.selectFrom('watch_reports').selectAll().where('pipeline', '=', pipeline);
  if (kind !== undefined) query = query.where('kind', '=', kind);
  if (profileSha256 !== undefined) query = query.where('profile_sha256', '=', profileSha256);
  return (await query.orderBy('window_to', 'desc').orderBy('kind').limit(limit).execute()).map(toMeasured);
};

/** What was measured of closed windows: each once, the first measurement holds. */
export const createWatchReports = (db: Kysely<Tables>) => ({
  /** Digest of the report of a window; null where it was not measured yet. */
  find: (name: WindowName): Promise<Sha256 | null> => find(db, name),
  /** Digest of the report that holds: this one, or the one that was there before it. */
  record: (report: WatchReportRow): Promise<Sha256> => record(db, report),
  /** By the end of the window, newest first. */
  list: (pipeline: PipelineName, wanted: Wanted = {}) => list(db, pipeline, wanted),
});
export type WatchReports = ReturnType<typeof createWatchReports>;
