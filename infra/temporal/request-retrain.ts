/** Questions to the watch of a pipeline, and to Temporal about runs. */
import { type Client, WithStartWorkflowOperation, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type ErrorCode, errorRegistry, PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import { type RetrainAnswer, type RetrainAskedFor, requestRetrainUpdate } from '../../workflows/messages.ts';
import { workflowTypes } from '../../workflows/names.ts';
import { watchStart } from './watch.ts';

const isCode = (type: string | null | undefined): type is ErrorCode => typeof type === 'string' && type in errorRegistry;

/** A refusal of a watch with the code that its validator gave; any other error as it is. */
export const asRefusal = (error: unknown): unknown => {
  if (!(error instanceof WorkflowUpdateFailedError)) return error;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure)) return error;
  return new PerennialError(isCode(cause.type) ? cause.type : 'PRN_CONFLICT', cause.message, { cause: error });
};

/**
 * Asks for a retrain and waits for what is decided; starts the watch where none runs. The same `questionId` again is the
 * same question, within one run of the watch. Throws PRN_CONFLICT with its reason where the watch is paused.
 */
export const askForRetrain = async (
  client: Client,
  pipeline: PipelineName,
  asked: RetrainAskedFor,
  questionId?: string,
): Promise<RetrainAnswer> => {
  const startWorkflowOperation = new WithStartWorkflowOperation(workflowTypes.watchDrift, watchStart(pipeline));
  try {
    return await client.workflow.executeUpdateWithStart(requestRetrainUpdate, {
      args: [asked],
      startWorkflowOperation,
      ...(questionId !== undefined && { updateId: questionId }),
    });
  } catch (error) {
    throw asRefusal(error);
  }
};

/** Open although nothing of it runs: a person may pause a workflow, and it goes on when they like. */
export const isOpenStatus = (name: string): boolean => name === 'RUNNING' || name === 'PAUSED';

/** What the steps of a watch ask of Temporal. */
export const createWatchTemporal = (client: Client) => ({
  isOpen: async (workflowId: string): Promise<boolean> => {
    try {
      return isOpenStatus((await client.workflow.getHandle(workflowId).describe()).status.name);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  },
  /** A refusal is an answer: a schedule has nobody who would mend it. */
  askForSchedule: async (pipeline: PipelineName, key: string, reason: string): Promise<RetrainAnswer> => {
    try {
      return await askForRetrain(client, pipeline, { by: 'schedule', reason, trigger: 'schedule', despite: [] }, key);
    } catch (error) {
      if (!(error instanceof PerennialError) || error.code !== 'PRN_CONFLICT') throw error;
      return { decision: 'refused', reason: error.message, workflowId: null };
    }
  },
});
export type WatchTemporal = ReturnType<typeof createWatchTemporal>;
