import type { Command } from 'commander';
import { print, printJson } from '../output.ts';

export const register = (program: Command): void => {
  program
    .command('pause')
    .description('Let a pipeline retrain nothing by itself; what serves goes on')
    .argument('<pipeline>')
    .requiredOption('--reason <text>', 'why, for the record (required)')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Its schedule rests, its watch measures on and asks for nothing. \`perennial run\` still runs it: a person means it.

Example:
  $ perennial pause churn --reason "the warehouse is migrated this week"`,
    )
    .action(async (name: string, options: { reason: string; json?: boolean }) => {
      const { withContext } = await import('../context.ts');
      const { withTemporal } = await import('../temporal.ts');
      const { pausePipeline } = await import('../pipelines/pause-pipeline.ts');
      await withContext(async (context) => {
        const decision = { by: context.config.actor, reason: options.reason };
        const paused = await withTemporal(context, (client) => pausePipeline(context, client, name, decision));
        if (options.json) return printJson(paused);
        return print(
          paused.changed
            ? `${name}: paused; \`perennial resume ${name} --reason …\` ends it`
            : `${name}: was paused already; see \`perennial status ${name}\``,
        );
      });
    });
};
