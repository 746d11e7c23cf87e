/** What is recorded of a run that failed: its verdict, whatever code the step that stopped it has. */
import { WorkflowFailedError } from '@temporalio/client';
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import { PerennialError } from '#domain/errors.ts';
import type { RunKey } from '#domain/units.ts';
import type { Context } from './context.ts';

/** A question that was not answered says nothing of the run. */
const isOfWorkflow = (error: unknown): boolean =>
  error instanceof WorkflowFailedError || (error instanceof PerennialError && error.cause instanceof WorkflowFailedError);

/**
 * The recorded outcome of the run whose workflow ended with `error`; null where the error is another one, or the run was
 * refused before it began.
 */
export const recordedFailure = async (
  context: Pick<Context, 'runs'>,
  runKey: RunKey,
  error: unknown,
): Promise<RetrainOutcome | null> => {
  if (!isOfWorkflow(error)) return null;
  const run = await context.runs.get(runKey);
  return run?.outcome === 'failed' ? run.result : null;
};
