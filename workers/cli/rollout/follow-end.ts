/** Waits for the end of a rollout, whatever became of its workflow. */
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { type RolloutOutcome, type RolloutRecord, rolloutOutcomeSchema } from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import type { Context } from '../context.ts';
import { failureOf } from '../workflow-failure.ts';

export type FollowedRollout = { readonly rolloutId: string; readonly workflowId: string };

/** The end as it is on record, where the workflow was cancelled and so has none to tell. */
const toOutcome = ({ id, state, segments, ...row }: RolloutRecord, why: string): RolloutOutcome | null => {
  if (state === 'running') return null;
  const { pipeline, version, championVersion, reason, harmed } = row;
  const generation = segments.at(-1)?.generation as number;
  return { rolloutId: id, pipeline, version, championVersion, end: state, reason, generation, observed: why, harmed };
};

const recordedEnd = async (context: Context, { rolloutId, workflowId }: FollowedRollout, error: WorkflowFailedError) => {
  const why = `its workflow ended without a word (${error.cause?.message ?? error.message})`;
  const row = await createRollouts(context.database.db).get(rolloutId);
  const outcome = row === null ? null : toOutcome(row, why);
  if (outcome !== null) return outcome;
  const way = row === null ? 'it never began' : `\`perennial rollback ${row.pipeline} --reason …\` takes the candidate back`;
  throw new PerennialError('PRN_CONFLICT', `Cannot tell how ${workflowId} ends as ${why}: ${way}`, { cause: error });
};

/** Throws what the rollout failed with; PRN_CONFLICT where its workflow was ended and its candidate is still there. */
export const followEnd = async (
  context: Context,
  client: Client,
  rollout: FollowedRollout,
  over: AbortSignal,
): Promise<RolloutOutcome> => {
  // Whatever it continued as: the first run of it is in its id.
  const firstExecutionRunId = rollout.rolloutId.split('/').at(-1) as string;
  const handle = client.workflow.getHandle(rollout.workflowId, firstExecutionRunId, { firstExecutionRunId });
  try {
    return rolloutOutcomeSchema.parse(await client.withAbortSignal(over, () => handle.result()));
  } catch (error) {
    const failure = failureOf(error);
    if (failure instanceof WorkflowFailedError) return recordedEnd(context, rollout, failure);
    throw failure;
  }
};
