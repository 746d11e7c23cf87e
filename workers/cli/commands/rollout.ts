import { type Command, Option } from 'commander';
import type { RolloutOutcome } from '#domain/contracts/rollout.ts';
import type { VersionNumber } from '#domain/units.ts';
import type { Context } from '../context.ts';
import { note, paint, print, printJson } from '../output.ts';
import { parseCount } from '../quantity.ts';
import type { Despite } from '../rollout/same-question.ts';
import type { RolloutWish, StartedRollout } from '../rollout/start-rollout.ts';
import { createStory } from '../story.ts';
import { exitOfInterrupt, parseTimeout, type Waited, waitForEnd, waitTimedOut } from '../wait-for-end.ts';

type Options = {
  strategy?: string;
  reason: string;
  by?: string;
  despite?: Despite;
  wait?: boolean;
  timeout?: string;
  json?: boolean;
};

/** As those of a run: promoted, or rejected by the traffic. */
const exits: Readonly<Record<RolloutOutcome['end'], number>> = { promoted: 0, 'rolled back': 3 };

/** Servers impute what nobody publishes; the rollout goes on, and a person should know. */
const noteUnpublished = async (context: Context, { pipeline, version }: RolloutWish): Promise<void> => {
  const { unpublishedText, unpublishedViews } = await import('../unpublished-views.ts');
  const views = await unpublishedViews(context, pipeline, version).catch((error: Error) => {
    note(`cannot tell whether version ${version} finds published values: ${error.message}`);
    return [];
  });
  if (views.length > 0) note(unpublishedText(pipeline, version, views));
};

const untilEnd = async (
  context: Context,
  { pipeline }: RolloutWish,
  started: StartedRollout,
  timeoutMs: number | null,
): Promise<Waited<RolloutOutcome>> => {
  const { followRollout } = await import('../rollout/follow-rollout.ts');
  const ended = new AbortController();
  const { rolloutId } = started;
  const told = followRollout(context, { pipeline, rolloutId }, createStory(process.stderr), ended.signal).catch(() => undefined);
  try {
    return await waitForEnd(started.outcome, timeoutMs);
  } finally {
    ended.abort();
    await told;
  }
};

const printOutcome = ({ end, reason, observed, harmed, version }: RolloutOutcome): void => {
  print(`${paint(end === 'promoted' ? 'green' : 'yellow', end)}  ${reason}`);
  print(`  seen: ${observed}`);
  if (harmed !== null) print(`  version ${version} answered ${harmed.requests} requests; ${harmed.events} of them went wrong`);
};

const tellEnd = (waited: Waited<RolloutOutcome>, started: StartedRollout, options: Options): void => {
  const goesOn = `${started.workflowId} goes on; the same command attaches to it again`;
  if ('interrupt' in waited) {
    note(`detached: ${goesOn}`);
    process.exitCode = exitOfInterrupt[waited.interrupt];
  } else if ('timedOut' in waited) {
    note(`waited ${options.timeout}: ${goesOn}`);
    process.exitCode = waitTimedOut;
  } else {
    process.exitCode = exits[waited.outcome.end];
    if (options.json) printJson({ ...waited.outcome, attached: started.attached });
    else printOutcome(waited.outcome);
  }
};

const rollOut = async (name: string, asked: string, options: Options): Promise<void> => {
  const { withContext } = await import('../context.ts');
  const { withTemporal } = await import('../temporal.ts');
  const { requirePipeline } = await import('../known-pipeline.ts');
  const { startRollout } = await import('../rollout/start-rollout.ts');
  const [version, timeoutMs] = [parseCount('version', asked) as VersionNumber, parseTimeout(options.timeout)];
  await withContext((context) =>
    withTemporal(context, async (client) => {
      const pipeline = await requirePipeline(context, name, 'Cannot roll out a version of');
      const decision = { by: options.by ?? context.config.actor, reason: options.reason };
      const wish = { pipeline, version, strategy: options.strategy ?? null, despite: options.despite ?? null, ...decision };
      const started = await startRollout(context, client, wish);
      const { workflowId, rolloutId, attached, begun } = started;
      note(`${attached ? 'attached to' : 'started'} ${workflowId}`);
      if (!begun) note('no worker has begun it yet; it begins when `perennial worker flow` and `perennial worker cpu` run');
      await noteUnpublished(context, wish);
      if (options.wait) return tellEnd(await untilEnd(context, wish, started, timeoutMs), started, options);
      if (options.json) return printJson({ workflowId, rolloutId, attached, begun, ...decision });
      return print(`${pipeline}: version ${version} is being rolled out; \`perennial status ${pipeline}\` shows how far it is`);
    }),
  );
};

export const register = (program: Command): void => {
  program
    .command('rollout')
    .description('Roll a version out beside the champion, or attach to the rollout of it that runs')
    .argument('<pipeline>')
    .argument('<version>', 'a version that is registered or retired; `perennial models list` shows them')
    .requiredOption('--reason <text>', 'why, for the record (required)')
    .option('--by <name>', 'who decides; absent: you')
    .option('--strategy <strategy>', 'canary, blue/green, shadow or a/b, in place of the one in the pipeline file')
    .addOption(
      new Option('--despite <what>', 'accept it by name: that the version answers another question').choices(['question']),
    )
    .option('--wait', 'wait for the end; the exit code tells it: 0 promoted, 3 rolled back, 1 failed')
    .option('--timeout <duration>', 'with --wait: stop waiting after this (exit code 124); the rollout goes on')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
It is judged against the champion of now, by the rules of the pipeline file as it was applied last. Ctrl-C detaches.
\`perennial hold\`, \`resume\`, \`promote\` and \`rollback\` are for while it runs.

Example:
  $ perennial rollout churn 4 --reason "the outage of yesterday was not its fault" --wait`,
    )
    .action(rollOut);
};
