/** Schedules as Temporal holds them, brought in line with what pipelines say. */
import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { type CronSchedule, parseCron } from '#domain/cron.ts';
import { hourMs, minuteMs, type PipelineName } from '#domain/units.ts';
import { retentionScheduleId, scheduleId, searchAttributes, taskQueues, workflowTypes } from '../../workflows/names.ts';

export type WantedSchedule = {
  /** As the pipeline file says it. */
  readonly cron: string;
  /** Why it rests; null where it does not. */
  readonly paused: string | null;
};
export type ScheduleChange = 'created' | 'changed' | 'unchanged' | 'deleted' | 'none';

const monthNames = [
  ...(['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE'] as const),
  ...(['JULY', 'AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER'] as const),
];
const dayNames = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'] as const;

/** Values one by one: what Temporal itself makes of a cron text differs from others in its corners. */
const calendarOf = (cron: string, { minutes, hours, daysOfMonth, months, daysOfWeek }: CronSchedule) => ({
  comment: cron,
  minute: [...minutes],
  hour: [...hours],
  dayOfMonth: [...daysOfMonth],
  month: months.map((month) => monthNames[month - 1] as (typeof monthNames)[number]),
  dayOfWeek: daysOfWeek.map((day) => dayNames[day] as (typeof dayNames)[number]),
});

/** The action asks a watch, which takes seconds: one that hangs must not hold up every later one for good. */
const executionTimeoutMs = 10 * minuteMs;
/** After an outage what was missed within it is made good once; Temporal's own default is a year. */
const catchupWindowMs = 6 * hourMs;
/** One that is due while another asks waits for it, and is not lost. */
const overlap = ScheduleOverlapPolicy.BUFFER_ONE;

const optionsOf = (pipeline: PipelineName, { cron, paused }: WantedSchedule): ScheduleOptions => {
  const parsed = parseCron(cron);
  if (parsed.kind === 'wrong') throw new RangeError(`Cannot use "${cron}" as a schedule: ${parsed.reason}`);
  return {
    scheduleId: scheduleId(pipeline),
    spec: { calendars: [calendarOf(cron, parsed.schedule)], timezone: 'UTC' },
    action: {
      type: 'startWorkflow',
      workflowType: workflowTypes.scheduledRetrain,
      workflowId: scheduleId(pipeline),
      taskQueue: taskQueues.flow,
      args: [{ format: 1, pipeline }],
      workflowExecutionTimeout: executionTimeoutMs,
    },
    policies: { overlap, catchupWindow: catchupWindowMs },
    state: { paused: paused !== null, note: paused ?? '' },
    searchAttributes: { [searchAttributes.pipeline]: [pipeline] },
  };
};

/** As this program sets it up: one before may have meant otherwise. */
const isOurs = ({ action, policies }: ScheduleDescription): boolean =>
  policies.overlap === overlap &&
  policies.catchupWindow === catchupWindowMs &&
  action.type === 'startWorkflow' &&
  action.workflowExecutionTimeout === executionTimeoutMs;

const isAsWanted = (found: ScheduleDescription, { cron, paused }: WantedSchedule): boolean =>
  isOurs(found) &&
  found.spec.calendars?.[0]?.comment === cron &&
  found.state.paused === (paused !== null) &&
  (found.state.note ?? '') === (paused ?? '');

const remove = async (client: Client, pipeline: PipelineName): Promise<ScheduleChange> => {
  try {
    await client.schedule.getHandle(scheduleId(pipeline)).delete();
    return 'deleted';
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return 'none';
    throw error;
  }
};

const change = async (client: Client, pipeline: PipelineName, wanted: WantedSchedule): Promise<ScheduleChange> => {
  const handle = client.schedule.getHandle(scheduleId(pipeline));
  if (isAsWanted(await handle.describe(), wanted)) return 'unchanged';
  const { scheduleId: _id, memo: _memo, searchAttributes: _attributes, ...options } = optionsOf(pipeline, wanted);
  await handle.update((before) => ({ ...before, ...options, state: { ...before.state, ...options.state } }) as never);
  return 'changed';
};

/** Creates, changes or deletes; again with the same changes nothing. Whoever deletes it meanwhile has it created again. */
export const reconcileSchedule = async (
  client: Client,
  pipeline: PipelineName,
  wanted: WantedSchedule | null,
): Promise<ScheduleChange> => {
  if (wanted === null) return remove(client, pipeline);
  try {
    await client.schedule.create(optionsOf(pipeline, wanted));
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    return change(client, pipeline, wanted).catch((gone: unknown) => {
      if (gone instanceof ScheduleNotFoundError) return reconcileSchedule(client, pipeline, wanted);
      throw gone;
    });
  }
};

/** At night, where most are asleep; not on the hour, when everything else begins. */
const retentionCron = '17 2 * * *';

const retentionOptions = (schedule: CronSchedule): ScheduleOptions => ({
  scheduleId: retentionScheduleId,
  spec: { calendars: [calendarOf(retentionCron, schedule)], timezone: 'UTC' },
  action: {
    type: 'startWorkflow',
    workflowType: workflowTypes.applyRetention,
    workflowId: retentionScheduleId,
    taskQueue: taskQueues.flow,
    args: [{ format: 1 }],
    // The next day does what this one could not.
    workflowExecutionTimeout: '23h',
  },
  policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '24h' },
});

/** Creates the schedule that deletes what has outlived its retention; one that is there, also one that rests, stays. */
export const ensureRetentionSchedule = async (client: Client): Promise<'created' | 'unchanged'> => {
  const parsed = parseCron(retentionCron);
  if (parsed.kind === 'wrong') throw new RangeError(`Cannot use "${retentionCron}" as a schedule: ${parsed.reason}`);
  try {
    await client.schedule.create(retentionOptions(parsed.schedule));
    return 'created';
  } catch (error) {
    if (error instanceof ScheduleAlreadyRunning) return 'unchanged';
    throw error;
  }
};
