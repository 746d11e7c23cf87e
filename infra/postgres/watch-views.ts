/** What is asked of all pipelines at once, as one statement a question; `standings.ts` puts the answers together. */
import { type Kysely, sql } from 'kysely';
import type { RolloutRecord } from '#domain/contracts/rollout.ts';
import type { Instant, PipelineName, Sha256, VersionNumber } from '#domain/units.ts';
import { toCount, toInstant, toInstantOrNull } from './map.ts';
import { toRecord } from './rollouts.ts';
import type { DecisionsTable, Tables, WatchReportsTable } from './tables.ts';

type Of<T> = ReadonlyMap<PipelineName, T>;
export type ChampionAge = { readonly version: VersionNumber; readonly registeredAt: Instant; readonly promotedAt: Instant };
export type NewestReport = {
  readonly kind: WatchReportsTable['kind'];
  readonly from: Instant;
  readonly to: Instant;
  readonly outcome: string;
  readonly summary: unknown;
  readonly sha256: Sha256;
  readonly measuredAt: Instant;
};
export type NewestDecision = {
  readonly id: number;
  readonly kind: DecisionsTable['kind'];
  readonly subject: string;
  readonly at: Instant;
  readonly action: string;
  readonly reason: string;
};
/** What has not gone out yet, or will never. */
export type Waiting = {
  readonly count: number;
  readonly oldestAt: Instant | null;
  readonly lastError: string | null;
  readonly givenUp: number;
};
export type Gaps = { readonly predictions: number; readonly processes: number; readonly newestAt: Instant };
/** Windows that nobody released, each once under whatever profiles it is kept. `open`: those after the newest sound one, so that the feed is broken now. */
export type Quarantine = { readonly open: number; readonly kept: number; readonly newestTo: Instant };
/** Of the label that arrived last. */
export type NewestLabel = { readonly knownAt: Instant; readonly arrivedAt: Instant };

const byPipeline = <Row extends { readonly pipeline: string }, T>(
  rows: readonly Row[],
  valueOf: (row: Row) => T,
): Map<PipelineName, T> => new Map(rows.map((row) => [row.pipeline as PipelineName, valueOf(row)]));

/** Every row whose value is a list, under its pipeline. */
const grouped = <Row extends { readonly pipeline: string }, T>(
  rows: readonly Row[],
  valueOf: (row: Row) => T,
): Map<PipelineName, T[]> => {
  const groups = new Map<PipelineName, T[]>();
  for (const row of rows) {
    const group = groups.get(row.pipeline as PipelineName) ?? [];
    groups.set(row.pipeline as PipelineName, [...group, valueOf(row)]);
  }
  return groups;
};

const championAges = async (db: Kysely<Tables>): Promise<Of<ChampionAge>> => {
  const rows = await sql<{ pipeline: string; version: number; created_at: Date; promoted_at: Date | null }>`
    select d.pipeline, m.version, m.created_at,
      (select max(p.promoted_at) from perennial.promotions p where p.pipeline = d.pipeline and p.version = d.champion_version) as promoted_at
    from perennial.deployments d
    join perennial.model_versions m on m.pipeline = d.pipeline and m.version = d.champion_version`.execute(db);
  return byPipeline(rows.rows, (row) => ({
    version: row.version as VersionNumber,
    registeredAt: toInstant(row.created_at),
    promotedAt: toInstant(row.promoted_at ?? row.created_at),
  }));
};

/** Newest event time that servers counted; a row from the future counts as an hour ahead of now. */
const dataTimes = async (db: Kysely<Tables>): Promise<Of<Instant>> => {
  const { rows } = await sql<{ pipeline: string; at: Date }>`
    select pipeline, max(least((tally->>'lastEventAt')::timestamptz, now() + interval '1 hour')) as at
    from perennial.arm_tallies where tally->>'lastEventAt' is not null group by pipeline`.execute(db);
  return byPipeline(rows, (row) => toInstant(row.at));
};

type ReportRow = WatchReportsTable & { measured_at: Date; window_from: Date; window_to: Date };
const newestReports = async (db: Kysely<Tables>): Promise<Of<NewestReport[]>> => {
  const { rows } = await sql<Omit<ReportRow, 'summary'> & { summary: unknown; pipeline: string }>`
    select r.* from perennial.pipelines p
    cross join (values ('drift'), ('performance'), ('skew')) as k(kind)
    cross join lateral (
      select * from perennial.watch_reports w where w.pipeline = p.name and w.kind = k.kind order by w.window_to desc limit 1
    ) r`.execute(db);
  return grouped(rows, (row) => ({
    kind: row.kind,
    from: toInstant(row.window_from),
    to: toInstant(row.window_to),
    outcome: row.outcome,
    summary: row.summary,
    sha256: row.sha256 as Sha256,
    measuredAt: toInstant(row.measured_at),
  }));
};

