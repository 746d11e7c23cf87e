/** `hold` and `promote` differ in one update; the rest is here. */
import { type Client, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Command } from 'commander';
import type { RolloutRecord } from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import { createRollouts } from '../../infra/postgres/rollouts.ts';
import { type Decision, holdUpdate, promoteUpdate, type RolloutStatus } from '../../workflows/messages.ts';
import type { Context } from './context.ts';
import { requirePipeline } from './known-pipeline.ts';
import { print, printJson } from './output.ts';

type What = 'hold' | 'promote';
const updates = { hold: holdUpdate, promote: promoteUpdate } as const;

/** The rollout that runs. Throws PRN_NOT_FOUND where none does. */
export const requireRollout = async (context: Context, pipeline: PipelineName, what: string): Promise<RolloutRecord> => {
  const running = await createRollouts(context.database.db).running(pipeline);
  if (running !== null) return running;
  throw new PerennialError(
    'PRN_NOT_FOUND',
    `Cannot ${what} "${pipeline}" as no version of it is being rolled out: see \`perennial status ${pipeline}\``,
  );
};

export type Told = { readonly rolloutId: string; readonly status: RolloutStatus };

/** A refusal of the rollout becomes PRN_CONFLICT with its own reason. Throws PRN_NOT_FOUND where none runs. */
export const tellRollout = async (
  context: Context,
  client: Client,
  pipeline: PipelineName,
  what: What,
  decision: Decision,
): Promise<Told> => {
  const { id, workflowId } = await requireRollout(context, pipeline, what);
  try {
    const status = await client.workflow.getHandle(workflowId).executeUpdate(updates[what], { args: [decision] });
    return { rolloutId: id, status };
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) {
      throw new PerennialError('PRN_CONFLICT', error.cause?.message ?? error.message, { cause: error });
    }
    if (error instanceof WorkflowNotFoundError) {
      // Where it has ended meanwhile there is nothing to take back.
      await requireRollout(context, pipeline, what);
      const message = `Cannot ${what} ${workflowId} as its workflow is gone: \`perennial rollback\` takes the candidate back`;
      throw new PerennialError('PRN_NOT_FOUND', message, { cause: error });
    }
    throw error;
  }
};

export const registerRolloutWord = (program: Command, what: What, description: string): void => {
  program
    .command(what)
    .description(description)
    .argument('<pipeline>')
    .requiredOption('--reason <text>', 'why, for the record (required)')
    .option('--by <name>', 'who decides; absent: you')
    .option('--json', 'one JSON document')
    .addHelpText('after', `\nExample:\n  $ perennial ${what} churn --reason "looked at it"`)
    .action(async (name: string, options: { reason: string; by?: string; json?: boolean }) => {
      const { withContext } = await import('./context.ts');
      const { withTemporal } = await import('./temporal.ts');
      await withContext(async (context) => {
        const pipeline = await requirePipeline(context, name, `Cannot ${what}`);
        // Who has nothing to decide on hears so although Temporal is away.
        await requireRollout(context, pipeline, what);
        const decision = { by: options.by ?? context.config.actor, reason: options.reason };
        const told = await withTemporal(context, (client) => tellRollout(context, client, pipeline, what, decision));
        const { rolloutId, status } = told;
        if (options.json) return printJson({ rolloutId, ...decision, status });
        return print(`${name}: version ${status.version} at ${status.share * 100}% of the traffic was told to ${what}`);
      });
    });
};
