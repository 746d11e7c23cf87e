import { type Kysely, type Selectable, sql } from 'kysely';
import type { PipelineName } from '#domain/units.ts';
import { toCount, toInstant, toText } from './map.ts';
import type { NoticesTable, Tables } from './tables.ts';
import type { Waiting } from './webhooks.ts';

/** One notice for one address, as it was written, perhaps by another version of this program. */
export type WaitingNotice = {
  readonly key: string;
  readonly target: string;
  readonly pipeline: PipelineName;
  readonly event: string;
  readonly notice: unknown;
  readonly delivery: unknown;
  readonly createdAt: string;
  readonly ageMs: number;
  readonly attempts: number;
};
type Key = Pick<WaitingNotice, 'key' | 'target'>;

type Row = Selectable<
  Pick<NoticesTable, 'key' | 'target' | 'pipeline' | 'event' | 'notice' | 'delivery' | 'attempts' | 'created_at'>
> & {
  readonly age_ms: number;
};
const toWaiting = ({ created_at, age_ms, pipeline, ...row }: Row): WaitingNotice => ({
  ...row,
  pipeline: pipeline as PipelineName,
  createdAt: toInstant(created_at),
  ageMs: age_ms,
});

/**
 * Takes rows for as long as a lease. For each pipeline and address the oldest goes first and the next waits for it, so
 * that news arrive in order, until the oldest has failed `stepsAside` times: one that is never taken must not hold up
 * the others for a day.
 */
const claim = async (db: Kysely<Tables>, limit: number, leaseMs: number, stepsAside: number): Promise<WaitingNotice[]> => {
  const { rows } = await sql<Row>`
    update perennial.notices n
    set attempts = n.attempts + 1, next_attempt_at = clock_timestamp() + make_interval(secs => ${leaseMs / 1000})
    from (
      select w.key, w.target from perennial.notices w
      where w.delivered_at is null and w.given_up_at is null and w.next_attempt_at <= clock_timestamp()
        and not exists (
          select from perennial.notices b
          where b.delivered_at is null and b.given_up_at is null and b.attempts < ${stepsAside}
            and b.pipeline = w.pipeline and b.target = w.target and (b.created_at, b.key) < (w.created_at, w.key))
      order by w.created_at limit ${limit} for update skip locked
    ) due
    where n.key = due.key and n.target = due.target
    returning n.key, n.target, n.pipeline, n.event, n.notice, n.delivery, n.attempts, n.created_at,
      extract(epoch from clock_timestamp() - n.created_at)::float8 * 1000 as age_ms`.execute(db);
  return rows.map(toWaiting);
};

const update = (db: Kysely<Tables>, { key, target }: Key) =>
  db
    .updateTable('notices')
    .where('key', '=', key)
    .where('target', '=', target)
    .where('delivered_at', 'is', null)
    .where('given_up_at', 'is', null);

const short = (reason: string): string => toText(reason).slice(0, 500);

const postpone = async (db: Kysely<Tables>, key: Key, reason: string, waitMs: number): Promise<void> => {
  const next_attempt_at = sql<Date>`clock_timestamp() + make_interval(secs => ${waitMs / 1000})`;
  await update(db, key)
    .set({ next_attempt_at, last_error: short(reason) })
    .execute();
};

const waiting = async (db: Kysely<Tables>): Promise<Waiting> => {
  const { rows } = await sql<{ rows: string; oldest: number | null }>`select count(*) as rows,
    extract(epoch from clock_timestamp() - min(created_at))::float8 as oldest
    from perennial.notices where delivered_at is null and given_up_at is null`.execute(db);
  return { rows: toCount(rows[0]?.rows ?? '0'), oldestSeconds: Math.max(0, rows[0]?.oldest ?? 0) };
};

/** The side of the outbox from which it is emptied; `createNotices` fills it. */
export const createOutbox = (db: Kysely<Tables>) => ({
  claim: (limit: number, leaseMs: number, stepsAside: number): Promise<WaitingNotice[]> => claim(db, limit, leaseMs, stepsAside),
  delivered: async (key: Key): Promise<void> => {
    await update(db, key).set({ delivered_at: sql<Date>`clock_timestamp()`, last_error: null }).execute();
  },
  postpone: (key: Key, reason: string, waitMs: number): Promise<void> => postpone(db, key, reason, waitMs),
  giveUp: async (key: Key, reason: string): Promise<void> => {
    await update(db, key)
      .set({ given_up_at: sql<Date>`clock_timestamp()`, last_error: short(reason) })
      .execute();
  },
  waiting: (): Promise<Waiting> => waiting(db),
});
export type Outbox = ReturnType<typeof createOutbox>;
