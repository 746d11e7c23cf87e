/** Training on its own queue: waits for a worker there, visibly, and for no longer than the plan allows. */
import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { RetrainPlan } from '#domain/contracts/retrain.ts';
import { hourMs, minuteMs, secondMs } from '#domain/units.ts';
import { failure, wasNeverTaken } from './failures.ts';
import { taskQueues } from './names.ts';
import { tellOfRun } from './run-notices.ts';
import type { StageBoard } from './stage-board.ts';
import { gpuSteps, quickSteps, trainOptions } from './step-options.ts';
import type { TrainInput, TrainSummary } from './steps.ts';

/**
 * A training that nobody takes is scheduled again after this. Shorter, and runs lose their place in the queue to younger
 * ones again and again; longer, and a queue that was renamed or repaired is seen late.
 */
const longestWaitMs = 30 * minuteMs;

/** Looks come at growing distances: the first seconds matter to a person, the twentieth hour does not. */
const firstLookMs = 2 * secondMs;
const lastLookMs = 5 * minuteMs;

/**
 * Says that no worker asks the queue for work, until one does. The workflow is not told when a step starts, so this is
 * also how the sentence goes away. (A worker that trains does not ask, but is remembered for some minutes.)
 */
const watchForWorker = async (plan: RetrainPlan, board: StageBoard, since: string): Promise<void> => {
  for (let pauseMs = firstLookMs; ; pauseMs = Math.min(2 * pauseMs, lastLookMs)) {
    const { pollers } = await quickSteps.countPollers.executeWithOptions({ summary: `who polls ${taskQueues.gpu}?` }, [
      { queue: taskQueues.gpu },
    ]);
    if (pollers > 0) return board.waitFor('train', null);
    const waits = `No worker on ${taskQueues.gpu} since ${since}; start one with: perennial worker gpu`;
    board.waitFor('train', waits);
    // One that is starting with everything else is there by the second look, and nobody's night is worth two seconds.
    if (pauseMs === 2 * firstLookMs) await tellOfRun(plan, 'no gpu worker', waits);
    await sleep(pauseMs, { summary: 'next look for a worker' });
  }
};

/** Runs the watch beside the work and ends it with the work, whichever way that ends. */
const beside = async <T>(watch: () => Promise<void>, work: () => Promise<T>): Promise<T> => {
  const scope = new CancellationScope();
  const watching = scope.run(watch).catch((error: unknown) => {
    if (!isCancellation(error)) throw error;
  });
  try {
    return await work();
  } finally {
    scope.cancel();
    await watching;
  }
};

const hours = (ms: number): string => (ms >= hourMs ? `${Math.round(ms / hourMs)} h` : `${Math.round(ms / secondMs)} s`);

/** Throws PRN_TRAINER_NO_WORKER when nobody took the training within `plan.gpuWaitMs`, counted over all waits. */
export const trainOnGpu = async (plan: RetrainPlan, input: TrainInput, board: StageBoard): Promise<TrainSummary> => {
  const startedAt = Date.now();
  const since = new Date(startedAt).toISOString();
  for (;;) {
    const leftMs = startedAt + plan.gpuWaitMs - Date.now();
    if (leftMs <= 0) {
      throw failure(
        'PRN_TRAINER_NO_WORKER',
        `Cannot train "${plan.pipeline}" as a worker must take it from "${taskQueues.gpu}" within ${hours(plan.gpuWaitMs)}: none did since ${since}`,
      );
    }
    const options = trainOptions(plan.trainTimeoutMs, Math.min(leftMs, longestWaitMs));
    const train = () =>
      gpuSteps.trainCandidate.executeWithOptions({ ...options, summary: `train with ${plan.trainer}` }, [input]);
    try {
      return await beside(() => watchForWorker(plan, board, since), train);
    } catch (error) {
      if (!wasNeverTaken(error)) throw error;
    }
  }
};
