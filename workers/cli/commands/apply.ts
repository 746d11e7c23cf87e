import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { print, printJson, short } from '../output.ts';
import type { AppliedPipeline } from '../spec/apply-pipeline.ts';

/** What is applied stays applied: the message says what is left to do, and that the same command does it. */
const settle = async (context: Context, { pipeline, definition }: AppliedPipeline, path: string) => {
  const { PerennialError } = await import('#domain/errors.ts');
  const { withTemporal } = await import('../temporal.ts');
  const { settlePipeline } = await import('../pipelines/settle-pipeline.ts');
  try {
    return await withTemporal(context, (client) => settlePipeline(context, client, pipeline));
  } catch (cause) {
    if (!(cause instanceof PerennialError && cause.code === 'PRN_UNREACHABLE')) throw cause;
    throw new PerennialError(
      'PRN_UNREACHABLE',
      `Cannot bring schedule and watch of "${pipeline}" in line with definition ${short(definition)}, which is applied: ${cause.message}; \`perennial apply ${path}\` again does the rest`,
      { cause },
    );
  }
};

const scheduleWords = { created: ', schedule created', changed: ', schedule changed', deleted: ', schedule deleted' } as const;

export const register = (program: Command): void => {
  program
    .command('apply')
    .description('Make a pipeline file the current definition; runs under way keep theirs')
    .argument('<path>', 'pipeline file, or the folder that holds pipeline.yaml')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Its schedule and its watch follow: the schedule is created, changed or deleted, the watch is started or told of the new
rules. Again with the same file changes nothing. A pipeline that was deleted is brought back.

Example:
  $ perennial apply pipelines/churn`,
    )
    .action(async (path: string, options: { json?: boolean }) => {
      const { withContext } = await import('../context.ts');
      const { applyPipeline } = await import('../spec/apply-pipeline.ts');
      await withContext(async (context) => {
        const applied = await applyPipeline(context, path);
        const { schedule } = await settle(context, applied, path);
        if (options.json) return printJson({ ...applied, schedule });
        const words = schedule in scheduleWords ? scheduleWords[schedule as keyof typeof scheduleWords] : '';
        return print(
          `${applied.pipeline}: definition ${short(applied.definition)}${applied.changed ? '' : ' (unchanged)'}${words}`,
        );
      });
    });
};
