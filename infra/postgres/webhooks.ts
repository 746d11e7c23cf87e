import { type Kysely, sql } from 'kysely';
import type { Arrival } from '#domain/contracts/arrival.ts';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import { toCount, toJson, toText } from './map.ts';
import type { Tables } from './tables.ts';
import { inTransaction } from './transaction.ts';

export type NewDelivery = {
  readonly source: string;
  readonly deliveryId: string;
  readonly pipeline: PipelineName;
  readonly bodySha256: Sha256;
  readonly arrival: Arrival;
};
export type Acceptance = 'accepted' | 'repeated' | 'other content' | 'unknown pipeline';
/** `arrival` as it was written, perhaps by another version of this program. */
export type WaitingDelivery = Pick<NewDelivery, 'source' | 'deliveryId' | 'pipeline'> & {
  readonly arrival: unknown;
  readonly attempts: number;
};
/** How many rows wait, and since when the oldest of them does. */
export type Waiting = { readonly rows: number; readonly oldestSeconds: number };

type Key = Pick<NewDelivery, 'source' | 'deliveryId'>;

const accept = async (db: Kysely<Tables>, delivery: NewDelivery): Promise<Acceptance> => {
  const { source, deliveryId, pipeline, bodySha256, arrival } = delivery;
  const inserted = await sql`insert into perennial.webhook_deliveries (source, delivery_id, pipeline, body_sha256, message)
    select ${source}, ${deliveryId}, name, ${bodySha256}, ${toJson(arrival)}::jsonb
    from perennial.pipelines where name = ${pipeline} and deleted_at is null
    on conflict (source, delivery_id) do nothing returning 1`.execute(db);
  if (inserted.rows.length > 0) return 'accepted';
  const before = await db
    .selectFrom('webhook_deliveries')
    .select(['pipeline', 'body_sha256'])
    .where('source', '=', source)
    .where('delivery_id', '=', deliveryId)
    .executeTakeFirst();
  if (before === undefined) return 'unknown pipeline';
  return before.pipeline === pipeline && before.body_sha256 === bodySha256 ? 'repeated' : 'other content';
};

/**
 * Takes rows for as long as a lease: who dies with them leaves them to the next. Of two who claim at once none waits
 * and none gets what the other has.
 */
const claim = async (db: Kysely<Tables>, limit: number, leaseMs: number): Promise<WaitingDelivery[]> => {
  const claimed = await sql<{ source: string; delivery_id: string; pipeline: string; message: unknown; attempts: number }>`
    update perennial.webhook_deliveries d
    set attempts = d.attempts + 1, next_attempt_at = clock_timestamp() + make_interval(secs => ${leaseMs / 1000})
    from (
      select w.source, w.delivery_id from perennial.webhook_deliveries w
      where w.handed_over_at is null and w.next_attempt_at <= clock_timestamp()
      order by w.received_at limit ${limit} for update skip locked
    ) due
    where d.source = due.source and d.delivery_id = due.delivery_id
    returning d.source, d.delivery_id, d.pipeline, d.message, d.attempts`.execute(db);
  return claimed.rows.map((row) => ({
    source: row.source,
    deliveryId: row.delivery_id,
    pipeline: row.pipeline as PipelineName,
    arrival: row.message,
    attempts: row.attempts,
  }));
};

const settle = async (db: Kysely<Tables>, { source, deliveryId }: Key): Promise<void> => {
  await db
    .updateTable('webhook_deliveries')
    .set({ handed_over_at: sql`clock_timestamp()`, last_error: null })
    .where('source', '=', source)
    .where('delivery_id', '=', deliveryId)
    .execute();
};

const postpone = async (db: Kysely<Tables>, { source, deliveryId }: Key, reason: string, waitMs: number): Promise<void> => {
  await db
    .updateTable('webhook_deliveries')
    .set({
      next_attempt_at: sql`clock_timestamp() + make_interval(secs => ${waitMs / 1000})`,
      last_error: toText(reason).slice(0, 500),
    })
    .where('source', '=', source)
    .where('delivery_id', '=', deliveryId)
    .where('handed_over_at', 'is', null)
    .execute();
};

