/** What servers counted: written by the rules of the flush ledger, a row for each process and window. */
import { type Kysely, sql, type Transaction } from 'kysely';
import type { ArmTally } from '#domain/contracts/capture.ts';
import type { Flush, WindowTally } from '#domain/contracts/flush.ts';
import { type FlushRefusal, latest, type Tally } from '#domain/stats/summaries/flush-ledger.ts';
import { hasShape, type ProfileShape } from '#domain/stats/summaries/window-counts.ts';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { toCount, toInstant } from './map.ts';
import type { Tables } from './tables.ts';
import { inTransaction } from './transaction.ts';

export type FlushReceipt =
  | { readonly kind: 'recorded' }
  | { readonly kind: 'refused'; readonly reason: FlushRefusal; readonly statement: string };

/** Predictions of a process that its log has and its counters have not. */
export type CounterGap = {
  readonly serverId: string;
  readonly epoch: string;
  readonly pipeline: PipelineName;
  readonly modelSha256: Sha256;
  readonly logged: number;
  readonly counted: number;
};

export type CountedRows = { readonly pipeline: PipelineName; readonly modelSha256: Sha256; readonly rows: number };

class Refusal extends Error {
  readonly receipt: FlushReceipt & { kind: 'refused' };
  constructor(reason: FlushRefusal, statement: string) {
    super(statement);
    this.receipt = { kind: 'refused', reason, statement };
  }
}

/** Only a profile of a version of this pipeline is known: counters of any other are nobody's. */
const knowsProfile = async (db: Kysely<Tables>, pipeline: PipelineName, profileSha256: Sha256): Promise<boolean> => {
  const versions = db.selectFrom('model_versions').select('version').where('pipeline', '=', pipeline);
  return (await versions.where('profile_sha256', '=', profileSha256).executeTakeFirst()) !== undefined;
};

const placeOf = ({ from, to }: Pick<WindowTally, 'from' | 'to'>): string => `${from} ${to}`;

/** The tallies of one process for the windows of a flush, locked until the transaction ends. */
const lockTallies = async (tx: Transaction<Tables>, flush: Flush): Promise<Map<string, Tally>> => {
  const { serverId, epoch, arm, modelSha256, profileSha256 } = flush;
  // Rows that are not there yet cannot be locked: two first flushes of one process at once are kept apart by its name.
  const process = JSON.stringify([serverId, epoch, arm, modelSha256, profileSha256]);
  await sql`select pg_advisory_xact_lock(hashtextextended(${process}, 0))`.execute(tx);
  const rows = await tx
    .selectFrom('window_tallies')
    .select(['sequence', 'tally'])
    .where('server_id', '=', serverId)
    .where('epoch', '=', epoch)
    .where('arm', '=', arm)
    .where('model_sha256', '=', modelSha256)
    .where('profile_sha256', '=', profileSha256)
    .where(
      'window_from',
      'in',
      [...new Set(flush.windows.map(({ from }) => from))].map((from) => new Date(from)),
    )
    .forUpdate()
    .execute();
  const stored = rows.map((row): Tally => ({ sequence: toCount(row.sequence), window: row.tally as WindowTally }));
  return new Map(stored.map((tally) => [placeOf(tally.window), tally]));
};

/** The windows of a flush that say something new; throws a refusal where one cannot be true. */
const newerWindows = (flush: Flush, stored: ReadonlyMap<string, Tally>, shape: ProfileShape): WindowTally[] => {
  const heard = new Set<string>();
  return flush.windows.filter((window) => {
    const place = placeOf(window);
    if (heard.has(place)) throw new Refusal('window twice', `Window ${window.from} stands twice in one flush`);
    heard.add(place);
    if (!hasShape(window, shape)) throw new Refusal('wrong shape', `Window ${window.from} has not the counters of the profile`);
    const said = { sequence: flush.sequence, window };
    const next = latest(stored.get(place), said);
    if ('reason' in next) throw new Refusal(next.reason, `Window ${window.from} of ${flush.serverId}: ${next.statement}`);
    return next === said;
  });
};

