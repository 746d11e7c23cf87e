import { type Kysely, sql } from 'kysely';
import { PerennialError } from '#domain/errors.ts';
import type { Sha256 } from '#domain/units.ts';
import type { ObjectInfo, ObjectStore } from '../objects/store.ts';
import { listContent } from '../objects/stored.ts';
import { isHeldUp } from '../postgres/retention.ts';
import type { Tables } from '../postgres/tables.ts';

export type GcOptions = {
  /** Objects and step results younger than this stay, whoever names them: a run may be about to use them. */
  readonly graceMs: number;
  readonly nowMs: number;
  /** Only with this is anything deleted. */
  readonly isForReal: boolean;
};
export type GcResult = {
  readonly kept: { readonly objects: number; readonly bytes: number };
  readonly garbage: { readonly objects: number; readonly bytes: number };
  readonly deleted: number;
};

const digests = /[0-9a-f]{64}/g;
/** Documents are small; anything larger is data, which names nothing. */
const maxDocumentBytes = 16 * 1_048_576;

/**
 * Every digest that a row names, in whatever column and however deep: a column that is added later is heeded without
 * a change here. Naming too much keeps a little garbage; naming too little loses data.
 */
const rootDigests = async (db: Kysely<Tables>, graceMs: number): Promise<Set<Sha256>> => {
  const { rows } = await sql<{ text: string }>`
    select to_jsonb(t)::text as text from perennial.snapshots t where collected_at is null union all
    select to_jsonb(t)::text from perennial.runs t union all
    select to_jsonb(t)::text from perennial.evaluations t union all
    select to_jsonb(t)::text from perennial.model_versions t union all
    select to_jsonb(t)::text from perennial.deployments t union all
    select to_jsonb(t)::text from perennial.publications t union all
    select sha256 from perennial.prediction_parts union all
    select sha256 from perennial.watch_reports union all
    select to_jsonb(t)::text from perennial.decisions t union all
    select to_jsonb(t)::text from perennial.rollouts t union all
    select result::text from perennial.step_results where recorded_at > now() - make_interval(secs => ${graceMs / 1000})`.execute(
    db,
  );
  return new Set(rows.flatMap((row) => (row.text.match(digests) ?? []) as Sha256[]));
};

/** Rows of data sets and of predictions: data, which name nothing, and need not be read. */
const dataDigests = async (db: Kysely<Tables>): Promise<Set<Sha256>> => {
  const parts = db.selectFrom('parts').select('sha256').union(db.selectFrom('prediction_parts').select('sha256'));
  return new Set((await parts.execute()).map(({ sha256 }) => sha256 as Sha256));
};

/** Whatever names them: what retention gave up is no longer kept for a report that mentions it. */
const collectedSnapshots = async (db: Kysely<Tables>): Promise<Set<Sha256>> => {
  const rows = await db.selectFrom('snapshots').select('sha256').where('collected_at', 'is not', null).execute();
  return new Set(rows.map(({ sha256 }) => sha256 as Sha256));
};

const isDocument = (bytes: Buffer): boolean => bytes[0] === 0x7b || bytes[0] === 0x5b;

/** Follows documents (manifests, batches, packages, …) to everything that they name, but not those that were given up. */
const reachable = async (
  objects: ObjectStore,
  roots: ReadonlySet<Sha256>,
  { givenUp, data }: { readonly givenUp: ReadonlySet<Sha256>; readonly data: ReadonlySet<Sha256> },
  sizes: ReadonlyMap<Sha256, ObjectInfo>,
): Promise<Set<Sha256>> => {
  const marked = new Set<Sha256>();
  const open = [...roots];
  for (let sha256 = open.pop(); sha256 !== undefined; sha256 = open.pop()) {
    const info = sizes.get(sha256);
    if (!info || marked.has(sha256) || givenUp.has(sha256)) continue;
    marked.add(sha256);
    if (info.bytes > maxDocumentBytes || data.has(sha256)) continue;
    const bytes = await objects.read(info.key);
    if (isDocument(bytes)) open.push(...((bytes.toString('latin1').match(digests) ?? []) as Sha256[]));
  }
  return marked;
};

