import { type Kysely, sql, type Transaction } from 'kysely';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { toCount, toInstant, toJson, toText } from './map.ts';
import { notifyServing } from './notify.ts';
import type { Tables } from './tables.ts';
import { inTransaction, lockPipeline } from './transaction.ts';

export type OnlineFeatureRow = {
  /** By name and definition; see `publishedName`. */
  readonly view: string;
  readonly entity: string;
  readonly values: Readonly<Record<string, number | string | null>>;
  readonly knownAt: Instant;
};
export type Publication = { readonly publication: string; readonly rows: number; readonly publishedAt: Instant };
export type PublishedFeatures = { readonly publication: string | null; readonly rows: readonly OnlineFeatureRow[] };

/** One statement's worth: large enough that round trips do not count, small enough to hold. */
const batchRows = 2_000;

type Target = {
  readonly pipeline: PipelineName;
  readonly publication: string;
  /** What the values were computed from; null where that is not known. */
  readonly snapshotSha256: Sha256 | null;
  /** Views whose rows stay where the publication has none of them; asked under the pipeline's lock. */
  readonly needed: () => Promise<readonly string[]>;
};
/** A publication that was in force from about `publishedAt` on; servers began to hear of it after `beganAt`. */
export type LoggedPublication = { readonly snapshotSha256: Sha256; readonly beganAt: Instant; readonly publishedAt: Instant };

/** Within a statement the newest value of an entity is written; over statements the condition sees to it. */
const writeBatch = async (tx: Transaction<Tables>, { pipeline, publication }: Target, rows: Iterable<OnlineFeatureRow>) => {
  const batch = [...rows];
  await sql`insert into perennial.online_features as o (pipeline, view, entity, "values", known_at, publication)
    select ${pipeline}, *, ${publication} from unnest(
      ${batch.map((row) => row.view)}::text[], ${batch.map((row) => toText(row.entity))}::text[],
      ${batch.map((row) => toJson(row.values))}::jsonb[], ${batch.map((row) => row.knownAt)}::timestamptz[])
    on conflict (pipeline, view, entity) do update
      set "values" = excluded."values", known_at = excluded.known_at, publication = excluded.publication
      where o.publication <> excluded.publication or o.known_at <= excluded.known_at`.execute(tx);
};

const writeAll = async (tx: Transaction<Tables>, target: Target, rows: AsyncIterable<OnlineFeatureRow>): Promise<void> => {
  let batch = new Map<string, OnlineFeatureRow>();
  for await (const row of rows) {
    const key = `${row.view}\u0000${row.entity}`;
    const seen = batch.get(key);
    if (!seen || seen.knownAt <= row.knownAt) batch.set(key, row);
    if (batch.size < batchRows) continue;
    await writeBatch(tx, target, batch.values());
    batch = new Map();
  }
  if (batch.size > 0) await writeBatch(tx, target, batch.values());
};

const removeOthers = async (tx: Transaction<Tables>, { pipeline, publication, needed }: Target): Promise<void> => {
  const others = tx.deleteFrom('online_features').where('pipeline', '=', pipeline).where('publication', '!=', publication);
  await others.where(sql<boolean>`view <> all(${[...(await needed())]}::text[])`).execute();
};

const countRows = async (tx: Transaction<Tables>, pipeline: PipelineName): Promise<number> => {
  const counted = tx.selectFrom('online_features').select((eb) => eb.fn.countAll<string>().as('rows'));
  return toCount((await counted.where('pipeline', '=', pipeline).executeTakeFirstOrThrow()).rows);
};

const findPublication = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<Publication | null> => {
  const row = await db.selectFrom('publications').selectAll().where('pipeline', '=', pipeline).executeTakeFirst();
  return row ? { publication: row.publication, rows: toCount(row.rows), publishedAt: toInstant(row.published_at) } : null;
};

