import { type Client, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { PerennialError } from '#domain/errors.ts';
import { approvePromotionUpdate, type Decision, type RetrainStatus, rejectPromotionUpdate } from '../../workflows/messages.ts';

/** Sends the update; a refusal of its validator becomes PRN_CONFLICT with the workflow's own reason. */
export const sendDecision = async (
  client: Client,
  workflowId: string,
  what: 'approve' | 'reject',
  decision: Decision,
): Promise<RetrainStatus> => {
  const update = what === 'approve' ? approvePromotionUpdate : rejectPromotionUpdate;
  try {
    return await client.workflow.getHandle(workflowId).executeUpdate(update, { args: [decision] });
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) {
      throw new PerennialError('PRN_CONFLICT', `Cannot ${what} ${workflowId}: ${error.cause?.message ?? error.message}`, {
        cause: error,
      });
    }
    if (error instanceof WorkflowNotFoundError) {
      throw new PerennialError(
        'PRN_NOT_FOUND',
        `Cannot ${what} ${workflowId} as it must be under way: it has ended or never began; see perennial runs list`,
        { cause: error },
      );
    }
    throw error;
  }
};
