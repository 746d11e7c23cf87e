/** What servers counted, all servers and epochs together. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { ArmTally } from '#domain/contracts/capture.ts';
import type { WindowTally } from '#domain/contracts/flush.ts';
import { type CountingProcess, totals, type WindowTotal } from '#domain/stats/summaries/flush-ledger.ts';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { toCount, toInstant, toInstantOrNull } from './map.ts';
import type { Tables, WindowTalliesTable } from './tables.ts';
import type { CounterGap } from './tallies.ts';

/** The counters of one arm at one generation, all processes together. */
export type ArmTotal = Omit<ArmTally, 'serverId' | 'epoch' | 'sequence'> & {
  /**
   * Units as one process met them: that which met most of this generation, of both arms together. Each process counts a unit
   * once, so that one which comes to several servers is several in the sum; here no unit is counted twice.
   */
  readonly unitsAtOne: number;
};
export type Span = { readonly from: Instant; readonly to: Instant };
export type FoundGap = CounterGap & { readonly foundAt: Instant };

type TallyRow = Pick<
  Selectable<WindowTalliesTable>,
  'server_id' | 'epoch' | 'arm' | 'model_sha256' | 'profile_sha256' | 'sequence' | 'tally'
>;

/** As a ledger of flushes would hold them, so that they are added in the same order, and to the same bit. */
const toProcesses = (rows: readonly TallyRow[]): Record<string, CountingProcess> => {
  const processes: Record<string, CountingProcess & { tallies: Record<string, unknown> }> = {};
  for (const row of rows) {
    const process = {
      serverId: row.server_id,
      arm: row.arm,
      modelSha256: row.model_sha256 as Sha256,
      profileSha256: row.profile_sha256 as Sha256,
      epoch: row.epoch,
    };
    const key = JSON.stringify(Object.values(process));
    const window = row.tally as WindowTally;
    processes[key] ??= { ...process, tallies: {} };
    processes[key].tallies[JSON.stringify([window.from, window.to])] = { sequence: toCount(row.sequence), window };
  }
  return processes;
};

const windows = async (
  db: Kysely<Tables>,
  pipeline: PipelineName,
  profileSha256: Sha256,
  { from, to }: Span,
): Promise<WindowTotal[]> => {
  const rows = await db
    .selectFrom('window_tallies')
    .select(['server_id', 'epoch', 'arm', 'model_sha256', 'profile_sha256', 'sequence', 'tally'])
    .where('pipeline', '=', pipeline)
    .where('profile_sha256', '=', profileSha256)
    .where('window_from', '>=', new Date(from))
    .where('window_to', '<=', new Date(to))
    .execute();
  return totals({ profiles: {}, processes: toProcesses(rows) });
};

const addCounts = (
  left: Readonly<Record<string, number | undefined>>,
  right: Readonly<Record<string, number | undefined>>,
): Record<string, number> => {
  const sum: Record<string, number> = {};
  for (const [name, count = 0] of [...Object.entries(left), ...Object.entries(right)]) sum[name] = (sum[name] ?? 0) + count;
  return sum;
};

const addShadows = (left: ArmTally['shadow'], right: ArmTally['shadow']): ArmTally['shadow'] => {
  if (left === null || right === null) return left ?? right;
  return {
    compared: left.compared + right.compared,
    disagreed: left.disagreed + right.disagreed,
    absoluteDifference: left.absoluteDifference + right.absoluteDifference,
  };
};

const newerOf = (left: Instant | null, right: Instant | null): Instant | null =>
  left === null || right === null ? (left ?? right) : left > right ? left : right;

const addArms = (left: ArmTotal, right: ArmTotal): ArmTotal => ({
  ...left,
  requests: left.requests + right.requests,
  units: left.units + right.units,
  unitsAtOne: left.unitsAtOne + right.unitsAtOne,
  events: addCounts(left.events, right.events),
  lastEventAt: newerOf(left.lastEventAt, right.lastEventAt),
  latency: { zeros: left.latency.zeros + right.latency.zeros, bins: addCounts(left.latency.bins, right.latency.bins) },
  shadow: addShadows(left.shadow, right.shadow),
});