type DecisionRow = { id: string; pipeline: string; at: Date; action: string; reason: string; subject: string };
const newestDecisions = async (db: Kysely<Tables>): Promise<Of<NewestDecision[]>> => {
  const { rows } = await sql<DecisionRow & { kind: DecisionsTable['kind'] }>`
    select d.id, d.pipeline, d.kind, d.subject, d.at, d.action, d.reason from perennial.pipelines p
    cross join (values ('drift'), ('performance'), ('quality'), ('retrain'), ('rollout')) as k(kind)
    cross join lateral (
      select * from perennial.decisions o where o.pipeline = p.name and o.kind = k.kind order by o.id desc limit 1
    ) d`.execute(db);
  return grouped(rows, ({ id, kind, subject, at, action, reason }) => ({
    id: toCount(id),
    kind,
    subject,
    at: toInstant(at),
    action,
    reason,
  }));
};

const runningRollouts = async (db: Kysely<Tables>): Promise<Of<RolloutRecord>> => {
  const rows = await db.selectFrom('rollouts').selectAll().where('state', '=', 'running').execute();
  return byPipeline(rows, toRecord);
};

type WaitingRow = { pipeline: string; count: string; given_up: string; oldest: Date | null; last_error: string | null };
const toWaiting = (row: WaitingRow): Waiting => ({
  count: toCount(row.count),
  oldestAt: toInstantOrNull(row.oldest),
  lastError: row.last_error,
  givenUp: toCount(row.given_up),
});

const waitingNotices = async (db: Kysely<Tables>): Promise<Of<Waiting>> => {
  const { rows } = await sql<WaitingRow>`
    select pipeline, count(*) filter (where given_up_at is null) as count, count(*) filter (where given_up_at is not null) as given_up,
      min(created_at) filter (where given_up_at is null) as oldest, (array_agg(last_error order by created_at desc))[1] as last_error
    from perennial.notices where delivered_at is null group by pipeline`.execute(db);
  return byPipeline(rows, toWaiting);
};

const waitingWebhooks = async (db: Kysely<Tables>): Promise<Of<Waiting>> => {
  const { rows } = await sql<WaitingRow>`
    select pipeline, count(*) as count, 0 as given_up, min(received_at) as oldest,
      (array_agg(last_error order by received_at desc))[1] as last_error
    from perennial.webhook_deliveries where handed_over_at is null group by pipeline`.execute(db);
  return byPipeline(rows, (row) => toWaiting({ ...row, given_up: '0' }));
};

const gaps = async (db: Kysely<Tables>): Promise<Of<Gaps>> => {
  const { rows } = await sql<{ pipeline: string; predictions: string; processes: string; newest: Date }>`
    select pipeline, sum(logged - counted)::bigint as predictions, count(*) as processes, max(found_at) as newest
    from perennial.counter_gaps where logged > counted group by pipeline`.execute(db);
  return byPipeline(rows, (row) => ({
    predictions: toCount(row.predictions),
    processes: toCount(row.processes),
    newestAt: toInstant(row.newest),
  }));
};

const quarantines = async (db: Kysely<Tables>): Promise<Of<Quarantine>> => {
  const { rows } = await sql<{ pipeline: string; open: string; kept: string; newest: Date }>`
    select q.pipeline, count(distinct q.window_to) filter (where sound.until is null or q.window_to > sound.until) as open,
      count(distinct q.window_to) as kept, max(q.window_to) as newest
    from perennial.quarantined_windows q left join lateral (
      select w.window_to as until from perennial.watch_reports w
      where w.pipeline = q.pipeline and w.kind = 'drift' and w.outcome <> 'broken' order by w.window_to desc limit 1
    ) sound on true
    where q.released_at is null group by q.pipeline`.execute(db);
  return byPipeline(rows, (row) => ({ open: toCount(row.open), kept: toCount(row.kept), newestTo: toInstant(row.newest) }));
};

/** By the index of arrivals: there may be millions. */
const newestLabels = async (db: Kysely<Tables>): Promise<Of<NewestLabel>> => {
  const { rows } = await sql<{ pipeline: string; known_at: Date; arrived_at: Date }>`
    select l.pipeline, l.known_at, l.arrived_at from perennial.pipelines p cross join lateral (
      select * from perennial.labels x where x.pipeline = p.name order by x.arrived_at desc limit 1
    ) l`.execute(db);
  return byPipeline(rows, (row) => ({ knownAt: toInstant(row.known_at), arrivedAt: toInstant(row.arrived_at) }));
};

/** Reads over all pipelines at once; each is one statement, whatever their number. A pipeline without an answer is absent. */
export const createWatchViews = (db: Kysely<Tables>) => ({
  championAges: () => championAges(db),
  dataTimes: () => dataTimes(db),
  /** The newest of each kind, by the end of its window. */
  newestReports: () => newestReports(db),
  /** The newest of each kind. */
  newestDecisions: () => newestDecisions(db),
  runningRollouts: () => runningRollouts(db),
  waitingNotices: () => waitingNotices(db),
  waitingWebhooks: () => waitingWebhooks(db),
  /** Predictions that a killed server logged and did not count. */
  gaps: () => gaps(db),
  quarantines: () => quarantines(db),
  newestLabels: () => newestLabels(db),
});
