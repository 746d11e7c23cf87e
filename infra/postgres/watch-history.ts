/** What was measured of one pipeline over its windows: what reports are drawn from. */
import { type Kysely, sql } from 'kysely';
import type { Instant, PipelineName } from '#domain/units.ts';
import { type RecordedDecision, toRecorded } from './decisions.ts';
import { toCount, toInstant, toInstantOrNull } from './map.ts';
import type { Tables } from './tables.ts';
import { type MeasuredWindow, toMeasured, type WatchReportKind } from './watch-reports.ts';

export type QuarantinedWindow = {
  readonly from: Instant;
  readonly to: Instant;
  readonly breaches: unknown;
  readonly rows: number;
  readonly quarantinedAt: Instant;
  readonly releasedAt: Instant | null;
};

const quarantined = async (db: Kysely<Tables>, pipeline: PipelineName, since: Instant): Promise<QuarantinedWindow[]> => {
  const rows = await db
    .selectFrom('quarantined_windows')
    .selectAll()
    .where('pipeline', '=', pipeline)
    .where(sql<boolean>`window_to >= ${since}`)
    .orderBy('window_from')
    .execute();
  return rows.map((row) => ({
    from: toInstant(row.window_from),
    to: toInstant(row.window_to),
    breaches: row.breaches,
    rows: toCount(row.rows),
    quarantinedAt: toInstant(row.quarantined_at),
    releasedAt: toInstantOrNull(row.released_at),
  }));
};

export const createWatchHistory = (db: Kysely<Tables>) => ({
  /** One decision by its number; null where there is none. */
  decision: async (id: number): Promise<RecordedDecision | null> => {
    const row = await db.selectFrom('decisions').selectAll().where('id', '=', String(id)).executeTakeFirst();
    return row === undefined ? null : toRecorded(row);
  },
  /** Each window of one kind as it was measured last, under whatever profile; newest first; with `from` the ones that begin then. */
  reports: async (
    pipeline: PipelineName,
    kind: WatchReportKind,
    { limit, from }: { readonly limit: number; readonly from?: Instant },
  ): Promise<MeasuredWindow[]> => {
    const query = db
      .selectFrom('watch_reports')
      .selectAll()
      .distinctOn(['window_to', 'window_from'])
      .where('pipeline', '=', pipeline)
      .where('kind', '=', kind);
    const asked = from === undefined ? query : query.where('window_from', '=', new Date(from));
    const ordered = asked.orderBy('window_to', 'desc').orderBy('window_from', 'desc').orderBy('measured_at', 'desc');
    return (await ordered.limit(limit).execute()).map(toMeasured);
  },
  /** Windows whose data were broken and that end at `since` or later, released ones too, oldest first. */
  quarantined: (pipeline: PipelineName, since: Instant) => quarantined(db, pipeline, since),
});
