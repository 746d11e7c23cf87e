/** All that `perennial status` shows, from PostgreSQL; what only Temporal knows is added where it answers. */
import type { Client } from '@temporalio/client';
import type { QueryDefinition } from '@temporalio/common';
import type { Deployment, ServerReport } from '#domain/contracts/model-version.ts';
import type { RolloutRecord } from '#domain/contracts/rollout.ts';
import type { Instant } from '#domain/units.ts';
import { mapParallel } from '../../../infra/objects/parallel.ts';
import type { RunRecord, RunStageRecord } from '../../../infra/postgres/runs.ts';
import { readStandings, type Standing } from '../../../infra/postgres/standings.ts';
import type * as messages from '../../../workflows/messages.ts';
import type { RolloutStatus, WatchStatus } from '../../../workflows/messages.ts';
import { watchDriftWorkflowId } from '../../../workflows/names.ts';
import type { Context } from '../context.ts';

export type PipelineStatus = Omit<Standing, 'rollout'> & {
  readonly deployment: Deployment;
  readonly servers: readonly ServerReport[];
  readonly runs: readonly RunRecord[];
  /** The newest stage of a run that goes on. */
  readonly stage: RunStageRecord | null;
  readonly rollout: { readonly row: RolloutRecord; readonly live: RolloutStatus | null } | null;
  /** null where Temporal does not answer, or has no such watch. */
  readonly watch: WatchStatus | null;
};
/** `unreachable` says why, in words; null: it answers. `asked`: whether watches and rollouts were asked for themselves. */
export type TemporalState = { readonly unreachable: string | null; readonly asked: boolean };
export type Status = { readonly at: Instant; readonly temporal: TemporalState; readonly pipelines: readonly PipelineStatus[] };

/** Named where they are asked: loading the package that defines them costs a third of a second. */
type Queries = Pick<typeof messages, 'watchStatusQuery' | 'rolloutStatusQuery'>;
/** What asks Temporal, opened once for a whole `--watch`. */
export type AskTemporal = { readonly client: Client; readonly queries: Queries } | { readonly unreachable: string };

/** Servers renew their reports each second; three missed ones are a hiccup. */
const reportMaxAgeMs = 10_000;
const runsShown = 5;
/** A query costs a worker some milliseconds: a thousand of them each second would be all that it does. */
const mostAsked = 50;
/** As many as the pool has connections for. */
const parallelPipelines = 6;
/** A query waits for a worker; a person should not. */
const queryMs = 2_000;

/** null where nobody answers: no such workflow, or no worker in time. */
const ask = async <T>(
  temporal: AskTemporal,
  workflowId: string,
  queryOf: (queries: Extract<AskTemporal, { client: Client }>['queries']) => QueryDefinition<T>,
): Promise<T | null> => {
  if ('unreachable' in temporal) return null;
  const { client, queries } = temporal;
  try {
    const handle = client.workflow.getHandle(workflowId);
    return await client.withDeadline(Date.now() + queryMs, () => handle.query(queryOf(queries)));
  } catch {
    return null;
  }
};

const gatherOne = async (context: Context, temporal: AskTemporal, standing: Standing): Promise<PipelineStatus> => {
  const { pipeline, rollout: row } = standing;
  const [deployment, servers, runs, watch, live] = await Promise.all([
    context.deployments.get(pipeline),
    context.deployments.serverReports(pipeline, reportMaxAgeMs),
    context.runs.list({ pipeline, limit: runsShown }),
    ask(temporal, watchDriftWorkflowId(pipeline), ({ watchStatusQuery }) => watchStatusQuery),
    row === null ? null : ask(temporal, row.workflowId, ({ rolloutStatusQuery }) => rolloutStatusQuery),
  ]);
  const open = runs.find(({ outcome }) => outcome === null);
  const stage = open === undefined ? null : ((await context.runs.stages(open.runKey)).at(-1) ?? null);
  return { ...standing, deployment, servers, runs, stage, watch, rollout: row === null ? null : { row, live } };
};

/** One look. `only` narrows it to one pipeline; without it those that were deleted are left out. */
export const gatherStatus = async (context: Context, temporal: AskTemporal, only: string | undefined): Promise<Status> => {
  const standings = await readStandings(context.database.db);
  const wanted = standings.filter(({ pipeline, deleted }) => (only === undefined ? !deleted : pipeline === only));
  const asked: AskTemporal = wanted.length > mostAsked ? { unreachable: 'not asked' } : temporal;
  return {
    at: new Date().toISOString() as Instant,
    temporal: { unreachable: 'unreachable' in temporal ? temporal.unreachable : null, asked: !('unreachable' in asked) },
    pipelines: await mapParallel(wanted, parallelPipelines, (standing) => gatherOne(context, asked, standing)),
  };
};

/** A connection for as long as `work` runs; without Temporal the work goes on without it. */
export const withTemporalIfThere = async <T>(context: Context, work: (temporal: AskTemporal) => Promise<T>): Promise<T> => {
  const { connectTemporal } = await import('../../../infra/temporal/client.ts');
  const opened = await connectTemporal(context.endpoints).catch((error: Error) => error);
  if (opened instanceof Error) return work({ unreachable: opened.message });
  try {
    // Only now: the workflow package that names the queries costs a third of a second.
    return await work({ client: opened.client, queries: await import('../../../workflows/messages.ts') });
  } finally {
    await opened.close();
  }
};
