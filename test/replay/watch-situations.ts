/** Situations of a watch: what its looks find, and what is said to it meanwhile. Each ends, so that its history does. */
import type { WorkflowHandle } from '@temporalio/client';
import type { WatchMeasurement, WatchPlan } from '#domain/contracts/watch.ts';
import { PerennialError } from '#domain/errors.ts';
import {
  alertReceivedSignal,
  changePolicyUpdate,
  endWatchUpdate,
  requestRetrainUpdate,
  resumeWatchUpdate,
  snoozeUpdate,
} from '../../workflows/messages.ts';
import { retrainWorkflowId, scheduleId, taskQueues, workflowTypes } from '../../workflows/names.ts';
import { evaluation, type Over, type Pretend } from '../workflows/pretend.ts';
import { dayMs, digestOf, labels, newCursor, watchPlan, windowOf } from '../workflows/pretend-watch.ts';
import { startWatch, tellStory, until, untilWatch, type WatchHandle, type WatchStory } from '../workflows/watch-story.ts';
import type { World } from '../workflows/world.ts';

type Lived = { readonly world: World; readonly watch: WatchHandle; readonly story: WatchStory; readonly pretend: Pretend };
type Watched = {
  readonly plan?: Partial<WatchPlan>;
  readonly retrain?: object;
  readonly over?: Over;
  readonly days?: readonly Partial<WatchMeasurement>[];
  live(lived: Lived): Promise<unknown>;
};
type WatchSituation = { start(world: World, pretend: Pretend): Promise<WorkflowHandle> };

const word = { by: 'grace', reason: 'a person said so' };
const breach = { check: 'missing rate', variable: 'tenure', statement: 'missing rate 0.9 > 0.05' } as const;
const days = (count: number, psi: number, from = 0): Partial<WatchMeasurement>[] =>
  Array.from({ length: count }, (_, at) => ({ windows: [windowOf(from + at, psi)] }));
const alert = (at: number, asksForRetrain = true) => ({
  id: `alertmanager/${at}`,
  source: 'alertmanager',
  text: 'ErrorsHigh',
  asksForRetrain,
});

/** Often enough to be recorded in seconds, seldom enough that a history holds what happened and not only looks. */
const everyMs = 250;

const watches = ({ plan, retrain, over, days: found = [], live }: Watched): WatchSituation => ({
  start: async (world, pretend) => {
    const story = tellStory(pretend, 'churn', { everyMs, ...plan }, retrain, over);
    story.days(found);
    const watch = await startWatch(world, story);
    await live({ world, watch, story, pretend });
    await watch.executeUpdate(endWatchUpdate, { args: [word] });
    return watch;
  },
});

const judged =
  (count: number) =>
  ({ watch }: Lived) =>
    untilWatch(watch, `${count} windows`, ({ windowsJudged }) => windowsJudged === count);
const ended = async ({ watch, story }: Lived, count = 1) => {
  await until(`${count} runs ended`, () => story.ended().length === count);
  await untilWatch(watch, 'the end was heard', ({ run }) => run === null);
};
const ask = ({ watch }: Lived) =>
  watch.executeUpdate(requestRetrainUpdate, { args: [{ ...word, trigger: 'person', despite: [] }] });

/** The same challenger loses three times; each time the world has moved on by three days. */
const losesThrice = async (lived: Lived) => {
  for (let day = 0; day < 3; day += 1) {
    lived.story.days(days(3, 0.6, 3 * day));
    await ended(lived, day + 1);
  }
  await until('it backs off', () => lived.story.notices.some(({ event }) => event === 'backed off'));
  await lived.watch.signal(alertReceivedSignal, alert(0));
  await until('an alert is declined', () => lived.story.records.some(({ reason }) => reason.includes('back-off ends')));
};

const sendThousand = async (lived: Lived) => {
  for (let at = 0; at < 1000; at += 50)
    await Promise.all(Array.from({ length: 50 }, (_, more) => lived.watch.signal(alertReceivedSignal, alert(at + more))));
  await untilWatch(lived.watch, 'all seen', ({ alertsSeen }) => alertsSeen === 1000);
  await ended(lived);
};

