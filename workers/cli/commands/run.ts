import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { instantSchema } from '#domain/contracts/ids.ts';
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Instant, PipelineName, RunKey } from '#domain/units.ts';
import type { Context } from '../context.ts';
import { followStages } from '../follow.ts';
import { inOrder } from '../models/in-order.ts';
import { errorDocument, exitOfOutcome, note, paint, print, printJson, short, tellError } from '../output.ts';
import type { StartedRun } from '../start-run.ts';
import { createStory } from '../story.ts';
import {
  exitOfInterrupt,
  type Interrupt,
  type Interrupted,
  parseTimeout,
  untilInterrupted,
  type Waited,
  waitForEnd,
  waitTimedOut,
} from '../wait-for-end.ts';

type Options = {
  wait?: boolean;
  json?: boolean;
  cutoff?: string;
  set: string[];
  force?: string | true;
  reason?: string;
  timeout?: string;
  cancelOnInterrupt?: boolean;
};

const collect = (value: string, before: string[]): string[] => [...before, value];

const parseCutoff = (text: string | undefined): Instant | undefined => {
  if (text === undefined) return undefined;
  const date = new Date(text);
  if (Number.isNaN(date.getTime()))
    throw new PerennialError('PRN_USAGE', `Cannot use cut-off "${text}": it should be an instant such as 2001-02-01T00:00:00Z`);
  return instantSchema.parse(date.toISOString());
};

/** A path is applied first, with its schedule and its watch; a name is run as it was applied. */
const resolvePipeline = async (context: Context, client: Client, nameOrPath: string): Promise<PipelineName> => {
  if (!existsSync(nameOrPath)) return nameOrPath as PipelineName;
  const { applyPipeline } = await import('../spec/apply-pipeline.ts');
  const { settlePipeline } = await import('../pipelines/settle-pipeline.ts');
  const { pipeline, changed } = await applyPipeline(context, nameOrPath);
  await settlePipeline(context, client, pipeline, changed).catch((error: unknown) => {
    // The run needs neither; `apply` says the same and fails.
    note(`${(error as Error).message}; \`perennial apply ${nameOrPath}\` does the rest`);
  });
  return pipeline;
};

/** A person means it: a pause keeps a pipeline from running by itself, and not from this. */
const notePause = async (context: Context, pipeline: PipelineName): Promise<void> => {
  const paused = (await context.pipelines.state(pipeline))?.paused;
  if (paused != null) note(`${pipeline} is paused by ${paused.by} (${paused.reason}); it runs now because you ask for it`);
};

/** Cancels only what this command started itself: others may wait for the same run. */
const leave = async (started: StartedRun, signal: Interrupt, options: Options): Promise<void> => {
  const isOwn = !started.attached;
  if (options.cancelOnInterrupt && isOwn) await started.cancel();
  note(
    options.cancelOnInterrupt && isOwn
      ? `asked ${started.workflowId} to cancel`
      : `detached: ${started.workflowId} goes on; the same command attaches to it again`,
  );
  process.exitCode = exitOfInterrupt[signal];
};

const printOutcome = (outcome: RetrainOutcome): void => {
  const colour = outcome.verdict === 'promoted' ? 'green' : outcome.verdict === 'failed' ? 'red' : 'yellow';
  print(`${paint(colour, outcome.verdict)}  ${outcome.reason}`);
  print(`  data version   ${short(outcome.dataVersion)}`);
  print(`  model version  ${outcome.modelVersion ?? '-'}`);
  for (const [name, value] of inOrder(outcome.metrics)) print(`  ${name.padEnd(13)}  ${value.toFixed(4)}`);
};

/** Says on stderr what is done, stage by stage: a training may take hours, and silence looks like a fault. */
const tellStages = (context: Context, runKey: RunKey): { end(): Promise<void> } => {
  const ended = new AbortController();
  const story = createStory(process.stderr);
  // Later than what is asked for in the same breath: an interrupt must find the command listening.
  const later = setImmediate(undefined);
  const told = [
    later.then(() => followStages(context, runKey, story, ended.signal)),
    later
      .then(() => import('../rollout/follow-rollout.ts'))
      .then(({ followRolloutOfRun }) => followRolloutOfRun(context, runKey, story, ended.signal)),
  ];
  return {
    end: async () => {
      ended.abort();
      await Promise.allSettled(told);
    },
  };
};

type Failed = { readonly error: unknown; readonly outcome: RetrainOutcome };

