/** What the retention of pipelines reads and deletes. Each deletion writes its row of the log in the same transaction. */
import { type Kysely, sql, type Transaction } from 'kysely';
import type { ShippedHour } from '#domain/decide/retention/choose-hours.ts';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { sqlState } from './failures.ts';
import { subjectOfMs } from './labels.ts';
import { toCount, toInstant } from './map.ts';
import type { RetentionLogTable, Tables } from './tables.ts';
import { inTransaction } from './transaction.ts';

export type Retained = { readonly pipeline: PipelineName; readonly file: unknown };
export type ShippedSpan = {
  readonly hours: readonly ShippedHour[];
  /** When something was shipped last, and the clock that said so. */
  readonly shippedMs: number | null;
  readonly wallMs: number;
  /** Newest event that is not the only one of its part: one row with a wrong time moves it nowhere. */
  readonly eventMs: number | null;
};
export type Deleted = { readonly items: number; readonly rows: number };
export type DeletedParts = Deleted & { readonly objects: readonly Sha256[] };

/** Others wait no longer for us than this, nor we for them: there is another day. */
const lockTimeout = `set local lock_timeout = '1s'`;
const nothing: Deleted = { items: 0, rows: 0 };

/** Whether somebody held what was to be deleted, so that it has to wait. */
export const isHeldUp = (error: unknown): boolean => sqlState(error) === '55P03';

/** Those that were deleted included: their last definition says how long what they left is kept. */
const pipelines = async (db: Kysely<Tables>): Promise<Retained[]> => {
  const rows = db.selectFrom('pipelines').innerJoin('definitions', 'definitions.sha256', 'pipelines.definition_sha256');
  const found = await rows.select(['pipelines.name', 'definitions.file']).orderBy('pipelines.name').execute();
  return found.map(({ name, file }) => ({ pipeline: name as PipelineName, file }));
};

const shipped = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<ShippedSpan> => {
  const ms = (column: string) => sql.raw(`floor(extract(epoch from ${column}) * 1000)`);
  type Row = { from: string; last: string | null; parts: string; rows: string; bytes: string };
  const { rows } = await sql<Row>`
    select ${ms('hour')} as from, ${ms('max(last_event_at)')} as last, count(*) as parts, sum(rows) as rows, sum(bytes) as bytes
    from perennial.prediction_parts where pipeline = ${pipeline} group by hour order by hour`.execute(db);
  const newest = await sql<{ shipped: string | null; event: string | null; wall: string }>`
    select ${ms('max(shipped_at)')} as shipped, ${ms('max(first_event_at) filter (where rows > 1)')} as event,
      ${ms('clock_timestamp()')} as wall from perennial.prediction_parts where pipeline = ${pipeline}`.execute(db);
  const orNull = (text: string | null | undefined): number | null => (text == null ? null : Number(text));
  return {
    hours: rows.map((row) => ({
      fromMs: Number(row.from),
      lastEventMs: orNull(row.last),
      parts: toCount(row.parts),
      rows: toCount(row.rows),
      bytes: toCount(row.bytes),
    })),
    shippedMs: orNull(newest.rows[0]?.shipped),
    eventMs: orNull(newest.rows[0]?.event),
    wallMs: Number(newest.rows[0]?.wall),
  };
};

type Entry = Deleted & {
  readonly pipeline: PipelineName;
  readonly what: RetentionLogTable['what'];
  readonly before: Instant | null;
};

const log = async (tx: Transaction<Tables>, { items, ...entry }: Entry): Promise<void> => {
  if (items > 0)
    await tx
      .insertInto('retention_log')
      .values({ ...entry, items })
      .execute();
};

const instants = (hoursMs: readonly number[]): string[] => hoursMs.map((ms) => new Date(ms).toISOString());

/** The rows first: whoever is killed in between leaves objects that nobody names, which are garbage and are collected. */
const deleteParts = (
  db: Kysely<Tables>,
  pipeline: PipelineName,
  hoursMs: readonly number[],
  before: Instant,
): Promise<DeletedParts> =>
  inTransaction(db, async (tx) => {
    await sql.raw(lockTimeout).execute(tx);
    // Beside nobody who checks that what rows name is there: see `lockForReading`.
    await sql`lock table perennial.prediction_parts in exclusive mode`.execute(tx);
    const { rows } = await sql<{ sha256: string; rows: string }>`delete from perennial.prediction_parts
      where pipeline = ${pipeline} and hour = any(${instants(hoursMs)}::timestamptz[]) returning sha256, rows`.execute(tx);
    const deleted = { items: rows.length, rows: rows.reduce((sum, one) => sum + toCount(one.rows), 0) };
    await log(tx, { pipeline, what: 'predictions', before, ...deleted });
    return { ...deleted, objects: rows.map(({ sha256 }) => sha256 as Sha256) };
  });

