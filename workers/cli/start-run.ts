/** Starts a run, or attaches to the one that is the same: same definition, code, sources and cut-off. */

import { randomUUID } from 'node:crypto';
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { type RetrainOutcome, type RetrainRequest, retrainOutcomeSchema } from '#domain/contracts/retrain.ts';
import { PerennialError } from '#domain/errors.ts';
import type { RunKey } from '#domain/units.ts';
import { buildRequest, type RunDefinition, type WantedRun } from '../../infra/runs/build-request.ts';
import { retrainWorkflowId, searchAttributes, taskQueues } from '../../workflows/names.ts';
import type { retrain } from '../../workflows/retrain.ts';
import type { Context } from './context.ts';
import { requirePipeline } from './known-pipeline.ts';
import { keepOverridden } from './spec/keep-overridden.ts';
import { failureOf } from './workflow-failure.ts';

export type RunWish = WantedRun & {
  /** "training.parameters.num_leaves=31": a definition of its own for this run; the current one stays. */
  readonly overrides?: readonly string[];
  /** Told of what is about to be started or attached to, overrides included; not where the verdict is there already. */
  readonly beforeStart?: (definition: RunDefinition) => Promise<void>;
};

export type StartedRun = {
  readonly workflowId: string;
  readonly runKey: RunKey;
  /** The run was there already: under way, or ended with the verdict that `outcome` gives. */
  readonly attached: boolean;
  /** The verdict was there already. */
  readonly ended: boolean;
  /** Waits for the end, or until nobody wants to know it. A run that failed throws its error. */
  outcome(over?: AbortSignal): Promise<RetrainOutcome>;
  /** Asks this very run to end; a later run of the same key is not touched. */
  cancel(): Promise<void>;
};

const effectiveDefinition = async (context: Context, wish: RunWish): Promise<RunDefinition> => {
  const current = await context.definitions.current(wish.pipeline);
  if (current === null) {
    if (/[/.]/.test(wish.pipeline))
      throw new PerennialError('PRN_NOT_FOUND', `Cannot run "${wish.pipeline}" as there is no such file or folder`);
    await requirePipeline(context, wish.pipeline, 'Cannot run');
    throw new PerennialError(
      'PRN_NOT_FOUND',
      `Cannot run "${wish.pipeline}": it has no definition; \`perennial apply PATH\` gives it one`,
    );
  }
  return keepOverridden(context, current, wish.overrides ?? [], `run "${wish.pipeline}"`);
};

const requestOf = (context: Context, wish: RunWish, definition: RunDefinition): Promise<RetrainRequest> => {
  const { config, content } = context;
  return buildRequest({ cacheFolder: config.cacheDir, s3: config.s3, content }, definition, wish);
};

const awaitOutcome = async (client: Client, workflowId: string, over: AbortSignal | undefined): Promise<RetrainOutcome> => {
  const result = () => client.workflow.getHandle(workflowId).result();
  try {
    return retrainOutcomeSchema.parse(await (over === undefined ? result() : client.withAbortSignal(over, result)));
  } catch (error) {
    throw failureOf(error);
  }
};

type Launched = { readonly attached: boolean; cancel(): Promise<void> };

/**
 * Of two who start one run at once one has started it: its own mark is in the memo of the workflow, which Temporal keeps
 * of the first.
 */
const launch = async (client: Client, request: RetrainRequest): Promise<Launched> => {
  const workflowId = retrainWorkflowId(request.pipeline, request.runKey);
  const mark = randomUUID();
  try {
    const handle = await client.workflow.start<typeof retrain>('retrain', {
      workflowId,
      taskQueue: taskQueues.flow,
      args: [request],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      staticSummary: `Retrain ${request.pipeline}: ${request.trigger.reason}`.slice(0, 200),
      staticDetails: `Started by ${request.trigger.by} (${request.trigger.kind}). Run key \`${request.runKey}\`, definition \`${request.definitionSha256.slice(0, 12)}\`.`,
      memo: { codeVersion: request.codeVersion, startedBy: mark },
      searchAttributes: { [searchAttributes.pipeline]: [request.pipeline], [searchAttributes.trigger]: [request.trigger.kind] },
    });
    const { memo } = await handle.describe();
    const own = client.workflow.getHandle(workflowId, undefined, { firstExecutionRunId: handle.firstExecutionRunId });
    return { attached: memo?.['startedBy'] !== mark, cancel: async () => void (await own.cancel()) };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { attached: true, cancel: nothing };
    throw error;
  }
};

const nothing = async (): Promise<void> => {};

/** PostgreSQL is asked first, because Temporal forgets closed ids after its retention. A failed run may start again. */
const recordedOutcome = async (context: Context, runKey: RunKey): Promise<RetrainOutcome | null> => {
  const run = await context.runs.get(runKey);
  return run?.result && run.outcome !== 'failed' ? retrainOutcomeSchema.parse(run.result) : null;
};

/** Throws PRN_NOT_FOUND, PRN_SPEC_INVALID for overrides, PRN_SOURCE_MISSING. */
export const startRun = async (context: Context, client: Client, wish: RunWish): Promise<StartedRun> => {
  const definition = await effectiveDefinition(context, wish);
  const request = await requestOf(context, wish, definition);
  const { runKey } = request;
  const known = { workflowId: retrainWorkflowId(wish.pipeline, runKey), runKey };
  const recorded = await recordedOutcome(context, runKey);
  if (recorded !== null) return { ...known, attached: true, ended: true, outcome: async () => recorded, cancel: nothing };
  await wish.beforeStart?.(definition);
  const launched = await launch(client, request);
  return { ...known, ...launched, ended: false, outcome: (over) => awaitOutcome(client, known.workflowId, over) };
};
