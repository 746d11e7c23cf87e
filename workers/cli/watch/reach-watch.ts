/** The watch of a pipeline, for the commands that ask it. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import { asRefusal } from '../../../infra/temporal/request-retrain.ts';
import {
  type Decision,
  decisionsQuery,
  resumeWatchUpdate,
  snoozeUpdate,
  type WatchDecisionView,
  type WatchStatus,
  watchStatusQuery,
} from '../../../workflows/messages.ts';
import { watchDriftWorkflowId } from '../../../workflows/names.ts';

const asError = (pipeline: PipelineName, error: unknown): unknown => {
  if (error instanceof WorkflowNotFoundError)
    return new PerennialError(
      'PRN_NOT_FOUND',
      `Cannot reach the watch of "${pipeline}" as none runs: \`perennial apply\` starts it`,
      { cause: error },
    );
  return asRefusal(error);
};

const ask = async <Answer>(pipeline: PipelineName, question: () => Promise<Answer>): Promise<Answer> => {
  try {
    return await question();
  } catch (error) {
    throw asError(pipeline, error);
  }
};

const handleOf = (client: Client, pipeline: PipelineName) => client.workflow.getHandle(watchDriftWorkflowId(pipeline));

export type WatchSeen = { readonly status: WatchStatus; readonly decisions: readonly WatchDecisionView[] };

/** Needs a worker that answers. Throws PRN_NOT_FOUND where no watch runs. */
export const seeWatch = (client: Client, pipeline: PipelineName): Promise<WatchSeen> =>
  ask(pipeline, async () => {
    const handle = handleOf(client, pipeline);
    const [status, decisions] = await Promise.all([handle.query(watchStatusQuery), handle.query(decisionsQuery)]);
    return { status, decisions };
  });

export const snoozeWatch = (client: Client, pipeline: PipelineName, said: Decision & { forMs: number }): Promise<WatchStatus> =>
  ask(pipeline, () => handleOf(client, pipeline).executeUpdate(snoozeUpdate, { args: [said] }));

/** Throws PRN_CONFLICT where it is not snoozed. */
export const resumeWatch = (client: Client, pipeline: PipelineName, said: Decision): Promise<WatchStatus> =>
  ask(pipeline, () => handleOf(client, pipeline).executeUpdate(resumeWatchUpdate, { args: [said] }));