const contents = async (objects: ObjectStore): Promise<Map<Sha256, ObjectInfo>> => {
  const found = new Map<Sha256, ObjectInfo>();
  for await (const { sha256, info } of listContent(objects)) found.set(sha256, info);
  return found;
};

const assertQuiet = async (db: Kysely<Tables>): Promise<void> => {
  const running = await db
    .selectFrom('runs')
    .select('workflow_id')
    .where('ended_at', 'is', null)
    .orderBy('started_at')
    .executeTakeFirst();
  if (running)
    throw new PerennialError(
      'PRN_CONFLICT',
      `Cannot delete objects as run "${running.workflow_id}" is in work: wait for its end, or cancel it`,
    );
};

/** Who verifies the store or brings data in takes long: all others must not wait that long with us. */
const waitForReaders = `set local lock_timeout = '10s'`;

const asConflict = (error: unknown): unknown =>
  isHeldUp(error)
    ? new PerennialError(
        'PRN_CONFLICT',
        'Cannot delete objects while somebody verifies the store, or brings data in: try again when that has ended',
        {
          cause: error,
        },
      )
    : error;

const total = (infos: readonly ObjectInfo[]) => ({
  objects: infos.length,
  bytes: infos.reduce((sum, info) => sum + info.bytes, 0),
});

const collect = async (db: Kysely<Tables>, objects: ObjectStore, options: GcOptions): Promise<GcResult> => {
  const all = await contents(objects);
  const roots = await rootDigests(db, options.graceMs);
  const known = { givenUp: await collectedSnapshots(db), data: await dataDigests(db) };
  const marked = await reachable(objects, roots, known, all);
  const isOld = (info: ObjectInfo) => info.modifiedAt.getTime() < options.nowMs - options.graceMs;
  const garbage = [...all].filter(([sha256, info]) => !marked.has(sha256) && isOld(info));
  const kept = total([...all.values()]).bytes - total(garbage.map(([, info]) => info)).bytes;
  const result = { kept: { objects: all.size - garbage.length, bytes: kept }, garbage: total(garbage.map(([, info]) => info)) };
  if (!options.isForReal) return { ...result, deleted: 0 };
  await sql`delete from perennial.step_results where exists (select 1 from unnest(${garbage.map(([sha256]) => sha256)}::text[]) gone
    where position(gone in step_results.result::text) > 0)`.execute(db);
  for (const [, info] of garbage) await objects.delete(info.key);
  return { ...result, deleted: garbage.length };
};

/**
 * Finds objects that no snapshot, run, evaluation, model version, deployment, shipped prediction, report, decision, rollout
 * or recent step names, directly or through documents, and that are older than the grace time; deletes them only when told
 * to. Remembered results of steps that point to what is gone are forgotten first, so that no step returns a digest without
 * an object. Throws PRN_CONFLICT while a run is in work or the store is verified; a run that wants to begin meanwhile waits for the end, and so does
 * a server that ships predictions, because each may find an old object there and rely on it.
 */
export const collectGarbage = (db: Kysely<Tables>, objects: ObjectStore, options: GcOptions): Promise<GcResult> => {
  if (!options.isForReal) return collect(db, objects, options);
  const work = db.transaction().execute(async (holder) => {
    await sql.raw(waitForReaders).execute(holder);
    await sql`lock table perennial.runs, perennial.prediction_parts in share row exclusive mode`.execute(holder);
    await sql`lock table perennial.snapshots in exclusive mode`.execute(holder);
    await assertQuiet(holder);
    // On connections of their own: what is forgotten must stay so even if this transaction is undone.
    return await collect(db, objects, options);
  });
  return work.catch((error: unknown) => {
    throw asConflict(error);
  });
};
