import type { Command } from 'commander';
import { print, printJson, table } from '../output.ts';
import { parseCount } from '../quantity.ts';

const list = async (named: string | undefined, options: { pipeline?: string; limit: string; json?: boolean }): Promise<void> => {
  const { withContext } = await import('../context.ts');
  const { pipelineOfList } = await import('../known-pipeline.ts');
  const limit = parseCount('--limit', options.limit);
  await withContext(async (context) => {
    const pipeline = await pipelineOfList(context, { named, byOption: options.pipeline }, 'Cannot list runs of');
    const runs = await context.runs.list({ ...(pipeline !== undefined && { pipeline }), limit });
    if (options.json) return printJson({ runs });
    if (runs.length === 0) return print('No runs yet: `perennial run PIPELINE` starts one');
    return print(
      table([
        ['run', 'pipeline', 'verdict', 'started', 'reason'],
        ...runs.map((run) => [
          run.runKey,
          run.pipeline,
          run.outcome ?? 'running',
          run.startedAt,
          run.result?.reason ?? run.trigger.reason,
        ]),
      ]),
    );
  });
};

const show = async (runKey: string, options: { json?: boolean }): Promise<void> => {
  const { withContext } = await import('../context.ts');
  const { findRun } = await import('../find.ts');
  await withContext(async (context) => {
    const run = await findRun(context, runKey);
    const [stages, metrics] = await Promise.all([context.runs.stages(run.runKey), context.runs.metrics(run.runKey)]);
    if (options.json) return printJson({ ...run, stages, metrics });
    print(`${run.workflowId}  ${run.outcome ?? 'running'}`);
    if (run.result) print(run.result.reason);
    print(
      table([
        ['stage', 'state', 'since', 'what'],
        ...stages.map((stage) => [stage.stage, stage.state, stage.startedAt, stage.summary]),
      ]),
    );
    return undefined;
  });
};

export const register = (program: Command): void => {
  const runs = program.command('runs').description('List and show runs');
  runs
    .command('list')
    .description('The newest runs')
    .argument('[pipeline]', 'only of this pipeline')
    .option('--pipeline <name>', 'the same')
    .option('--limit <n>', 'how many', '20')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial runs list churn --limit 5')
    .action(list);
  runs
    .command('show')
    .description('One run with its stages')
    .argument('<run>', 'run key, or its first digits')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial runs show 3f2a')
    .action(show);
};