const napsAndWakes = async (lived: Lived) => {
  await untilWatch(lived.watch, 'it looked', ({ dataTime }) => dataTime !== null);
  await lived.watch.executeUpdate(snoozeUpdate, { args: [{ ...word, forMs: dayMs }] });
  lived.story.days(days(3, 0.6));
  await lived.watch.signal(alertReceivedSignal, alert(0));
  await judged(3)(lived);
  await lived.watch.executeUpdate(resumeWatchUpdate, { args: [word] });
  lived.story.days(days(1, 0.6, 3));
  await ended(lived);
};

const changesRules = async (lived: Lived) => {
  await untilWatch(lived.watch, 'it looked', ({ dataTime }) => dataTime !== null);
  const plan = watchPlan({ everyMs, definitionSha256: digestOf('e') }, { on: ['age'], max_age: '1d' });
  lived.pretend.change({ openWatch: async () => ({ plan, cursor: newCursor() }) });
  await lived.watch.executeUpdate(changePolicyUpdate, { args: [{ ...word, definitionSha256: digestOf('e') }] });
  lived.story.days(days(2, 0.01));
  await ended(lived);
};

const goesOnForLong = async (lived: Lived) => {
  const { runId } = await lived.watch.describe();
  for (let at = 0; (await lived.watch.describe()).runId === runId; at += 1)
    await lived.watch.signal(alertReceivedSignal, alert(at, false));
  lived.story.days(days(2, 0.01, 50));
  await until('the next run looks on', () =>
    lived.story.records.some(({ subject }) => subject.startsWith(windowOf(51).observation.from)),
  );
};

const fails = {
  outcome: 'fail' as const,
  reason: 'roc_auc, gain: upper 95% bound -0.05 < -0.02',
  inequalities: [],
  evidenceIds: ['roc_auc'],
};
const { from, to } = windowOf(0).observation;
const worse = labels({ windows: [{ from, to, reportSha256: digestOf('9'), performance: fails, calibration: null }] });
const nobody = { model: null, trainedAt: null, performance: null, dataTime: null };

export const watchSituations: Readonly<Record<string, WatchSituation>> = {
  'watch-sees-quiet-windows': watches({ days: days(5, 0.01), live: judged(5) }),
  'watch-retrains-on-drift': watches({ days: days(4, 0.6), live: (lived) => ended(lived) }),
  'watch-retrains-on-performance': watches({ days: [{ performance: worse }], live: (lived) => ended(lived) }),
  'watch-quarantines-broken-data': watches({
    days: [...days(1, 0.01), { windows: [windowOf(1, 3, { breaches: [breach] })], openBreaches: 1 }, ...days(1, 0.01, 2)],
    live: judged(3),
  }),
  'watch-hears-a-thousand-alerts': watches({ live: sendThousand }),
  'watch-backs-off-after-three-rejections': watches({
    retrain: { cooldown: '0d' },
    over: { evaluateCandidate: async () => evaluation('fail') },
    live: losesThrice,
  }),
  'watch-is-snoozed-and-resumed': watches({ live: napsAndWakes }),
  'watch-changes-its-policy': watches({ live: changesRules }),
  'watch-continued-as-new': watches({ plan: { everyMs: 10 }, days: days(50, 0.01), live: goesOnForLong }),
  'watch-without-a-champion': watches({
    days: Array.from({ length: 1000 }, () => nobody),
    live: async (lived) => {
      await ask(lived);
      await ended(lived);
    },
  }),
  'watch-cannot-look': watches({
    over: { measureWatch: () => Promise.reject(new PerennialError('PRN_OBJECT_CORRUPT', 'Cannot read the profile')) },
    live: ({ watch }) => untilWatch(watch, 'the problem is shown', ({ problem }) => problem !== null),
  }),
  'watch-cannot-begin-a-run': watches({
    over: { prepareRetrain: () => Promise.reject(new PerennialError('PRN_SOURCE_MISSING', 'Cannot list source "main"')) },
    live: ask,
  }),
  'watch-finds-the-same-run': watches({
    over: {
      prepareRetrain: async ({ pipeline }) => ({
        kind: 'same',
        workflowId: retrainWorkflowId(pipeline, '0123456789abcdef' as never),
        runKey: '0123456789abcdef' as never,
        outcome: 'rejected',
      }),
    },
    live: ask,
  }),
  'a-schedule-asks-the-watch': {
    start: (world) =>
      world.client.workflow.start(workflowTypes.scheduledRetrain, {
        workflowId: scheduleId('churn' as never),
        taskQueue: taskQueues.flow,
        args: [{ format: 1, pipeline: 'churn' }],
      }),
  },
};
