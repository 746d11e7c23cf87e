import { getExternalWorkflowHandle, log } from '@temporalio/workflow';
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import { retrainEndedSignal } from './messages.ts';
import { watchDriftWorkflowId } from './names.ts';

/** Wakes the watch of the pipeline: it reads from PostgreSQL how the run ended. Where there is no watch, nobody is missed. */
export const tellWatch = async ({ pipeline, runKey, verdict }: RetrainOutcome): Promise<void> => {
  try {
    await getExternalWorkflowHandle(watchDriftWorkflowId(pipeline)).signal(retrainEndedSignal, { runKey, verdict });
  } catch (error) {
    log.info('no watch to tell', { pipeline, reason: (error as Error).message });
  }
};
