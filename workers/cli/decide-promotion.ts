/** `approve` and `reject` differ in one update; the rest is here. */
import type { Command } from 'commander';
import { note, printJson } from './output.ts';

export const registerDecision = (program: Command, name: 'approve' | 'reject', description: string): void => {
  program
    .command(name)
    .description(description)
    .argument('<run>', 'run key, its first digits, or the workflow id')
    .requiredOption('--reason <text>', 'why, for the record (required)')
    .option('--by <name>', 'who decides; absent: you')
    .option('--json', 'one JSON document')
    .addHelpText('after', `\nExample:\n  $ perennial ${name} 3f2a --reason "read the report"`)
    .action(async (asked: string, options: { reason: string; by?: string; json?: boolean }) => {
      const { withContext } = await import('./context.ts');
      const { withTemporal } = await import('./temporal.ts');
      const { findRun } = await import('./find.ts');
      const { sendDecision } = await import('./send-decision.ts');
      await withContext(async (context) => {
        const run = await findRun(context, asked);
        const decision = { by: options.by ?? context.config.actor, reason: options.reason };
        const status = await withTemporal(context, (client) => sendDecision(client, run.workflowId, name, decision));
        return options.json
          ? printJson({ workflowId: run.workflowId, decision: name, ...decision, status })
          : note(`${name}: ${run.workflowId} was told`);
      });
    });
};
