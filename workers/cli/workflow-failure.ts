import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { PerennialError } from '#domain/errors.ts';

/** What a workflow failed with: the first cause with a code of ours, as our own error; any other error as it is. */
export const failureOf = (error: unknown): unknown => {
  if (!(error instanceof WorkflowFailedError)) return error;
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ApplicationFailure && cause.type?.startsWith('PRN_')) {
      return new PerennialError(cause.type as PerennialError['code'], cause.message, { cause: error });
    }
  }
  return error;
};
