/** What a schedule starts: one question to the watch. */
import { workflowInfo } from '@temporalio/workflow';
import type { PipelineName } from '#domain/units.ts';
import type { RetrainAnswer } from './messages.ts';
import { lookSteps } from './step-options.ts';

export type ScheduledRetrainInput = { readonly format: 1; readonly pipeline: PipelineName };

/**
 * Asks the watch of a pipeline for a retrain, because its schedule says so, and ends with the answer: also a "no" is an
 * answer. The watch decides, because it alone knows cooldown, budget and runs in progress. Accepts no messages.
 */
export async function scheduledRetrain({ pipeline }: ScheduledRetrainInput): Promise<RetrainAnswer> {
  const { workflowId, runId } = workflowInfo();
  return lookSteps.askWatch.executeWithOptions({ summary: `ask the watch of ${pipeline}` }, [
    { pipeline, key: runId, reason: `the schedule of the pipeline file (${workflowId})` },
  ]);
}
