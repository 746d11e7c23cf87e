import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { paint, print, printJson, short, table } from '../output.ts';
import { formatNumber } from '../quantity.ts';

const explainRun = async (context: Context, asked: string) => {
  const { findRun } = await import('../find.ts');
  const run = await findRun(context, asked);
  return { run, stages: await context.runs.stages(run.runKey) };
};

const printRun = ({ run, stages }: Awaited<ReturnType<typeof explainRun>>): void => {
  print(run.workflowId);
  print(`  started by ${run.trigger.by} (${run.trigger.kind}): ${run.trigger.reason}`);
  print(
    `  verdict    ${run.outcome === null ? 'still running' : paint(run.outcome === 'promoted' ? 'green' : 'yellow', run.outcome)}`,
  );
  if (run.result) {
    print(`  because    ${run.result.reason}`);
    for (const it of run.result.gate?.inequalities ?? []) {
      print(
        `    ${it.holds ? paint('green', 'holds        ') : paint('yellow', 'does not hold')}  ${it.what}: ${formatNumber(it.left)} ${it.operator} ${formatNumber(it.right)}`,
      );
    }
    print(`  data       ${short(run.result.dataVersion)}`);
    print(`  version    ${run.result.modelVersion ?? '-'}`);
  }
  print(table([['  stage', 'what'], ...stages.map((stage) => [`  ${stage.stage}`, stage.summary])]));
};

export const register = (program: Command): void => {
  program
    .command('explain')
    .description('Say why a run ended as it did: every inequality with its numbers')
    .argument('<run>', 'run key, its first digits, or the workflow id')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial explain 3f2a')
    .action(async (asked: string, options: { json?: boolean }) => {
      const { withContext } = await import('../context.ts');
      await withContext(async (context) => {
        const explained = await explainRun(context, asked);
        return options.json ? printJson(explained) : printRun(explained);
      });
    });
};
