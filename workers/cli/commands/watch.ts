import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { durationSchema } from '#domain/contracts/pipeline-spec/quantities.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import type { Context } from '../context.ts';
import { print, printJson } from '../output.ts';

type Asking = { readonly context: Context; readonly client: Client; readonly pipeline: PipelineName };

const collect = (value: string, before: string[]): string[] => [...before, value];

const withWatch = async (asked: string, work: (asking: Asking) => Promise<void>): Promise<void> => {
  const { withContext } = await import('../context.ts');
  const { withTemporal } = await import('../temporal.ts');
  const { requirePipeline } = await import('../known-pipeline.ts');
  await withContext(async (context) => {
    const pipeline = await requirePipeline(context, asked, 'Cannot ask the watch of');
    await withTemporal(context, (client) => work({ context, client, pipeline }));
  });
};

const registerStatus = (watch: Command): void => {
  watch
    .command('status')
    .description('Show what the watch of a pipeline knows, and its newest decisions')
    .argument('<pipeline>')
    .option('--json', 'one JSON document')
    .action(async (name: string, options: { json?: boolean }) => {
      const { seeWatch } = await import('../watch/reach-watch.ts');
      const { tellWatch } = await import('../watch/tell-watch.ts');
      await withWatch(name, async ({ client, pipeline }) => {
        const { status, decisions } = await seeWatch(client, pipeline);
        if (options.json) return printJson({ status, decisions });
        return print(tellWatch(status, decisions, Date.now()));
      });
    });
};

const parseDuration = (text: string): number => {
  const parsed = durationSchema.safeParse(text);
  if (parsed.success && parsed.data > 0) return parsed.data;
  throw new PerennialError('PRN_USAGE', `Cannot snooze for "${text}": it should be a duration such as 12h`);
};

const registerSnooze = (watch: Command): void => {
  watch
    .command('snooze')
    .description('Measure on, and retrain nothing by itself for a while')
    .argument('<pipeline>')
    .requiredOption('--for <duration>', 'such as 12h')
    .requiredOption('--reason <text>', 'why, for the record (required)')
    .option('--json', 'one JSON document')
    .action(async (name: string, options: { for: string; reason: string; json?: boolean }) => {
      const forMs = parseDuration(options.for);
      const { snoozeWatch } = await import('../watch/reach-watch.ts');
      await withWatch(name, async ({ context, client, pipeline }) => {
        const status = await snoozeWatch(client, pipeline, { by: context.config.actor, reason: options.reason, forMs });
        return options.json ? printJson(status) : print(`${pipeline}: snoozed until ${status.snoozedUntil}`);
      });
    });
};

const registerResume = (watch: Command): void => {
  watch
    .command('resume')
    .description('End a snooze')
    .argument('<pipeline>')
    .requiredOption('--reason <text>', 'why, for the record (required)')
    .option('--json', 'one JSON document')
    .action(async (name: string, options: { reason: string; json?: boolean }) => {
      const { resumeWatch } = await import('../watch/reach-watch.ts');
      await withWatch(name, async ({ context, client, pipeline }) => {
        const status = await resumeWatch(client, pipeline, { by: context.config.actor, reason: options.reason });
        return options.json ? printJson(status) : print(`${pipeline}: ${status.phase}`);
      });
    });
};

const registerBacktest = (watch: Command): void => {
  watch
    .command('backtest')
    .description('Feed what was observed through other rules, and show which retrains they would have made')
    .argument('<pipeline>')
    .option('--set <path=value>', 'a rule of the pipeline file, such as retrain.cooldown=1h; again for more', collect, [])
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
--set takes what decides: watch.levels, retrain.on, .max_age, .cooldown, .budget and .new_labels. What was measured stays as it was.
Without --set every decision is made again by the rules that it was made by: exit code 3 where one is not what was recorded.

Example:
  $ perennial watch backtest churn --set retrain.cooldown=1h --set watch.levels.drift=0.3`,
    )
    .action(async (name: string, options: { set: string[]; json?: boolean }) => {
      const { withContext } = await import('../context.ts');
      const { backtestWatch } = await import('../watch/backtest.ts');
      const { tellBacktest } = await import('../watch/tell-backtest.ts');
      const found = await withContext((context) => backtestWatch(context, name, options.set));
      if (!found.changed && found.differing > 0) process.exitCode = 3;
      return options.json ? printJson(found) : print(tellBacktest(found));
    });
};

export const register = (program: Command): void => {
  const watch = program
    .command('watch')
    .description('Ask the watch of a pipeline, let it rest, or test other rules on what it saw')
    .addHelpText('after', '\nExample:\n  $ perennial watch status churn');
  for (const add of [registerStatus, registerSnooze, registerResume, registerBacktest]) add(watch);
};
