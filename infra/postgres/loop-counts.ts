/** What the metrics of the loop ask beside `standings.ts`: counts that grow, and who waits. */
import { type Kysely, sql } from 'kysely';
import type { PipelineName } from '#domain/units.ts';
import { toCount } from './map.ts';
import type { Tables } from './tables.ts';

export type DecisionCount = {
  readonly pipeline: PipelineName;
  readonly kind: string;
  readonly action: string;
  readonly count: number;
};
export type ServerCount = { readonly pipeline: PipelineName; readonly state: string; readonly count: number };
export type WaitingRuns = { readonly pipeline: PipelineName; readonly stage: string; readonly count: number };

/** A row may become visible later than one with a higher number: those younger than this are left for the next time. */
const settledSeconds = 5;

const decisionsAfter = async (db: Kysely<Tables>, afterId: number) => {
  const { rows } = await sql<{ pipeline: string; kind: string; action: string; count: string; last: string }>`
    select pipeline, kind, action, count(*) as count, max(id) as last from perennial.decisions
    where id > ${afterId} and recorded_at < clock_timestamp() - make_interval(secs => ${settledSeconds})
    group by pipeline, kind, action`.execute(db);
  const counts = rows.map(
    (row): DecisionCount => ({
      pipeline: row.pipeline as PipelineName,
      kind: row.kind,
      action: row.action,
      count: toCount(row.count),
    }),
  );
  return { counts, lastId: Math.max(afterId, ...rows.map(({ last }) => toCount(last))) };
};

export type DeletionCount = { readonly pipeline: PipelineName; readonly what: string; readonly count: number };

/** Rows of predictions; of all else what was deleted. */
const deletionsAfter = async (db: Kysely<Tables>, afterId: number) => {
  const { rows } = await sql<{ pipeline: string; what: string; count: string; last: string }>`
    select pipeline, what, sum(case when what = 'predictions' then rows else items end) as count, max(id) as last
    from perennial.retention_log
    where id > ${afterId} and deleted_at < clock_timestamp() - make_interval(secs => ${settledSeconds})
    group by pipeline, what`.execute(db);
  const counts = rows.map(
    (row): DeletionCount => ({ pipeline: row.pipeline as PipelineName, what: row.what, count: toCount(row.count) }),
  );
  return { counts, lastId: Math.max(afterId, ...rows.map(({ last }) => toCount(last))) };
};

const servers = async (db: Kysely<Tables>, maxAgeMs: number): Promise<ServerCount[]> => {
  const { rows } = await sql<{ pipeline: string; state: string; count: string }>`
    select r.pipeline, case when r.state = 'refused' then 'refused'
        when r.state = 'serving' and r.generation = d.generation then 'following' else 'behind' end as state,
      count(*) as count
    from perennial.server_reports r join perennial.deployments d on d.pipeline = r.pipeline
    where r.reported_at >= clock_timestamp() - make_interval(secs => ${maxAgeMs / 1_000}) group by 1, 2`.execute(db);
  return rows.map(({ pipeline, state, count }) => ({ pipeline: pipeline as PipelineName, state, count: toCount(count) }));
};

const waitingRuns = async (db: Kysely<Tables>): Promise<WaitingRuns[]> => {
  const { rows } = await sql<{ pipeline: string; stage: string; count: string }>`
    select r.pipeline, s.stage, count(*) as count from perennial.runs r
    join perennial.run_stages s on s.run_key = r.run_key and s.state = 'waiting'
    where r.ended_at is null group by 1, 2`.execute(db);
  return rows.map(({ pipeline, stage, count }) => ({ pipeline: pipeline as PipelineName, stage, count: toCount(count) }));
};

/** The newest record about a retrain, and of a running rollout its newest look, of each pipeline that has one. */
const newestRecords = async (db: Kysely<Tables>, kind: 'retrain' | 'rollout') => {
  const { rows } = await sql<{ pipeline: string; subject: string; action: string; record: unknown }>`
    select d.pipeline, d.subject, d.action, d.record from perennial.pipelines p cross join lateral (
      select * from perennial.decisions o where o.pipeline = p.name and o.kind = ${kind} order by o.id desc limit 1
    ) d`.execute(db);
  return new Map(rows.map((row) => [row.pipeline as PipelineName, row]));
};

export const createLoopCounts = (db: Kysely<Tables>) => ({
  /** Decisions recorded since the one of that number, and the number to ask with the next time. */
  decisionsAfter: (afterId: number) => decisionsAfter(db, afterId),
  /** What retention deleted, in the same way. */
  deletionsAfter: (afterId: number) => deletionsAfter(db, afterId),
  servers: (maxAgeMs: number) => servers(db, maxAgeMs),
  waitingRuns: () => waitingRuns(db),
  newestRecords: (kind: 'retrain' | 'rollout') => newestRecords(db, kind),
});
