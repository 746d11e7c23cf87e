/** What a watch asks of the tables besides the counters themselves. */
import { type Kysely, sql } from 'kysely';
import type { EndedRun } from '#domain/contracts/watch.ts';
import type { Instant, PipelineName, RunKey, Sha256 } from '#domain/units.ts';
import { toCount, toInstant } from './map.ts';
import type { Tables } from './tables.ts';

/** Rows that servers counted into one window, whatever model answered them. */
export type WindowRows = {
  readonly from: Instant;
  readonly to: Instant;
  readonly rows: number;
  readonly profileSha256: Sha256;
};
export type HeardEnds = { readonly endedAt: Instant; readonly runKey: RunKey };

/** More is no better: data time and the next windows are found in the newest. */
const mostWindows = 2_000;
const mostInstants = 50;
const mostRuns = 20;

const windowRows = async (db: Kysely<Tables>, pipeline: PipelineName, since: Instant | null): Promise<WindowRows[]> => {
  let query = db
    .selectFrom('window_tallies')
    .select(['window_from', 'window_to', 'profile_sha256', (eb) => eb.fn.sum<string>('rows').as('rows')])
    .where('pipeline', '=', pipeline);
  if (since !== null) query = query.where('window_from', '>=', new Date(since));
  const rows = await query
    .groupBy(['window_from', 'window_to', 'profile_sha256'])
    .orderBy('window_from', 'desc')
    .limit(mostWindows)
    .execute();
  return rows
    .map((row) => ({
      from: toInstant(row.window_from),
      to: toInstant(row.window_to),
      rows: toCount(row.rows),
      profileSha256: row.profile_sha256 as Sha256,
    }))
    .reverse();
};

/** One for each process, arm and generation: a wrong one of one server does not hide those of the others. */
const lastEvents = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<{ now: Instant; instants: Instant[] }> => {
  const { rows } = await sql<{ now: Date; instants: (string | null)[] | null }>`
    select clock_timestamp() as now, array(
      select tally->>'lastEventAt' from perennial.arm_tallies
      where pipeline = ${pipeline} and tally->>'lastEventAt' is not null
      order by heard_at desc limit ${mostInstants}
    ) as instants`.execute(db);
  const [row] = rows;
  return { now: toInstant(row?.now as Date), instants: (row?.instants ?? []).filter((one) => one !== null) as Instant[] };
};

const endedAfter = async (db: Kysely<Tables>, pipeline: PipelineName, after: HeardEnds): Promise<EndedRun[]> => {
  // To the millisecond, as the watch remembers it: PostgreSQL keeps microseconds, and the same end would be newer than itself.
  const endedAt = sql<Date>`date_trunc('milliseconds', ended_at)`;
  const rows = await db
    .selectFrom('runs')
    .select(['run_key', 'outcome', 'result', endedAt.as('ended_at')])
    .where('pipeline', '=', pipeline)
    .where('outcome', 'is not', null)
    .where(sql<boolean>`(${endedAt}, run_key) > (${after.endedAt}::timestamptz, ${after.runKey})`)
    .orderBy(endedAt)
    .orderBy('run_key')
    .limit(mostRuns)
    .execute();
  return rows.map((row) => ({
    runKey: row.run_key as RunKey,
    outcome: row.outcome as EndedRun['outcome'],
    reason: (row.result as { reason?: string } | null)?.reason ?? '',
    endedAt: toInstant(row.ended_at),
  }));
};

const newestEnd = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<HeardEnds | null> => {
  const endedAt = sql<Date>`date_trunc('milliseconds', ended_at)`;
  const row = await db
    .selectFrom('runs')
    .select(['run_key', endedAt.as('ended_at')])
    .where('pipeline', '=', pipeline)
    .where('outcome', 'is not', null)
    .orderBy(endedAt, 'desc')
    .orderBy('run_key', 'desc')
    .executeTakeFirst();
  return row === undefined ? null : { endedAt: toInstant(row.ended_at), runKey: row.run_key as RunKey };
};

const running = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<{ runKey: RunKey; workflowId: string }[]> => {
  const rows = await db
    .selectFrom('runs')
    .select(['run_key', 'workflow_id'])
    .where('pipeline', '=', pipeline)
    .where('outcome', 'is', null)
    .orderBy('started_at', 'desc')
    .limit(mostRuns)
    .execute();
  return rows.map((row) => ({ runKey: row.run_key as RunKey, workflowId: row.workflow_id }));
};

const paused = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<{ by: string; reason: string } | null> => {
  const row = await db
    .selectFrom('pipelines')
    .select(['paused_by', 'paused_reason'])
    .where('name', '=', pipeline)
    .where('paused_at', 'is not', null)
    .executeTakeFirst();
  return row === undefined ? null : { by: row.paused_by ?? 'somebody', reason: row.paused_reason ?? 'paused' };
};

const isDeleted = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<boolean> => {
  const deleted = db.selectFrom('pipelines').select('name').where('deleted_at', 'is not', null);
  return (await deleted.where('name', '=', pipeline).executeTakeFirst()) !== undefined;
};

/** A server that said nothing for so long is gone, or as good as. */
const freshSeconds = 15;

const unheard = async (db: Kysely<Tables>, pipeline: PipelineName, end: Instant, since: Instant): Promise<string[]> => {
  const { rows } = await sql<{ server_id: string }>`
    select server_id from perennial.server_reports r
    where r.pipeline = ${pipeline} and r.reported_at > clock_timestamp() - make_interval(secs => ${freshSeconds})
      and (r.told_until is null or r.told_until <= ${since}::timestamptz)
      and not exists (select from perennial.window_tallies w
        where w.pipeline = r.pipeline and w.server_id = r.server_id
          and (w.window_from >= ${end}::timestamptz or w.heard_at > ${since}::timestamptz))
    order by server_id`.execute(db);
  return rows.map((row) => row.server_id);
};

export const createWatchEvidence = (db: Kysely<Tables>) => ({
  /** By window, oldest first, those that begin at an instant or later; the newest 2,000 at most. */
  windowRows: (pipeline: PipelineName, since: Instant | null) => windowRows(db, pipeline, since),
  /** The newest event time of each process and arm, those heard last first, and the clock of the database. */
  lastEvents: (pipeline: PipelineName) => lastEvents(db, pipeline),
  /**
   * Servers with a fresh report that may have rows of a window untold: those that told neither of a later window, nor of any
   * since an instant of the database's clock, nor that there is nothing that they have not told.
   */
  unheard: (pipeline: PipelineName, end: Instant, since: Instant) => unheard(db, pipeline, end, since),
  /** Runs that ended after one that was heard, oldest first. */
  endedAfter: (pipeline: PipelineName, after: HeardEnds) => endedAfter(db, pipeline, after),
  /** The run that ended last; null where none has. */
  newestEnd: (pipeline: PipelineName) => newestEnd(db, pipeline),
  /** Who paused the pipeline, and why; null where nobody did. */
  paused: (pipeline: PipelineName) => paused(db, pipeline),
  isDeleted: (pipeline: PipelineName) => isDeleted(db, pipeline),
  /** Runs that were recorded and have no end, newest first. */
  running: (pipeline: PipelineName) => running(db, pipeline),
});
export type WatchEvidence = ReturnType<typeof createWatchEvidence>;
