/** What people ask of a watch, with the time that they wait for its answer. */
import {
  type Client,
  isGrpcDeadlineError,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure, type UpdateDefinition } from '@temporalio/common';
import { pauseMs } from '#domain/decide/watch/rest.ts';
import { type ErrorCode, errorRegistry, PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import {
  changePolicyUpdate,
  type Decision,
  endWatchUpdate,
  resumeWatchUpdate,
  snoozeUpdate,
  type WatchStatus,
} from '../../workflows/messages.ts';
import { watchDriftWorkflowId, workflowTypes } from '../../workflows/names.ts';
import { watchStart } from './watch.ts';

/** A worker that runs answers in milliseconds; one that is starting, in seconds. A person waits for this. */
const answerTimeoutMs = 15_000;

const isGone = (error: unknown): boolean => error instanceof WorkflowNotFoundError;
const isRefused = (error: unknown): boolean =>
  error instanceof WorkflowUpdateFailedError &&
  error.cause instanceof ApplicationFailure &&
  error.cause.type === ('PRN_CONFLICT' satisfies ErrorCode);

const silent = (pipeline: PipelineName, cause: unknown): PerennialError =>
  new PerennialError(
    'PRN_UNREACHABLE',
    `Cannot reach the watch of "${pipeline}" as it did not answer within ${answerTimeoutMs / 1000} s: does \`perennial worker flow\` run?`,
    { cause },
  );

/** Runs `ask` for as long as a person waits. Throws PRN_UNREACHABLE where no worker answered. */
const within = async <Answer>(client: Client, pipeline: PipelineName, ask: () => Promise<Answer>): Promise<Answer> => {
  try {
    return await client.withDeadline(Date.now() + answerTimeoutMs, ask);
  } catch (error) {
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isGrpcDeadlineError(error)) throw silent(pipeline, error);
    throw error;
  }
};

type Asked<Args extends unknown[]> = { readonly update: UpdateDefinition<WatchStatus, Args>; readonly args: Args };

/** What the watch itself said, with its code. */
const refusal = (error: unknown): unknown => {
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : null;
  for (let said: unknown = cause; said instanceof Error; said = said.cause) {
    if (said instanceof ApplicationFailure && Object.hasOwn(errorRegistry, said.type ?? ''))
      return new PerennialError(said.type as ErrorCode, said.message, { cause: error });
  }
  return error;
};

/** Asks the watch, and starts it where none runs. Throws the watch's own refusal with its code. */
const askWithStart = <Args extends unknown[]>(client: Client, pipeline: PipelineName, { update, args }: Asked<Args>) =>
  within(client, pipeline, () => {
    const startWorkflowOperation = new WithStartWorkflowOperation(workflowTypes.watchDrift, watchStart(pipeline));
    return client.workflow.executeUpdateWithStart(update, { args, startWorkflowOperation });
  }).catch((error: unknown) => {
    throw refusal(error);
  });

/** Starts the watch where none runs. Needs no worker. */
export const startWatch = async (client: Client, pipeline: PipelineName): Promise<void> => {
  await client.workflow.start(workflowTypes.watchDrift, watchStart(pipeline));
};

/** The watch goes by a definition that was applied; started where none runs. Throws PRN_UNREACHABLE. */
export const changeWatchPolicy = (client: Client, pipeline: PipelineName, definitionSha256: string, decision: Decision) =>
  askWithStart(client, pipeline, { update: changePolicyUpdate, args: [{ ...decision, definitionSha256 }] });

/** The watch retrains nothing by itself until it is woken. Again: the newer reason holds. Throws PRN_UNREACHABLE. */
export const pauseWatch = (client: Client, pipeline: PipelineName, decision: Decision) =>
  askWithStart(client, pipeline, { update: snoozeUpdate, args: [{ ...decision, forMs: pauseMs }] });

/** False where it was awake already, or where none runs. Throws PRN_UNREACHABLE. */
export const wakeWatch = async (client: Client, pipeline: PipelineName, decision: Decision): Promise<boolean> => {
  const handle = client.workflow.getHandle(watchDriftWorkflowId(pipeline));
  try {
    await within(client, pipeline, () => handle.executeUpdate(resumeWatchUpdate, { args: [decision] }));
    return true;
  } catch (error) {
    if (isGone(error) || isRefused(error)) return false;
    throw error;
  }
};

/** Ends the watch and waits until it has ended; false where none ran. Throws PRN_UNREACHABLE. */
export const endWatch = async (client: Client, pipeline: PipelineName, decision: Decision): Promise<boolean> => {
  const handle = client.workflow.getHandle(watchDriftWorkflowId(pipeline));
  try {
    await within(client, pipeline, () => handle.executeUpdate(endWatchUpdate, { args: [decision] }));
    await within(client, pipeline, () => handle.result());
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
};
