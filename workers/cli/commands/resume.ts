import type { Command } from 'commander';
import type { PipelineName } from '#domain/units.ts';
import type { Decision } from '../../../workflows/messages.ts';
import type { Context } from '../context.ts';
import { print, printJson } from '../output.ts';

type Resumed = { readonly what: 'rollout' | 'pipeline'; readonly text: string };

const resume = async (context: Context, pipeline: PipelineName, decision: Decision): Promise<Resumed> => {
  const { withTemporal } = await import('../temporal.ts');
  const { resumeRollout } = await import('../pipelines/resume-rollout.ts');
  const { resumePipeline } = await import('../pipelines/resume-pipeline.ts');
  const rollout = await withTemporal(context, (client) => resumeRollout(context, client, pipeline, decision));
  if (rollout === null) return { what: 'pipeline', text: await resumePipeline(context, pipeline, decision) };
  return { what: 'rollout', text: `${pipeline}: the rollout of version ${rollout.version} goes on at ${rollout.share * 100}%` };
};

export const register = (program: Command): void => {
  program
    .command('resume')
    .description('Let a held rollout go on, or end the pause of a pipeline')
    .argument('<pipeline>')
    .requiredOption('--reason <text>', 'why, for the record (required)')
    .option('--by <name>', 'who decides; absent: you')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
A held rollout goes first: where one is held and the pipeline is paused as well, ask twice.

Example:
  $ perennial resume churn --reason "the warehouse is back"`,
    )
    .action(async (name: string, options: { reason: string; by?: string; json?: boolean }) => {
      const { withContext } = await import('../context.ts');
      const { requirePipeline } = await import('../known-pipeline.ts');
      await withContext(async (context) => {
        const pipeline = await requirePipeline(context, name, 'Cannot resume');
        const decision = { by: options.by ?? context.config.actor, reason: options.reason };
        const resumed = await resume(context, pipeline, decision);
        return options.json ? printJson({ pipeline, resumed: resumed.what, ...decision }) : print(resumed.text);
      });
    });
};