/** Not repeated on a deadlock: the rows can be read once. The step that calls it is. */
const publish = async (tx: Transaction<Tables>, target: Target, rows: AsyncIterable<OnlineFeatureRow>): Promise<number> => {
  const { pipeline, publication } = target;
  await lockPipeline(tx, pipeline);
  const before = await findPublication(tx, pipeline);
  if (before?.publication === publication) return before.rows;
  await writeAll(tx, target, rows);
  await removeOthers(tx, target);
  const count = await countRows(tx, pipeline);
  const columns = { publication, rows: count, published_at: sql<Date>`now()` };
  await tx
    .insertInto('publications')
    .values({ pipeline, ...columns })
    .onConflict((conflict) => conflict.column('pipeline').doUpdateSet(columns))
    .execute();
  await log(tx, target);
  await notifyServing(tx, pipeline);
  return count;
};

const log = async (tx: Transaction<Tables>, { pipeline, publication, snapshotSha256 }: Target): Promise<void> => {
  if (snapshotSha256 === null) return;
  const times = { began_at: sql<Date>`now()`, published_at: sql<Date>`clock_timestamp()` };
  await tx
    .insertInto('publication_log')
    .values({ pipeline, publication, snapshot_sha256: snapshotSha256, ...times })
    .execute();
};

const history = async (db: Kysely<Tables>, pipeline: PipelineName, limit: number): Promise<LoggedPublication[]> => {
  const logged = db.selectFrom('publication_log').selectAll().where('pipeline', '=', pipeline);
  return (await logged.orderBy('id', 'desc').limit(limit).execute()).map((row) => ({
    snapshotSha256: row.snapshot_sha256 as Sha256,
    beganAt: toInstant(row.began_at),
    publishedAt: toInstant(row.published_at),
  }));
};

/** A look at the key for each: the rows of a view may be millions. */
const held = async (db: Kysely<Tables>, pipeline: PipelineName, views: readonly string[]): Promise<ReadonlySet<string>> => {
  const { rows } = await sql<{ view: string }>`select view from unnest(${[...views]}::text[]) as asked (view)
    where exists (select from perennial.online_features o where o.pipeline = ${pipeline} and o.view = asked.view)`.execute(db);
  return new Set(rows.map(({ view }) => view));
};

/** Both from one state of the database: rows never belong to another publication than the one named. */
const load = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<PublishedFeatures> =>
  inTransaction(db, async (tx) => {
    await sql`set transaction isolation level repeatable read, read only`.execute(tx);
    const published = await findPublication(tx, pipeline);
    const rows = await tx.selectFrom('online_features').selectAll().where('pipeline', '=', pipeline).execute();
    return {
      publication: published?.publication ?? null,
      rows: rows.map((row) => ({
        view: row.view,
        entity: row.entity,
        values: row.values as OnlineFeatureRow['values'],
        knownAt: toInstant(row.known_at),
      })),
    };
  });

/** Newest value of each view per entity, published as a whole set. */
export const createOnlineFeatures = (db: Kysely<Tables>) => ({
  /**
   * Replaces the published set in one transaction, but for views that are still needed and not among it; the same
   * publication twice changes nothing. Returns all rows that are published then.
   */
  publish: (
    pipeline: PipelineName,
    publication: string,
    rows: AsyncIterable<OnlineFeatureRow>,
    snapshotSha256: Sha256 | null = null,
    needed: () => Promise<readonly string[]> = async () => [],
  ) => db.transaction().execute((tx) => publish(tx, { pipeline, publication, snapshotSha256, needed }, rows)),
  /** Which of these views have published values. */
  held: (pipeline: PipelineName, views: readonly string[]) => held(db, pipeline, views),
  /** Which snapshots were published, newest first. */
  history: (pipeline: PipelineName, limit = 1_000) => history(db, pipeline, limit),
  load: (pipeline: PipelineName) => load(db, pipeline),
  /** Cheap to ask often: which set is published now; null before the first. */
  publication: (pipeline: PipelineName) => findPublication(db, pipeline),
});