/** Nobody is told of a pipeline that was deleted meanwhile: that would begin its watch anew. */
const dropDeleted = async (db: Kysely<Tables>): Promise<void> => {
  await sql`update perennial.webhook_deliveries d set handed_over_at = clock_timestamp(), last_error = 'the pipeline was deleted'
    from perennial.pipelines p
    where d.handed_over_at is null and p.name = d.pipeline and p.deleted_at is not null`.execute(db);
};

const waiting = async (db: Kysely<Tables>): Promise<Waiting> => {
  const { rows } = await sql<{ rows: string; oldest: number | null }>`select count(*) as rows,
    extract(epoch from clock_timestamp() - min(received_at))::float8 as oldest
    from perennial.webhook_deliveries where handed_over_at is null`.execute(db);
  return { rows: toCount(rows[0]?.rows ?? '0'), oldestSeconds: Math.max(0, rows[0]?.oldest ?? 0) };
};

/** Of looks at labels only the last of each pipeline is needed: the next one goes on from it. */
const forget = async (db: Kysely<Tables>, olderThanMs: number): Promise<void> => {
  await sql`delete from perennial.webhook_deliveries d
    where d.handed_over_at is not null and case when d.source = 'labels'
      then exists (select from perennial.webhook_deliveries n
        where n.source = 'labels' and n.pipeline = d.pipeline and n.received_at > d.received_at)
      else d.handed_over_at < clock_timestamp() - make_interval(secs => ${olderThanMs / 1000}) end`.execute(db);
};

/** The first 8 digits of SHA-256 "perennial labels": of several processes one looks at a time. */
const labelsLock = 0xf3_b5_25_9e;

/**
 * Makes one delivery for each pipeline whose labels arrived since the last one that is at least `everyMs` old. Labels
 * that a long transaction brings behind a younger one wake nobody by themselves: the watch's own timer finds them.
 */
const noticeLabels = (db: Kysely<Tables>, everyMs: number): Promise<number> =>
  inTransaction(db, async (tx) => {
    const { rows: locked } = await sql<{ ok: boolean }>`select pg_try_advisory_xact_lock(${labelsLock}) as ok`.execute(tx);
    if (locked[0]?.ok !== true) return 0;
    const made = await sql`
      insert into perennial.webhook_deliveries (source, delivery_id, pipeline, body_sha256, message)
      select 'labels', p.name || '/' || to_char(newest.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), p.name, '',
        jsonb_build_object('kind', 'labels arrived', 'rows', (
          select count(*) from perennial.labels l
          where l.pipeline = p.name and l.arrived_at > coalesce(last.until, '-infinity') and l.arrived_at <= newest.at))
      from perennial.pipelines p
      cross join lateral (
        select l.arrived_at as at from perennial.labels l where l.pipeline = p.name order by l.arrived_at desc limit 1) newest
      left join lateral (
        select (split_part(d.delivery_id, '/', 2) || 'Z')::timestamptz as until, d.received_at from perennial.webhook_deliveries d
        where d.source = 'labels' and d.pipeline = p.name order by d.received_at desc limit 1) last on true
      where p.deleted_at is null and newest.at > coalesce(last.until, '-infinity')
        and (last.received_at is null or last.received_at <= clock_timestamp() - make_interval(secs => ${everyMs / 1000}))
      on conflict (source, delivery_id) do nothing returning 1`.execute(tx);
    return made.rows.length;
  });

/** Webhooks that were accepted, until Temporal has taken them. */
export const createWebhooks = (db: Kysely<Tables>) => ({
  /** Committed when it resolves. The same id of a source again changes nothing, and is told apart by its content. */
  accept: (delivery: NewDelivery): Promise<Acceptance> => accept(db, delivery),
  claim: (limit: number, leaseMs: number): Promise<WaitingDelivery[]> => claim(db, limit, leaseMs),
  settle: (key: Key): Promise<void> => settle(db, key),
  postpone: (key: Key, reason: string, waitMs: number): Promise<void> => postpone(db, key, reason, waitMs),
  dropDeleted: (): Promise<void> => dropDeleted(db),
  waiting: (): Promise<Waiting> => waiting(db),
  forget: (olderThanMs: number): Promise<void> => forget(db, olderThanMs),
  noticeLabels: (everyMs: number): Promise<number> => noticeLabels(db, everyMs),
});
export type Webhooks = ReturnType<typeof createWebhooks>;
