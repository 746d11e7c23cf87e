/** From a decision to a run that is under way. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import type { RetrainRequest } from '#domain/contracts/retrain.ts';
import type { RunOutcome } from '#domain/contracts/verdict.ts';
import type { RunKey } from '#domain/units.ts';
import { isFailure, messageOf } from './failures.ts';
import { searchAttributes } from './names.ts';
import type { retrain } from './retrain.ts';
import { lookSteps } from './step-options.ts';
import type { Watch } from './watch-desk.ts';

/** `started`: it runs, or ran already when we asked. `same` and `failed` have no run whose end would be told. */
export type Launched =
  | { readonly kind: 'started'; readonly workflowId: string; readonly runKey: RunKey }
  | { readonly kind: 'same'; readonly workflowId: string; readonly runKey: RunKey; readonly outcome: RunOutcome }
  | { readonly kind: 'failed'; readonly reason: string };

const summaryBytes = 200;

/** Abandoned, because a watch continues as new under a run of hours. The id is a business fact: twice is once. */
const startRetrain = async (request: RetrainRequest, workflowId: string): Promise<void> => {
  try {
    await startChild<typeof retrain>('retrain', {
      workflowId,
      args: [request],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      staticSummary: `Retrain ${request.pipeline}: ${request.trigger.reason}`.slice(0, summaryBytes),
      memo: { codeVersion: request.codeVersion },
      searchAttributes: { [searchAttributes.pipeline]: [request.pipeline], [searchAttributes.trigger]: [request.trigger.kind] },
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
};

/** Prepares and starts the run that was decided upon. A source that is not there is an answer, and counts as a failed run. */
export const launchRetrain = async (watch: Watch, reason: string): Promise<Launched> => {
  const { pipeline } = watch;
  try {
    const prepared = await lookSteps.prepareRetrain.executeWithOptions({ summary: `list the sources of ${pipeline}` }, [
      { pipeline, by: workflowInfo().workflowId, reason },
    ]);
    if (prepared.kind === 'same') return prepared;
    await startRetrain(prepared.request, prepared.workflowId);
    return { kind: 'started', workflowId: prepared.workflowId, runKey: prepared.request.runKey };
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { kind: 'failed', reason: messageOf(error) };
  }
};