const writeWindows = async (tx: Transaction<Tables>, pipeline: PipelineName, flush: Flush, windows: readonly WindowTally[]) => {
  if (windows.length === 0) return;
  const { serverId, epoch, arm, modelSha256, profileSha256, sequence } = flush;
  await tx
    .insertInto('window_tallies')
    .values(
      windows.map((window) => ({
        server_id: serverId,
        epoch,
        arm,
        model_sha256: modelSha256,
        profile_sha256: profileSha256,
        window_from: window.from,
        window_to: window.to,
        pipeline,
        sequence,
        rows: window.rows,
        tally: JSON.stringify(window),
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['server_id', 'epoch', 'arm', 'model_sha256', 'profile_sha256', 'window_from', 'window_to'])
        .doUpdateSet((set) => ({
          sequence: set.ref('excluded.sequence'),
          rows: set.ref('excluded.rows'),
          tally: set.ref('excluded.tally'),
          heard_at: sql<Date>`clock_timestamp()`,
        })),
    )
    .execute();
};

const recordWindows = async (
  db: Kysely<Tables>,
  shapeOf: (profileSha256: Sha256) => Promise<ProfileShape>,
  pipeline: PipelineName,
  flush: Flush,
): Promise<FlushReceipt> => {
  if (flush.windows.length === 0) return { kind: 'recorded' };
  if (!(await knowsProfile(db, pipeline, flush.profileSha256))) {
    const statement = `No version of "${pipeline}" has profile ${flush.profileSha256}`;
    return { kind: 'refused', reason: 'unknown profile', statement };
  }
  const shape = await shapeOf(flush.profileSha256);
  try {
    await inTransaction(db, async (tx) => {
      const stored = await lockTallies(tx, flush);
      await writeWindows(tx, pipeline, flush, newerWindows(flush, stored, shape));
    });
  } catch (error) {
    if (error instanceof Refusal) return error.receipt;
    throw error;
  }
  return { kind: 'recorded' };
};

const keyOfArm = (tally: ArmTally): string =>
  JSON.stringify([tally.serverId, tally.epoch, tally.pipeline, tally.generation, tally.arm, tally.modelSha256]);

/** One statement cannot write one row twice: of the same process and arm the highest sequence goes. */
const newestOfEach = (tallies: readonly ArmTally[]): ArmTally[] => {
  const newest = new Map<string, ArmTally>();
  for (const tally of tallies) {
    const before = newest.get(keyOfArm(tally));
    if (before === undefined || before.sequence < tally.sequence) newest.set(keyOfArm(tally), tally);
  }
  // Always in one order, so that two servers' flushes never wait for each other in a circle.
  return [...newest.entries()].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, tally]) => tally);
};

const recordArms = async (db: Kysely<Tables>, tallies: readonly ArmTally[]): Promise<void> => {
  if (tallies.length === 0) return;
  const values = newestOfEach(tallies).map((tally) => ({
    server_id: tally.serverId,
    epoch: tally.epoch,
    pipeline: tally.pipeline,
    generation: tally.generation,
    arm: tally.arm,
    model_sha256: tally.modelSha256,
    sequence: tally.sequence,
    tally: JSON.stringify(tally),
  }));
  await db
    .insertInto('arm_tallies')
    .values(values)
    .onConflict((conflict) =>
      conflict
        .columns(['server_id', 'epoch', 'pipeline', 'generation', 'arm', 'model_sha256'])
        .doUpdateSet((set) => ({
          sequence: set.ref('excluded.sequence'),
          tally: set.ref('excluded.tally'),
          heard_at: sql<Date>`clock_timestamp()`,
        }))
        .whereRef('arm_tallies.sequence', '<', 'excluded.sequence'),
    )
    .execute();
};

const clock = async (db: Kysely<Tables>): Promise<Instant> => {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db);
  return toInstant(rows[0]?.now as Date);
};

const recordTold = async (db: Kysely<Tables>, serverId: string, until: Instant): Promise<void> => {
  await db
    .updateTable('server_reports')
    .set({ told_until: new Date(until) })
    .where('server_id', '=', serverId)
    .where((eb) => eb.or([eb('told_until', 'is', null), eb('told_until', '<', new Date(until))]))
    .execute();
};

const recordGap = async (db: Kysely<Tables>, { serverId, epoch, pipeline, modelSha256, logged, counted }: CounterGap) => {
  await db
    .insertInto('counter_gaps')
    .values({ server_id: serverId, epoch, pipeline, model_sha256: modelSha256, logged, counted })
    .onConflict((conflict) => conflict.columns(['server_id', 'epoch', 'pipeline', 'model_sha256']).doNothing())
    .execute();
};

const countedRows = async (db: Kysely<Tables>, serverId: string, epoch: string): Promise<CountedRows[]> => {
  const rows = await db
    .selectFrom('window_tallies')
    .select(['pipeline', 'model_sha256', (eb) => eb.fn.sum<string>('rows').as('rows')])
    .where('server_id', '=', serverId)
    .where(sql<boolean>`(epoch = ${epoch} or starts_with(epoch, ${`${epoch}.`}))`)
    .groupBy(['pipeline', 'model_sha256'])
    .orderBy('pipeline')
    .orderBy('model_sha256')
    .execute();
  return rows.map((row) => ({
    pipeline: row.pipeline as PipelineName,
    modelSha256: row.model_sha256 as Sha256,
    rows: toCount(row.rows),
  }));
};

/** Where servers tell their counters. `shapeOf` is asked for the profiles of known versions only; it may remember. */
export const createTallySink = (db: Kysely<Tables>, shapeOf: (profileSha256: Sha256) => Promise<ProfileShape>) => ({
  /** Whole or not at all. Refused: an unknown profile, another shape, a window twice, and what cannot be true of a counter. */
  recordWindows: (pipeline: PipelineName, flush: Flush) => recordWindows(db, shapeOf, pipeline, flush),
  /** The highest sequence of each process and arm holds. */
  recordArms: (tallies: readonly ArmTally[]) => recordArms(db, tallies),
  /** The instant by the clock that tellings are dated by. */
  clock: () => clock(db),
  /** All that the server had counted by an instant of that clock is told. The latest holds. */
  recordTold: (serverId: string, until: Instant) => recordTold(db, serverId, until),
  /** Told again it changes nothing. */
  recordGap: (gap: CounterGap) => recordGap(db, gap),
  /** Rows that a process has told of, by pipeline and model; what it counted under `<epoch>.<number>` is its own too. */
  countedRows: (serverId: string, epoch: string) => countedRows(db, serverId, epoch),
});
export type TallySink = ReturnType<typeof createTallySink>;
