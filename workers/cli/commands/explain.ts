import type { Command } from 'commander';
import { print, printJson } from '../output.ts';

export const register = (program: Command): void => {
  program
    .command('explain')
    .description('Say why: the inequality that decided, with its numbers')
    .argument(
      '<what>',
      'a run (key or first digits), PIPELINE/VERSION, PIPELINE/DAY (a window), decision/ID, a rollout, or the id of a prediction',
    )
    .option('--all', 'every inequality, the evidence of every slice, and every decision; what decided without it')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  $ perennial explain 3f2a                                    why a run ended as it did
  $ perennial explain churn/4                                 where version 4 came from, its evaluation, its rollouts
  $ perennial explain churn/2026-02-05                        what was measured and decided about that window
  $ perennial explain decision/128                            one decision, with what it was made from
  $ perennial explain 01936f0e-5b1a-7c3e-9f4a-0d2c6b8e1a55    which model, data and decision stood behind one answer`,
    )
    .action(async (asked: string, options: { all?: boolean; json?: boolean }) => {
      const { withContext } = await import('../context.ts');
      const [{ explain }, { resolveMeant }] = await Promise.all([
        import('../explain/explain.ts'),
        import('../explain/resolve.ts'),
      ]);
      await withContext(async (context) => {
        const { document, lines } = await explain(context, resolveMeant(asked), options.all ? 'all' : 'short');
        if (options.json) return printJson(document);
        for (const line of lines) print(line);
        return undefined;
      });
    });
};
