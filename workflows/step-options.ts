/** How long a step may take and how it is retried, by class of step. Every number says what either error would cost. */
import { ActivityCancellationType, type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import { dayMs, hourMs, minuteMs, secondMs } from '#domain/units.ts';
import { taskQueues } from './names.ts';
import type { CpuSteps, GpuSteps } from './steps.ts';

/**
 * Attempts are not limited here: a lost worker or a restarted server consumes one, and neither says anything about the
 * step. Which errors are final is decided by `activities/boundary.ts`; time is bounded by scheduleToCloseTimeout.
 * A pause of more than 30 s would make a run look stuck after the database is back; a first one of less than 0.5 s
 * would use up attempts while a server restarts.
 */
const retry = { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 30 * secondMs };

/**
 * A worker that dies is noticed after this. Shorter, and a step that blocks its thread for some seconds is started a
 * second time beside itself (harmless, but wasted); longer, and every lost worker costs that much.
 */
const heartbeatTimeout = 20 * secondMs;

/**
 * How long a run waits for PostgreSQL, the store or a worker to come back, in one step. Less than a night, and a night's
 * outage ends runs that could have gone on; more than a day, and nobody remembers the run.
 */
const patience = dayMs;

/** A cancelled run ends when its step has ended: nothing of it still works, or writes, after the end is recorded. */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** Steps of a few statements. 20 s: far more than a statement takes, and what a worker lost in the middle costs. */
const quickOptions: ActivityOptions = {
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: 20 * secondMs,
  scheduleToCloseTimeout: patience,
  retry,
  cancellationType,
};

/** Steps over all rows. 6 h: some hundred million rows on a small machine; a step that hangs is ended by it. */
const dataOptions: ActivityOptions = {
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: 6 * hourMs,
  scheduleToCloseTimeout: patience,
  heartbeatTimeout,
  retry,
  cancellationType,
};

/**
 * Beyond the trainer's own time: fetching the frame, setting a Python environment up once, storing the model.
 * Too short, and the first training on a slow machine never ends well; too long only delays noticing a hang there.
 */
const aroundTrainingMs = 30 * minuteMs;

/** `waitMs` is for a worker to take it; `trainMs` is what the pipeline allows the trainer. */
export const trainOptions = (trainMs: number, waitMs: number): ActivityOptions => ({
  scheduleToStartTimeout: waitMs,
  startToCloseTimeout: trainMs + aroundTrainingMs,
  // Four whole trainings: machines that are taken away in the middle come back with a checkpoint.
  scheduleToCloseTimeout: waitMs + 4 * (trainMs + aroundTrainingMs),
});

export const quickSteps = proxyActivities<CpuSteps>(quickOptions);
export const dataSteps = proxyActivities<CpuSteps>(dataOptions);
/**
 * One look of a watch: some windows and the labels that came. 30 min: far more than a backlog takes, and what a hang
 * costs. A watch that failed to look tries again at its next look, so that nothing ends it.
 */
export const lookSteps = proxyActivities<CpuSteps>({
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: 30 * minuteMs,
  scheduleToCloseTimeout: patience,
  heartbeatTimeout,
  retry,
  cancellationType,
});
/** What a watch must not lose, however long PostgreSQL is away: it waits for as long as it takes. */
export const lastingSteps = proxyActivities<CpuSteps>({ taskQueue: taskQueues.cpu, startToCloseTimeout: 20 * secondMs, retry });
/** Only this proxy names the GPU queue; its timeouts come from the plan, see `trainOptions`. */
export const gpuSteps = proxyActivities<GpuSteps>({
  taskQueue: taskQueues.gpu,
  startToCloseTimeout: hourMs,
  heartbeatTimeout,
  retry,
  cancellationType,
});
