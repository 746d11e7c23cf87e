/** Begins a rollout by hand, or attaches to the one of the same version that runs. */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { RolloutOutcome, RolloutRecord, RolloutRequest } from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, VersionNumber } from '#domain/units.ts';
import { requireNotDeleted } from '../../../infra/postgres/pipelines.ts';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import type { Decision } from '../../../workflows/messages.ts';
import { rollOutWorkflowId, rolloutIdOf, searchAttributes, taskQueues } from '../../../workflows/names.ts';
import type { rollOut } from '../../../workflows/roll-out.ts';
import type { Context } from '../context.ts';
import { keepOverridden } from '../spec/keep-overridden.ts';
import { followEnd } from './follow-end.ts';
import { type Despite, reasonOnRecord } from './same-question.ts';
import { untilBegun } from './until-begun.ts';

export type RolloutWish = Decision & {
  readonly pipeline: PipelineName;
  readonly version: VersionNumber;
  /** In place of the one in the pipeline file, for this rollout; null for that one. */
  readonly strategy: string | null;
  /** What is accepted by name; null for nothing. */
  readonly despite: Despite | null;
};

export type StartedRollout = {
  readonly rolloutId: string;
  readonly workflowId: string;
  /** It ran already. */
  readonly attached: boolean;
  /** The candidate stands beside the champion; false where no worker has put it there yet. */
  readonly begun: boolean;
  /** Waits for the end, or until nobody wants to know it. A rollout that could not go on throws its error. */
  outcome(over: AbortSignal): Promise<RolloutOutcome>;
};

const attemptOf = ({ pipeline, version }: RolloutWish): string => `Cannot roll version ${version} of "${pipeline}" out`;

const attach = (context: Context, client: Client, wish: RolloutWish, running: RolloutRecord): StartedRollout => {
  const { id, workflowId, strategy } = running;
  if (wish.strategy !== null && wish.strategy !== strategy) {
    const message = `${attemptOf(wish)} as ${wish.strategy} as it is being rolled out as ${strategy} (${id})`;
    throw new PerennialError('PRN_CONFLICT', message);
  }
  const known = { rolloutId: id, workflowId };
  return { ...known, attached: true, begun: true, outcome: (over) => followEnd(context, client, known, over) };
};

/** A pause is for what a pipeline does by itself and for what is begun beside it; what serves goes on. */
const requireAwake = async (context: Context, wish: RolloutWish): Promise<void> => {
  await requireNotDeleted(context.database.db, wish.pipeline, attemptOf(wish));
  const paused = (await context.pipelines.state(wish.pipeline))?.paused ?? null;
  if (paused === null) return;
  throw new PerennialError(
    'PRN_CONFLICT',
    `${attemptOf(wish)} as ${paused.by} paused the pipeline (${paused.reason}): \`perennial resume ${wish.pipeline} --reason …\` ends it`,
  );
};

/** What is there now is compared with; throws what would keep the rollout from beginning, before a workflow is started. */
const requestOf = async (context: Context, wish: RolloutWish): Promise<RolloutRequest> => {
  const { pipeline, version, strategy, by } = wish;
  await requireAwake(context, wish);
  const { champion } = await context.deployments.get(pipeline);
  if (champion === null) {
    const way = '`perennial run` promotes the first one that passes its gate';
    throw new PerennialError('PRN_CONFLICT', `${attemptOf(wish)} as there is no champion to compare it with: ${way}`);
  }
  const championVersion = champion.version;
  await createRollouts(context.database.db).checkBegin({ pipeline, version, championVersion });
  const reason = await reasonOnRecord(context, wish, champion, { ...wish, attempt: attemptOf(wish) });
  const current = await context.definitions.current(pipeline);
  if (current === null)
    throw new PerennialError(
      'PRN_NOT_FOUND',
      `${attemptOf(wish)} as it has no definition: \`perennial apply PATH\` gives it one`,
    );
  const overrides = strategy === null ? [] : [`rollout.strategy=${strategy}`];
  const { sha256 } = await keepOverridden(context, current, overrides, `roll out of "${pipeline}"`);
  return { format: 1, pipeline, version, definitionSha256: sha256, championVersion, by, reason };
};

/** Of two who start at once both find the same execution; its memo has the mark of the one who started it. */
const launch = async (context: Context, client: Client, request: RolloutRequest): Promise<StartedRollout> => {
  const { pipeline, version, by, reason } = request;
  const [workflowId, mark] = [rollOutWorkflowId(pipeline, version), randomUUID()];
  const handle = await client.workflow.start<typeof rollOut>('rollOut', {
    workflowId,
    taskQueue: taskQueues.flow,
    args: [request],
    workflowIdConflictPolicy: 'USE_EXISTING',
    // A version may be rolled out again: what went wrong may have been the world's fault.
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Roll out version ${version} of ${pipeline}`,
    staticDetails: `Started by ${by}: ${reason}`,
    memo: { startedBy: mark },
    searchAttributes: { [searchAttributes.pipeline]: [pipeline] },
  });
  const known = { rolloutId: rolloutIdOf(pipeline, version, handle.firstExecutionRunId), workflowId };
  const attached = (await handle.describe()).memo?.['startedBy'] !== mark;
  const outcome = (over: AbortSignal) => followEnd(context, client, known, over);
  return { ...known, attached, begun: await untilBegun(context, known.rolloutId, outcome), outcome };
};

/** null where the version is not being rolled out. */
const attachToRunning = async (context: Context, client: Client, wish: RolloutWish): Promise<StartedRollout | null> => {
  const running = await createRollouts(context.database.db).running(wish.pipeline);
  return running?.version === wish.version ? attach(context, client, wish, running) : null;
};

/**
 * The same version again while it is being rolled out is the same rollout; after its end it is another one. Throws
 * PRN_NOT_FOUND, PRN_CONFLICT, PRN_DEPLOY_CONFLICT where another one runs, PRN_DEPLOY_QUESTION, PRN_SPEC_INVALID.
 */
export const startRollout = async (context: Context, client: Client, wish: RolloutWish): Promise<StartedRollout> => {
  const attached = await attachToRunning(context, client, wish);
  if (attached !== null) return attached;
  try {
    return await launch(context, client, await requestOf(context, wish));
  } catch (error) {
    // Whoever starts the same one at the same moment may have been first: what refuses it then is that very rollout.
    const conflict = error instanceof PerennialError && error.code === 'PRN_DEPLOY_CONFLICT';
    const first = conflict ? await attachToRunning(context, client, wish) : null;
    if (first === null) throw error;
    return first;
  }
};
