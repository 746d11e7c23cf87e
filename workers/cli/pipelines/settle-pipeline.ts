/** Brings Temporal in line with what was applied: the schedule of a pipeline, its watch, and the retention of all. */
import type { Client } from '@temporalio/client';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import type { PipelineState } from '../../../infra/postgres/pipelines.ts';
import { parseStoredDefinition } from '../../../infra/schemas/stored-definition.ts';
import { changeWatchPolicy, startWatch } from '../../../infra/temporal/ask-watch.ts';
import { ensureRetentionSchedule, reconcileSchedule, type ScheduleChange } from '../../../infra/temporal/schedules.ts';
import type { Context } from '../context.ts';

/** Why a schedule rests, as Temporal shows it. */
export const pauseNote = ({ paused }: Pick<PipelineState, 'paused'>): string | null =>
  paused === null ? null : `paused by ${paused.by}: ${paused.reason}`.slice(0, 400);

const requireCurrent = async (context: Context, pipeline: PipelineName) => {
  const current = await context.definitions.current(pipeline);
  if (current !== null) return current;
  throw new PerennialError('PRN_NOT_FOUND', `Cannot schedule "${pipeline}" as no definition of it is applied`);
};

/** Creates, changes or deletes the schedule, as the applied definition and the pause of the pipeline say. */
export const settleSchedule = async (context: Context, client: Client, pipeline: PipelineName): Promise<ScheduleChange> => {
  const { file } = await requireCurrent(context, pipeline);
  const { retrain } = parseStoredDefinition(file, `schedule "${pipeline}"`);
  const state = await context.pipelines.state(pipeline);
  const wanted = retrain.schedule === undefined ? null : { cron: retrain.schedule, paused: pauseNote(state ?? { paused: null }) };
  return reconcileSchedule(client, pipeline, wanted);
};

export type Settled = { readonly schedule: ScheduleChange };

/**
 * The same definition twice changes nothing. With `newPolicy` the watch is told of the definition and must answer;
 * without it is only started where none runs. Throws PRN_UNREACHABLE.
 */
export const settlePipeline = async (
  context: Context,
  client: Client,
  pipeline: PipelineName,
  newPolicy = true,
): Promise<Settled> => {
  const schedule = await settleSchedule(context, client, pipeline);
  await ensureRetentionSchedule(client);
  const { sha256 } = await requireCurrent(context, pipeline);
  const decision = { by: context.config.actor, reason: `definition ${sha256.slice(0, 12)} was applied` };
  if (newPolicy) await changeWatchPolicy(client, pipeline, sha256, decision);
  else await startWatch(client, pipeline);
  return { schedule };
};