const processOf = ({ generation, serverId, epoch }: ArmTally): string => JSON.stringify([generation, serverId, epoch]);

/** By name, of each generation the process with most units; of equal ones the first. */
const largestProcesses = (tallies: readonly ArmTally[]): ReadonlySet<string> => {
  const units = new Map<string, number>();
  for (const one of tallies) units.set(processOf(one), (units.get(processOf(one)) ?? 0) + one.units);
  const largest = new Map<number, string>();
  for (const one of tallies) {
    const [own, found] = [processOf(one), largest.get(one.generation)];
    if (found === undefined || (units.get(own) as number) > (units.get(found) as number)) largest.set(one.generation, own);
  }
  return new Set(largest.values());
};

const arms = async (db: Kysely<Tables>, pipeline: PipelineName, generations: readonly number[]): Promise<ArmTotal[]> => {
  if (generations.length === 0) return [];
  const rows = await db
    .selectFrom('arm_tallies')
    .select('tally')
    .where('pipeline', '=', pipeline)
    .where('generation', 'in', generations.map(String))
    // Sums of fractions depend on their order: it is always the same.
    .orderBy('generation')
    .orderBy('arm')
    .orderBy('model_sha256')
    .orderBy('server_id')
    .orderBy('epoch')
    .execute();
  const tallies = rows.map((row) => row.tally as ArmTally);
  const largest = largestProcesses(tallies);
  const sums = new Map<string, ArmTotal>();
  for (const one of tallies) {
    const { serverId: _server, epoch: _epoch, sequence: _sequence, ...tally } = one;
    const total = { ...tally, unitsAtOne: largest.has(processOf(one)) ? tally.units : 0 };
    const key = JSON.stringify([tally.generation, tally.arm, tally.modelSha256]);
    const sum = sums.get(key);
    sums.set(key, sum === undefined ? total : addArms(sum, total));
  }
  return [...sums.values()];
};

/** A row from the future, or a wrong clock, must not carry the watch away with it. */
const newestEventAt = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<Instant | null> => {
  const row = await db
    .selectFrom('arm_tallies')
    .select(
      sql<Date | null>`least(max((tally->>'lastEventAt')::timestamptz), clock_timestamp() + interval '1 hour')`.as('newest'),
    )
    .select(sql<boolean>`count(tally->>'lastEventAt') > 0`.as('is_known'))
    .where('pipeline', '=', pipeline)
    .executeTakeFirstOrThrow();
  // LEAST passes over what is null.
  return row.is_known ? toInstantOrNull(row.newest) : null;
};

const gaps = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<FoundGap[]> => {
  const found = db.selectFrom('counter_gaps').selectAll().where('pipeline', '=', pipeline);
  const rows = await found.orderBy('found_at').orderBy('server_id').orderBy('epoch').orderBy('model_sha256').execute();
  return rows.map((row) => ({
    serverId: row.server_id,
    epoch: row.epoch,
    pipeline: row.pipeline as PipelineName,
    modelSha256: row.model_sha256 as Sha256,
    logged: toCount(row.logged),
    counted: toCount(row.counted),
    foundAt: toInstant(row.found_at),
  }));
};

/** Counters of all servers and all their lives, added up. */
export const createTallies = (db: Kysely<Tables>) => ({
  /** Windows of a profile that lie within a span, by model and arm; those that nobody counted into are left out. */
  windows: (pipeline: PipelineName, profileSha256: Sha256, span: Span) => windows(db, pipeline, profileSha256, span),
  /** By generation, arm and model. */
  arms: (pipeline: PipelineName, generations: readonly number[]) => arms(db, pipeline, generations),
  /** Data time: the newest event time that a server counted, at most an hour ahead of the clock; null without traffic. */
  newestEventAt: (pipeline: PipelineName) => newestEventAt(db, pipeline),
  /** Predictions that were logged and never counted, by process; oldest finding first. */
  gaps: (pipeline: PipelineName) => gaps(db, pipeline),
});
export type Tallies = ReturnType<typeof createTallies>;
