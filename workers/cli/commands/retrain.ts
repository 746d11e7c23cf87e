import type { Command } from 'commander';
import { PerennialError } from '#domain/errors.ts';
import type { RetrainAnswer, RetrainAskedFor } from '../../../workflows/messages.ts';
import { paint, print, printJson } from '../output.ts';

type Options = { reason: string; despite: RetrainAskedFor['despite']; json?: boolean };

const accepted = { budget: 'budget', 'data-quality': 'data quality' } as const;

const collectDespite = (value: string, before: RetrainAskedFor['despite']): RetrainAskedFor['despite'] => {
  const found = accepted[value as keyof typeof accepted];
  if (found !== undefined) return [...before, found];
  throw new PerennialError('PRN_USAGE', `Cannot retrain despite "${value}": it should be budget or data-quality`);
};

/** A "no" of the rules is an answer: the check was negative. */
const exitOf = ({ decision }: RetrainAnswer): number => {
  if (decision === 'retrain' || decision === 'recalibrate' || decision === 'started') return 0;
  return decision === 'failed' ? 1 : 3;
};

export const register = (program: Command): void => {
  program
    .command('retrain')
    .description('Ask the watch of a pipeline for a retrain, and say what it decided')
    .argument('<pipeline>')
    .requiredOption('--reason <text>', 'why, for the record (required)')
    .option('--despite <veto>', 'accept it by name: budget, data-quality; again for more', collectDespite, [])
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
The watch may say no, with the rule and its numbers: exit code 3. \`perennial run\` runs whatever the rules say.

Example:
  $ perennial retrain churn --reason "the tariff changed" --despite budget`,
    )
    .action(async (name: string, options: Options) => {
      const { withContext } = await import('../context.ts');
      const { withTemporal } = await import('../temporal.ts');
      const { requirePipeline } = await import('../known-pipeline.ts');
      const { askForRetrain } = await import('../../../infra/temporal/request-retrain.ts');
      await withContext(async (context) => {
        const pipeline = await requirePipeline(context, name, 'Cannot retrain');
        const asked = { by: context.config.actor, reason: options.reason, trigger: 'person', despite: options.despite } as const;
        const answer = await withTemporal(context, (client) => askForRetrain(client, pipeline, asked));
        process.exitCode = exitOf(answer);
        if (options.json) return printJson(answer);
        print(`${paint(exitOf(answer) === 0 ? 'green' : 'yellow', answer.decision)}  ${answer.reason}`);
        if (answer.workflowId !== null) print(answer.workflowId);
      });
    });
};
