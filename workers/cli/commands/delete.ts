import type { Command } from 'commander';
import { print, printJson } from '../output.ts';

export const register = (program: Command): void => {
  program
    .command('delete')
    .description('Take a pipeline out of service and end its watch and schedule; its history stays')
    .argument('<pipeline>')
    .requiredOption('--reason <text>', 'why, for the record (required)')
    .option('--yes', 'do it (required)')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Refused while a run or a rollout goes on. Runs, versions, decisions and data stay; \`perennial apply PATH\` brings the
pipeline back, without a champion until one is trained or \`perennial rollback\` names one.

Example:
  $ perennial delete churn --yes --reason "replaced by churn-weekly"`,
    )
    .action(async (name: string, options: { reason: string; yes?: boolean; json?: boolean }) => {
      const { PerennialError } = await import('#domain/errors.ts');
      if (!options.yes)
        throw new PerennialError('PRN_USAGE', `Cannot delete "${name}" without --yes: it is then served no longer`);
      const { withContext } = await import('../context.ts');
      const { withTemporal } = await import('../temporal.ts');
      const { deletePipeline } = await import('../pipelines/delete-pipeline.ts');
      await withContext(async (context) => {
        const decision = { by: context.config.actor, reason: options.reason };
        const deleted = await withTemporal(context, (client) => deletePipeline(context, client, name, decision));
        if (options.json) return printJson(deleted);
        const served = deleted.takenOut === null ? 'nothing of it was served' : `version ${deleted.takenOut} is served no longer`;
        return print(`${name}: ${deleted.changed ? 'deleted' : 'was deleted already'}; ${served}`);
      });
    });
};
