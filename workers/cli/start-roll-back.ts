/** Starts the workflow that takes back, or attaches to the one that does it already, and waits for its end. */
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { type RollBackOutcome, type RollBackRequest, rollBackOutcomeSchema } from '#domain/contracts/rollout.ts';
import { rollBackWorkflowId, searchAttributes, taskQueues } from '../../workflows/names.ts';
import type { rollBack } from '../../workflows/roll-back.ts';
import { failureOf } from './workflow-failure.ts';

const start = async (client: Client, workflowId: string, request: RollBackRequest): Promise<void> => {
  try {
    await client.workflow.start<typeof rollBack>('rollBack', {
      workflowId,
      taskQueue: taskQueues.flow,
      args: [request],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      staticSummary: `Roll ${request.pipeline} back: ${request.reason}`.slice(0, 200),
      searchAttributes: { [searchAttributes.pipeline]: [request.pipeline] },
    });
  } catch (error) {
    // Somebody else did it, and it is done: its result is ours.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
};

/** Throws what the workflow failed with, such as PRN_CONFLICT or PRN_NOT_FOUND. */
export const runRollBack = async (client: Client, request: RollBackRequest): Promise<RollBackOutcome> => {
  const workflowId = rollBackWorkflowId(request.pipeline, request.generation);
  await start(client, workflowId, request);
  try {
    return rollBackOutcomeSchema.parse(await client.workflow.getHandle(workflowId).result());
  } catch (error) {
    throw failureOf(error);
  }
};
