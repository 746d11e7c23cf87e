import type { Client } from '@temporalio/client';
import type { PipelineName, RunKey, VersionNumber } from '#domain/units.ts';
import { endWatch } from '../../../infra/temporal/ask-watch.ts';
import { isOpenStatus } from '../../../infra/temporal/request-retrain.ts';
import { reconcileSchedule } from '../../../infra/temporal/schedules.ts';
import type { Decision } from '../../../workflows/messages.ts';
import type { Context } from '../context.ts';
import { requirePipeline } from '../known-pipeline.ts';

export type Deleted = {
  readonly pipeline: PipelineName;
  readonly changed: boolean;
  /** The version that no longer serves; null where none did. */
  readonly takenOut: VersionNumber | null;
};

/** Open by the record although their workflows have ended: of a killed process, or of a server that was lost. */
const endedRuns = async (context: Context, client: Client, pipeline: PipelineName): Promise<RunKey[]> => {
  const open = await context.pipelines.openRuns(pipeline);
  const running = await Promise.all(
    open.map(({ workflowId }) =>
      client.workflow
        .getHandle(workflowId)
        .describe()
        .then(
          ({ status }) => isOpenStatus(status.name),
          (error: unknown) => !(error instanceof Error && error.name === 'WorkflowNotFoundError'),
        ),
    ),
  );
  return open.filter((_run, index) => running[index] === false).map(({ runKey }) => runKey);
};

/** Servers follow as they follow a promotion; the versions stay, and any of them can be promoted once it is back. */
const takeOutOfService = async (context: Context, pipeline: PipelineName, { by, reason }: Decision) => {
  const { champion, generation } = await context.deployments.get(pipeline);
  if (champion === null) return null;
  await context.deployments.promote({
    pipeline,
    kind: 'rollback',
    version: null,
    expectedGeneration: generation,
    operationKey: `delete/${pipeline}/${generation}`,
    actor: by,
    reason: `pipeline deleted: ${reason}`,
  });
  return champion.version;
};

/**
 * Ends what a pipeline does by itself and takes it out of service; keeps its history. Each step may be done twice, so
 * again after a failure does the rest. Throws PRN_NOT_FOUND, PRN_CONFLICT while a run or a rollout goes on.
 */
export const deletePipeline = async (context: Context, client: Client, asked: string, decision: Decision): Promise<Deleted> => {
  const pipeline = await requirePipeline(context, asked, 'Cannot delete');
  const wish = { pipeline, actor: decision.by, reason: decision.reason };
  const { changed } = await context.pipelines.remove(wish, await endedRuns(context, client, pipeline));
  await reconcileSchedule(client, pipeline, null);
  const takenOut = await takeOutOfService(context, pipeline, decision);
  await endWatch(client, pipeline, decision);
  return { pipeline, changed, takenOut };
};
