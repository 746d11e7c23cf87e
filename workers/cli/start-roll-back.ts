/** Starts the workflow that takes back, or attaches to the one that does it already, and waits for its end. */
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { type RollBackOutcome, type RollBackRequest, rollBackOutcomeSchema } from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
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

/** Who names another version than the one that was first did attach to what they did not ask for. */
const requireAskedFor = (outcome: RollBackOutcome, { pipeline, to }: RollBackRequest): RollBackOutcome => {
  const { championVersion, takenBack } = outcome;
  if (to === null || to === championVersion) return outcome;
  const message = `Cannot roll "${pipeline}" back to version ${to} as somebody else was first: version ${takenBack} was taken back, and version ${championVersion} serves; ask again where that is not enough`;
  throw new PerennialError('PRN_CONFLICT', message);
};

/** Throws what the workflow failed with, such as PRN_CONFLICT or PRN_NOT_FOUND; PRN_CONFLICT where another one did something else. */
export const runRollBack = async (client: Client, request: RollBackRequest): Promise<RollBackOutcome> => {
  const workflowId = rollBackWorkflowId(request.pipeline, request.generation);
  await start(client, workflowId, request);
  try {
    return requireAskedFor(rollBackOutcomeSchema.parse(await client.workflow.getHandle(workflowId).result()), request);
  } catch (error) {
    throw failureOf(error);
  }
};