/**
 * Deletes objects of parts that no row names any more. A server that ships the same bytes again waits meanwhile, and stores
 * them again after that.
 */
const deleteObjects = (
  db: Kysely<Tables>,
  objects: readonly Sha256[],
  remove: (sha256: Sha256) => Promise<void>,
): Promise<void> =>
  db.transaction().execute(async (tx) => {
    await sql.raw(lockTimeout).execute(tx);
    await sql`lock table perennial.prediction_parts in share row exclusive mode`.execute(tx);
    const { rows } = await sql<{ sha256: string }>`select sha256 from perennial.prediction_parts
      where sha256 = any(${[...objects]}::text[])`.execute(tx);
    const named = new Set(rows.map(({ sha256 }) => sha256));
    await Promise.all(objects.filter((sha256) => !named.has(sha256)).map(remove));
  });

/** Subjects by the id of a prediction that was made before an instant. */
const countLabels = async (db: Kysely<Tables>, pipeline: PipelineName, beforeMs: number): Promise<number> => {
  const { rows } = await sql<{ count: string }>`select count(*) as count from perennial.labels
    where pipeline = ${pipeline} and subject > 'id:' and subject < ${subjectOfMs(beforeMs)}`.execute(db);
  return toCount(rows[0]?.count ?? '0');
};

const labelsAtOnce = 10_000;

/** Some of them; nothing where none is left. */
const deleteLabels = (db: Kysely<Tables>, pipeline: PipelineName, beforeMs: number): Promise<Deleted> =>
  inTransaction(db, async (tx) => {
    const { rows } = await sql<{ count: string }>`with gone as (delete from perennial.labels where pipeline = ${pipeline}
      and subject in (select subject from perennial.labels where pipeline = ${pipeline}
        and subject > 'id:' and subject < ${subjectOfMs(beforeMs)} order by subject limit ${labelsAtOnce})
      returning 1) select count(*) as count from gone`.execute(tx);
    const items = toCount(rows[0]?.count ?? '0');
    await log(tx, { pipeline, what: 'labels', before: new Date(beforeMs).toISOString() as Instant, items, rows: items });
    return { items, rows: items };
  });

export type KnownSnapshots = {
  /** That have their data, newest first. */
  readonly newestFirst: readonly Sha256[];
  /** Of versions that serve or served, or are being rolled out, and of what is published. */
  readonly named: ReadonlySet<Sha256>;
  /** Open by the record. */
  readonly runs: readonly string[];
};

const snapshots = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<KnownSnapshots> => {
  const all = db.selectFrom('snapshots').select('sha256').where('pipeline', '=', pipeline).where('collected_at', 'is', null);
  const newestFirst = await all.orderBy('created_at', 'desc').orderBy('sha256').execute();
  const { rows: named } = await sql<{ sha256: string }>`
    select v.snapshot_sha256 as sha256 from perennial.model_versions v where v.pipeline = ${pipeline}
      and v.snapshot_sha256 is not null and (v.stage in ('champion', 'retired') or exists (select from perennial.rollouts r
        where r.pipeline = v.pipeline and r.version = v.version and r.state = 'running'))
    union (select snapshot_sha256 from perennial.publication_log where pipeline = ${pipeline} order by id desc limit 1)`.execute(
    db,
  );
  const open = db.selectFrom('runs').select('workflow_id').where('pipeline', '=', pipeline).where('outcome', 'is', null);
  return {
    newestFirst: newestFirst.map(({ sha256 }) => sha256 as Sha256),
    named: new Set(named.map(({ sha256 }) => sha256 as Sha256)),
    runs: (await open.execute()).map((row) => row.workflow_id),
  };
};

/**
 * Gives up the data of snapshots; the garbage collection deletes them. Results of steps that name them are forgotten, so that
 * a run on the same data freezes them again. Beside no run: `choose` is asked under the lock under which runs begin.
 */
