import type { Command } from 'commander';
import { note, printJson } from '../output.ts';

export const register = (program: Command): void => {
  program
    .command('cancel')
    .description('Cancel a run that is under way; the champion stays')
    .argument('<run>', 'run key, its first digits, or the workflow id')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial cancel 3f2a')
    .action(async (asked: string, options: { json?: boolean }) => {
      const { withContext } = await import('../context.ts');
      const { withTemporal } = await import('../temporal.ts');
      const { findRun } = await import('../find.ts');
      const { PerennialError } = await import('#domain/errors.ts');
      await withContext(async (context) => {
        const run = await findRun(context, asked);
        if (run.outcome !== null)
          throw new PerennialError('PRN_CONFLICT', `Cannot cancel run ${run.runKey}: it ended ${run.outcome}`);
        await withTemporal(context, (client) => client.workflow.getHandle(run.workflowId).cancel());
        if (options.json) return printJson({ workflowId: run.workflowId, cancelled: true });
        return note(`asked ${run.workflowId} to cancel`);
      });
    });
};
