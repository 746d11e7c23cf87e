/** Lives through days of a watched pipeline with pretended steps: each look finds the next day, and the runs that ended. */
import type { WorkflowHandle } from '@temporalio/client';
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import type { Notice } from '#domain/contracts/notice.ts';
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import type { WatchMeasurement, WatchPlan } from '#domain/contracts/watch.ts';
import type { PipelineName, RunKey } from '#domain/units.ts';
import { watchStart } from '../../infra/temporal/watch.ts';
import type { WatchStatus } from '../../workflows/messages.ts';
import { watchStatusQuery } from '../../workflows/messages.ts';
import type { watchDrift } from '../../workflows/watch-drift.ts';
import type { MeasureWatchInput } from '../../workflows/watch-steps.ts';
import type { Over, Pretend } from './pretend.ts';
import { measured, newCursor, watchPlan } from './pretend-watch.ts';
import type { World } from './world.ts';

export type WatchHandle = WorkflowHandle<typeof watchDrift>;
export type WatchStory = {
  readonly pipeline: PipelineName;
  /** Looks that were taken. */
  looks(): number;
  /** Days from now on; after the last one time stands still. */
  days(found: readonly Partial<WatchMeasurement>[]): void;
  readonly inputs: MeasureWatchInput[];
  readonly records: DecisionRecord[];
  readonly notices: Notice[];
  /** Runs of this pipeline that ended. */
  ended(): readonly RetrainOutcome[];
};

/**
 * Prepares the pretended steps of one watch. Looks come each 30 ms; a look finds a day only once the one before was found.
 * Ended runs are told once, as PostgreSQL would tell them.
 */
export const tellStory = (
  pretend: Pretend,
  pipeline: string,
  plan: Partial<WatchPlan> = {},
  retrain: object = {},
  over: Over = {},
): WatchStory => {
  let [waiting, day]: [Partial<WatchMeasurement>[], number] = [[], -1];
  const [inputs, records, notices]: [MeasureWatchInput[], DecisionRecord[], Notice[]] = [[], [], []];
  const told = new Set<RunKey>();
  const endedRuns = () =>
    pretend.outcomes
      .filter((one) => one.pipeline === pipeline && !told.has(one.runKey))
      .map(({ runKey, verdict, reason }) => {
        told.add(runKey);
        return { runKey, outcome: verdict, reason, endedAt: new Date().toISOString() as never };
      });
  const measureWatch: Over['measureWatch'] = async (input) => {
    // A watch of an earlier test may still have a look under way.
    if (input.pipeline !== pipeline) return measured(0);
    inputs.push(input);
    const next = waiting.shift();
    if (next !== undefined) day += 1;
    const found = measured(Math.max(0, day), { windows: [], ...next });
    return { ...found, ended: [...found.ended, ...endedRuns()] };
  };
  pretend.change({
    openWatch: async () => ({
      plan: watchPlan({ pipeline: pipeline as PipelineName, everyMs: 30, ...plan }, retrain),
      cursor: newCursor(),
    }),
    measureWatch,
    recordDecisions: async ({ decisions }) => {
      records.push(...decisions.filter((one) => one.pipeline === pipeline));
    },
    sendNotice: async (notice) => {
      if (notice.pipeline === pipeline) notices.push(notice);
      return { addressees: 1 };
    },
    ...over,
  });
  return {
    pipeline: pipeline as PipelineName,
    looks: () => inputs.length,
    days: (found) => {
      waiting = [...waiting, ...found];
    },
    inputs,
    records,
    notices,
    ended: () => pretend.outcomes.filter((one) => one.pipeline === pipeline),
  };
};

export const startWatch = (world: World, { pipeline }: WatchStory): Promise<WatchHandle> =>
  world.client.workflow.start<typeof watchDrift>('watchDrift', watchStart(pipeline));

/** Asks the query until it says what is wanted; the failure names what it said last. */
export const untilWatch = async (
  handle: WatchHandle,
  what: string,
  wanted: (status: WatchStatus) => boolean,
  withinMs = 100_000,
): Promise<WatchStatus> => {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const status = await handle.query(watchStatusQuery);
    if (wanted(status)) return status;
    if (performance.now() > deadline) throw new Error(`Expected "${what}", last status was ${JSON.stringify(status)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};

/** Waits for what a step was told; the failure names how it stands. */
export const until = async (
  what: string,
  holds: () => boolean,
  stands: () => unknown = () => '',
  withinMs = 100_000,
): Promise<void> => {
  const deadline = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`Expected "${what}", it stands at ${JSON.stringify(stands())}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
