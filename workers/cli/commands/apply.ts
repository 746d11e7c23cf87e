import type { Command } from 'commander';
import { print, printJson, short } from '../output.ts';

export const register = (program: Command): void => {
  program
    .command('apply')
    .description('Make a pipeline file the current definition; runs under way keep theirs')
    .argument('<path>', 'pipeline file, or the folder that holds pipeline.yaml')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial apply pipelines/churn')
    .action(async (path: string, options: { json?: boolean }) => {
      const { withContext } = await import('../context.ts');
      const { applyPipeline } = await import('../spec/apply-pipeline.ts');
      const applied = await withContext((context) => applyPipeline(context, path));
      if (options.json) return printJson(applied);
      return print(`${applied.pipeline}: definition ${short(applied.definition)}${applied.changed ? '' : ' (unchanged)'}`);
    });
};