const collect = (
  db: Kysely<Tables>,
  pipeline: PipelineName,
  choose: (known: KnownSnapshots) => readonly Sha256[],
): Promise<Deleted> =>
  inTransaction(db, async (tx) => {
    await sql.raw(lockTimeout).execute(tx);
    await sql`lock table perennial.runs, perennial.snapshots in exclusive mode`.execute(tx);
    const chosen = [...choose(await snapshots(tx, pipeline))];
    if (chosen.length === 0) return nothing;
    const { rows } = await sql<{ rows: string }>`update perennial.snapshots set collected_at = clock_timestamp()
      where sha256 = any(${chosen}::text[]) returning rows`.execute(tx);
    await sql`delete from perennial.step_results where exists (select 1 from unnest(${chosen}::text[]) gone
      where position(gone in step_results.result::text) > 0)`.execute(tx);
    const deleted = { items: rows.length, rows: rows.reduce((sum, one) => sum + toCount(one.rows), 0) };
    await log(tx, { pipeline, what: 'snapshots', before: null, ...deleted });
    return deleted;
  });

/** What registered a version stands behind it for good. */
const isOldRun = (pipeline: PipelineName, keepMs: number) => sql<boolean>`r.pipeline = ${pipeline} and r.ended_at is not null
  and r.ended_at < now() - make_interval(secs => ${keepMs / 1000})
  and not exists (select from perennial.model_versions v where v.run_key = r.run_key)`;

const countRuns = async (db: Kysely<Tables>, pipeline: PipelineName, keepMs: number): Promise<number> => {
  const { rows } = await sql<{ count: string }>`select count(*) as count from perennial.runs r
    where ${isOldRun(pipeline, keepMs)}`.execute(db);
  return toCount(rows[0]?.count ?? '0');
};

const runsAtOnce = 200;

/** Some of them, with stages, metrics and evaluations; nothing where none is left. */
const deleteRuns = (db: Kysely<Tables>, pipeline: PipelineName, keepMs: number): Promise<Deleted> =>
  inTransaction(db, async (tx) => {
    const { rows } = await sql<{ run_key: string }>`select run_key from perennial.runs r
      where ${isOldRun(pipeline, keepMs)} order by r.ended_at limit ${runsAtOnce} for update`.execute(tx);
    const keys = rows.map((row) => row.run_key);
    if (keys.length === 0) return nothing;
    for (const table of ['run_metrics', 'run_stages', 'evaluations', 'runs'] as const)
      await tx.deleteFrom(table).where('run_key', 'in', keys).execute();
    const before = await sql<{ at: Date }>`select now() - make_interval(secs => ${keepMs / 1000}) as at`.execute(tx);
    const [{ at }] = before.rows as [{ at: Date }];
    await log(tx, { pipeline, what: 'runs', before: toInstant(at), items: keys.length, rows: keys.length });
    return { items: keys.length, rows: keys.length };
  });

/**
 * For who reads rows and then what they name: until the end of the transaction nothing that is named is given up. To be the
 * first statement, so that what is read is what holds from then on.
 */
export const lockForReading = (tx: Kysely<Tables>): Promise<unknown> =>
  sql`lock table perennial.prediction_parts, perennial.snapshots in row share mode`.execute(tx);

/** Holds the garbage collection off, which waits for it for a moment and then for another day; runs may begin. */
export const besideCollection = <T>(db: Kysely<Tables>, work: () => Promise<T>): Promise<T> =>
  db.transaction().execute(async (tx) => {
    await sql`lock table perennial.runs in row exclusive mode`.execute(tx);
    return await work();
  });

export const createRetention = (db: Kysely<Tables>) => ({
  /** All with the definition that was applied last. */
  pipelines: () => pipelines(db),
  /** What was shipped, by hour, oldest first. */
  shipped: (pipeline: PipelineName) => shipped(db, pipeline),
  deleteParts: (pipeline: PipelineName, hoursMs: readonly number[], before: Instant) =>
    deleteParts(db, pipeline, hoursMs, before),
  deleteObjects: (objects: readonly Sha256[], remove: (sha256: Sha256) => Promise<void>) => deleteObjects(db, objects, remove),
  countLabels: (pipeline: PipelineName, beforeMs: number) => countLabels(db, pipeline, beforeMs),
  deleteLabels: (pipeline: PipelineName, beforeMs: number) => deleteLabels(db, pipeline, beforeMs),
  snapshots: (pipeline: PipelineName) => snapshots(db, pipeline),
  collect: (pipeline: PipelineName, choose: (known: KnownSnapshots) => readonly Sha256[]) => collect(db, pipeline, choose),
  countRuns: (pipeline: PipelineName, keepMs: number) => countRuns(db, pipeline, keepMs),
  deleteRuns: (pipeline: PipelineName, keepMs: number) => deleteRuns(db, pipeline, keepMs),
});
export type Retention = ReturnType<typeof createRetention>;
