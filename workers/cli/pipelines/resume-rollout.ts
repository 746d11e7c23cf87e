import { type Client, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { RolloutRecord } from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import { type Decision, type RolloutStatus, resumeUpdate, rolloutStatusQuery } from '../../../workflows/messages.ts';
import type { Context } from '../context.ts';

/** null where its workflow is gone. */
const statusOf = async (client: Client, workflowId: string): Promise<RolloutStatus | null> => {
  try {
    return await client.workflow.getHandle(workflowId).query(rolloutStatusQuery);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
};

/** What it was asked for is no pause of the pipeline: that one is left as it is. */
const endedMeanwhile = ({ pipeline, version }: RolloutRecord, cause: unknown): PerennialError => {
  const message = `Cannot resume the rollout of version ${version} of "${pipeline}" as it has ended meanwhile`;
  return new PerennialError('PRN_CONFLICT', message, { cause });
};

/**
 * Lets a rollout that is held go on; null where none is held. A refusal becomes PRN_CONFLICT with the rollout's own
 * reason, such as that it is held because no server can be heard, or that it has ended since it was looked up.
 */
export const resumeRollout = async (
  context: Context,
  client: Client,
  pipeline: PipelineName,
  decision: Decision,
): Promise<RolloutStatus | null> => {
  const running = await createRollouts(context.database.db).running(pipeline);
  const status = running === null ? null : await statusOf(client, running.workflowId);
  if (running === null || status?.hold == null) return null;
  try {
    return await client.workflow.getHandle(running.workflowId).executeUpdate(resumeUpdate, { args: [decision] });
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw endedMeanwhile(running, error);
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    throw new PerennialError('PRN_CONFLICT', error.cause?.message ?? error.message, { cause: error });
  }
};
