import { type Kysely, type Selectable, sql } from 'kysely';
import { PerennialError } from '#domain/errors.ts';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { toCount, toInstant, toInstantOrNull } from './map.ts';
import type { SnapshotsTable, Tables } from './tables.ts';
import { inTransaction } from './transaction.ts';

export type SnapshotRecord = {
  readonly sha256: Sha256;
  readonly pipeline: PipelineName;
  readonly rows: number;
  readonly bytes: number;
  readonly partCount: number;
  readonly firstEventAt: Instant | null;
  readonly lastEventAt: Instant | null;
  readonly createdAt: Instant;
  /** When retention gave its data up; null where they are there. */
  readonly collectedAt: Instant | null;
};

const toRecord = (row: Selectable<SnapshotsTable>): SnapshotRecord => ({
  sha256: row.sha256 as Sha256,
  pipeline: row.pipeline as PipelineName,
  rows: toCount(row.rows),
  bytes: toCount(row.bytes),
  partCount: row.part_count,
  firstEventAt: toInstantOrNull(row.first_event_at),
  lastEventAt: toInstantOrNull(row.last_event_at),
  createdAt: toInstant(row.created_at),
  collectedAt: toInstantOrNull(row.collected_at),
});

type PartRow = { readonly sha256: Sha256; readonly bytes: number; readonly rows: number };
type NewSnapshot = Omit<SnapshotRecord, 'createdAt' | 'collectedAt'>;

/** Sorted, so that two writers of the same parts wait for each other instead of dying of a deadlock. */
const inOrder = (parts: readonly PartRow[]): PartRow[] =>
  [...new Map(parts.map((part) => [part.sha256, part])).values()].sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1));

const recordParts = async (db: Kysely<Tables>, parts: readonly PartRow[]): Promise<number> => {
  const rows = inOrder(parts);
  const digests = rows.map((part) => part.sha256);
  const insert = sql`insert into perennial.parts (sha256, bytes, rows)
    select * from unnest(${digests}::text[], ${rows.map((p) => p.bytes)}::bigint[], ${rows.map((p) => p.rows)}::bigint[])
    on conflict (sha256) do nothing`;
  return inTransaction(db, async (tx) => Number((await insert.execute(tx)).numAffectedRows ?? 0n));
};

/** One that was given up is back with its data. */
const record = async (db: Kysely<Tables>, snapshot: NewSnapshot): Promise<boolean> => {
  const inserted = await db
    .insertInto('snapshots')
    .values({
      sha256: snapshot.sha256,
      pipeline: snapshot.pipeline,
      rows: snapshot.rows,
      bytes: snapshot.bytes,
      part_count: snapshot.partCount,
      first_event_at: snapshot.firstEventAt,
      last_event_at: snapshot.lastEventAt,
    })
    .onConflict((conflict) =>
      conflict
        .column('sha256')
        .doUpdateSet({ collected_at: null, created_at: sql`now()` })
        .where('snapshots.collected_at', 'is not', null),
    )
    .executeTakeFirst();
  return (inserted.numInsertedOrUpdatedRows ?? 0n) > 0n;
};

/** As people type digests: at least 4 digits that name one snapshot. Throws PRN_INPUT_INVALID, PRN_NOT_FOUND, PRN_CONFLICT. */
const resolvePrefix = async (db: Kysely<Tables>, prefix: string, pipeline?: PipelineName): Promise<Sha256> => {
  const fail = (code: 'PRN_INPUT_INVALID' | 'PRN_NOT_FOUND' | 'PRN_CONFLICT', why: string) =>
    new PerennialError(code, `Cannot find snapshot "${prefix}" ${why}: see \`perennial data list\``);
  if (!/^[0-9a-f]{4,64}$/.test(prefix)) throw fail('PRN_INPUT_INVALID', 'as a prefix must be 4 to 64 hexadecimal digits');
  let query = db.selectFrom('snapshots').select('sha256').where('sha256', 'like', `${prefix}%`).orderBy('sha256').limit(3);
  if (pipeline !== undefined) query = query.where('pipeline', '=', pipeline);
  const [first, second] = await query.execute();
  if (!first) throw fail('PRN_NOT_FOUND', 'as none has these digits');
  if (second) throw fail('PRN_CONFLICT', `as more than one starts with it ("${first.sha256}", "${second.sha256}")`);
  return first.sha256 as Sha256;
};

const firstArrivals = async (db: Kysely<Tables>, parts: readonly Sha256[]): Promise<ReadonlyMap<Sha256, Instant>> => {
  const rows = await db
    .selectFrom('parts')
    .select(['sha256', 'first_arrived_at'])
    .where(sql<boolean>`sha256 = any(${[...parts]}::text[])`)
    .execute();
  return new Map(rows.map((row) => [row.sha256 as Sha256, toInstant(row.first_arrived_at)]));
};

const list = async (db: Kysely<Tables>, pipeline?: PipelineName): Promise<readonly SnapshotRecord[]> => {
  let query = db.selectFrom('snapshots').selectAll().orderBy('created_at', 'desc').orderBy('sha256');
  if (pipeline !== undefined) query = query.where('pipeline', '=', pipeline);
  return (await query.execute()).map(toRecord);
};

const lastTrained = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<SnapshotRecord | null> => {
  const trained = sql<boolean>`(exists (select from perennial.model_versions v where v.pipeline = s.pipeline and v.snapshot_sha256 = s.sha256)
    or exists (select from perennial.runs r where r.pipeline = s.pipeline and r.result ->> 'dataVersion' = s.sha256))`;
  const rows = db.selectFrom('snapshots as s').selectAll().where('s.pipeline', '=', pipeline).where(trained);
  const row = await rows.orderBy('s.created_at', 'desc').orderBy('s.sha256').executeTakeFirst();
  return row ? toRecord(row) : null;
};

/** Frozen datasets and the arrival of their parts. */
export const createSnapshots = (db: Kysely<Tables>) => ({
  /** Notes parts that arrived; returns how many were new. */
  recordParts: (parts: readonly PartRow[]) => recordParts(db, parts),
  /** false where it was there with its data. */
  record: (snapshot: NewSnapshot) => record(db, snapshot),
  get: async (sha256: Sha256): Promise<SnapshotRecord | null> => {
    const row = await db.selectFrom('snapshots').selectAll().where('sha256', '=', sha256).executeTakeFirst();
    return row ? toRecord(row) : null;
  },
  /** Newest first; of all pipelines where none is named. */
  list: (pipeline?: PipelineName) => list(db, pipeline),
  /** The newest that a run brought, which ended, or that is of a model version; null before the first. */
  lastTrained: (pipeline: PipelineName) => lastTrained(db, pipeline),
  resolvePrefix: (prefix: string, pipeline?: PipelineName) => resolvePrefix(db, prefix, pipeline),
  /** When each part arrived first; the second of the two times. Unknown parts are not in the map. */
  firstArrivals: (parts: readonly Sha256[]) => firstArrivals(db, parts),
});