const endOf = async (
  context: Context,
  started: StartedRun,
  timeoutMs: number | null,
  interrupted: Promise<Interrupted> | null,
): Promise<Waited<RetrainOutcome> | Failed> => {
  const told = started.ended ? null : tellStages(context, started.runKey);
  try {
    return await waitForEnd(started.outcome, timeoutMs, interrupted ?? untilInterrupted());
  } catch (error) {
    const { recordedFailure } = await import('../failed-run.ts');
    const outcome = await recordedFailure(context, started.runKey, error);
    if (outcome === null) throw error;
    return { error, outcome };
  } finally {
    await told?.end();
  }
};

/** The exit code is that of the verdict: 3 says that a gate decided, and here none came to it. */
const tellFailure = ({ error, outcome }: Failed, options: Options, further: object): void => {
  process.exitCode = exitOfOutcome.failed;
  const known = error instanceof PerennialError;
  if (options.json)
    printJson({ ...outcome, ...further, ...(known && { error: { ...errorDocument(error), exit: exitOfOutcome.failed } }) });
  else if (known) tellError(error);
  else printOutcome(outcome);
};

const runAction = async (nameOrPath: string, options: Options): Promise<void> => {
  const { withContext } = await import('../context.ts');
  const { withTemporal } = await import('../temporal.ts');
  const { startRun } = await import('../start-run.ts');
  const { warnBeforeRun } = await import('../warn-before-run.ts');
  const [cutoff, timeoutMs] = [parseCutoff(options.cutoff), parseTimeout(options.timeout)];
  await withContext((context) =>
    withTemporal(context, async (client) => {
      const pipeline = await resolvePipeline(context, client, nameOrPath);
      await notePause(context, pipeline);
      let interrupted: Promise<Interrupted> | null = null;
      const started = await startRun(context, client, {
        pipeline,
        ...(cutoff === undefined ? {} : { cutoff }),
        overrides: options.set,
        trigger: {
          kind: context.config.isCi ? 'ci' : 'command',
          by: context.config.actor,
          reason: options.reason ?? 'asked for by command',
        },
        ...(options.force === undefined ? {} : { force: options.force === true ? new Date().toISOString() : options.force }),
        beforeStart: async (definition) => {
          // Who waits listens before anything is said or started: an interrupt that follows has something to leave.
          interrupted = options.wait ? untilInterrupted() : null;
          await warnBeforeRun(context, definition, interrupted);
        },
      });
      const link = context.endpoints.temporalUiUrl
        ? `${context.endpoints.temporalUiUrl}/namespaces/${context.endpoints.temporalNamespace}/workflows/${encodeURIComponent(started.workflowId)}`
        : null;
      const how = started.ended ? 'ended before:' : started.attached ? 'attached to' : 'started';
      note(`${how} ${started.workflowId}${link ? `\n${link}` : ''}`);
      if (!options.wait)
        return options.json
          ? printJson({ workflowId: started.workflowId, runKey: started.runKey, attached: started.attached, link })
          : undefined;
      const waited = await endOf(context, started, timeoutMs, interrupted);
      if ('error' in waited) return tellFailure(waited, options, { attached: started.attached, link });
      if ('interrupt' in waited) return leave(started, waited.interrupt, options);
      if ('timedOut' in waited) {
        note(
          `waited ${options.timeout}: ${started.workflowId} goes on; the same command attaches to it again, perennial status ${pipeline} shows how far it is`,
        );
        process.exitCode = waitTimedOut;
        return undefined;
      }
      const { outcome } = waited;
      process.exitCode = exitOfOutcome[outcome.verdict];
      return options.json ? printJson({ ...outcome, attached: started.attached, link }) : printOutcome(outcome);
    }),
  );
};

export const register = (program: Command): void => {
  program
    .command('run')
    .description('Start a run, or attach to the one with the same data, code and parameters')
    .argument('<pipeline>', 'name of an applied pipeline, or the path of one (it is applied first)')
    .option('--wait', 'wait for the end; the exit code is the verdict: 0 promoted, 3 rejected, 8 inconclusive, 9 held, 1 failed')
    .option('--json', 'one JSON document')
    .option('--cutoff <instant>', 'leave out rows with event time at or after it')
    .option('--set <path=value>', 'override a field of the pipeline file for this run (may repeat)', collect, [])
    .option('--force [key]', 'a run of its own although nothing changed')
    .option('--reason <text>', 'why, for the record')
    .option('--timeout <duration>', 'with --wait: stop waiting after this (exit code 124); the run goes on')
    .option('--cancel-on-interrupt', 'with --wait: Ctrl-C (and SIGTERM) cancels the run if this command started it')
    .addHelpText(
      'after',
      '\nWithout --cancel-on-interrupt Ctrl-C detaches: the run goes on, and the same command attaches to it again.\n\nExamples:\n  $ perennial run pipelines/churn --wait\n  $ perennial run churn --set training.seed=2 --wait --json',
    )
    .action(runAction);
};
