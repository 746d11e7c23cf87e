/**
 * One for each pipeline, for ever: see `watchDrift` at the end for the story.
 */
import { allHandlersFinished, condition, continueAsNew, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { WatchInput, WatchState } from '#domain/contracts/watch.ts';
import { beginWatch, refuseState } from '#domain/decide/watch/watch-state.ts';
import { secondMs } from '#domain/units.ts';
import { failure, isFailure, isFinal, messageOf } from './failures.ts';
import { lastingSteps } from './step-options.ts';
import { createWatchBoard, statusOf } from './watch-board.ts';
import { openDesk, type Watch } from './watch-desk.ts';
import { takeLook } from './watch-look.ts';
import { tellFailing } from './watch-notes.ts';

/**
 * Labels and alerts ask for a look, but not for one each: at most one in this time, or in the time between two looks
 * where that is shorter. Shorter, and a chatty webhook keeps a worker busy; longer, and an alert waits for its answer.
 */
const leastGapMs = 30 * secondMs;

/** A replay of so many events takes half a second; with fewer, more of the database is starts of runs. */
const mostEvents = 1_000;

/** What the run before carried over, checked; or a watch that has seen nothing. Synchronous: handlers work on it at once. */
const firstState = ({ pipeline, state }: WatchInput): WatchState => {
  if (state === undefined) return beginWatch(pipeline, Date.now());
  const refused = refuseState(state);
  if (refused !== null) throw failure('PRN_INPUT_INVALID', `Cannot go on with the watch of "${pipeline}" as ${refused}`);
  return state;
};

/** A policy that was changed while the rules were read is newer than they are. */
const readRules = async (watch: Watch): Promise<void> => {
  const { plan, cursor } = await lastingSteps.openWatch.executeWithOptions({ summary: 'read the rules' }, [
    { pipeline: watch.pipeline, definitionSha256: null },
  ]);
  watch.state = { ...watch.state, cursor, plan: watch.policies.taken === 0 ? plan : watch.state.plan };
};

/** When to look next, by the wall. Alerts about a run that is under way wait for its end, or for the next look. */
const dueAt = ({ state, urgent, wishes }: Watch): number => {
  const { lookedAtMs, plan, wanted, alerts, run, snoozed } = state;
  if (urgent || wishes.length > 0 || lookedAtMs === null) return 0;
  const gapMs = wanted || (alerts.length > 0 && run === null) ? Math.min(leastGapMs, plan.everyMs) : plan.everyMs;
  return Math.min(lookedAtMs + gapMs, snoozed?.untilMs ?? Number.MAX_SAFE_INTEGER);
};

const isLong = (): boolean => {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength >= mostEvents;
};

/** Waits until a look is due, somebody ends the watch, or its history is long enough. */
const waitForWork = async (watch: Watch): Promise<void> => {
  for (;;) {
    const due = dueAt(watch);
    const leftMs = due - Date.now();
    if (leftMs <= 0 || watch.ending !== null || isLong()) return;
    const sooner = () => dueAt(watch) < due || watch.ending !== null || isLong();
    await condition(sooner, leftMs, { summary: `next look at ${watch.pipeline}` });
  }
};

const endSnooze = (watch: Watch): void => {
  const { snoozed } = watch.state;
  if (snoozed !== null && snoozed.untilMs <= Date.now()) watch.state = { ...watch.state, snoozed: null };
};

/** Nothing ends a watch but a person: what stops a look is shown, and the next look tries again. */
const look = async (watch: Watch): Promise<void> => {
  try {
    const more = await takeLook(watch);
    watch.urgent ||= more;
    if (watch.state.problem === null) watch.state = { ...watch.state, failing: null };
  } catch (error) {
    if (!isFailure(error)) throw error;
    const problem = messageOf(error).slice(0, 500);
    watch.state = { ...watch.state, problem };
    for (const wish of watch.wishes.splice(0))
      wish.answer = failure('PRN_UNREACHABLE', `Cannot decide as the watch cannot look: ${problem}`);
    if (!isCancellation(error)) await tellFailing(watch, `cannot look: ${problem}`, isFinal(error));
  }
};

const leave = async (watch: Watch): Promise<void> => {
  for (const wish of watch.wishes.splice(0)) wish.answer = failure('PRN_CONFLICT', 'Cannot decide as this watch was ended');
  await condition(allHandlersFinished);
};

/** No handler is half-way. Whoever waits for an answer must have it from this run. */
const isQuiet = async (watch: Watch): Promise<boolean> => {
  await condition(() => allHandlersFinished() || watch.wishes.length > 0);
  return allHandlersFinished();
};

/** The next run looks at once where this one would have. */
const goOn = ({ pipeline, state, urgent }: Watch): Promise<never> =>
  continueAsNew<typeof watchDrift>({ format: 1, pipeline, state: { ...state, ...(urgent && { lookedAtMs: null }) } });

/**
 * Watches one pipeline for ever: looks each `watch.every` and when something happens, has windows that closed measured,
 * lets the rules of drift, performance and retraining decide, records every decision, also every "no", and starts a
 * retrain as an abandoned child. How runs ended is read by the next look, each once, and changes the next decision.
 *
 * Messages: signals `alertReceived`, `labelsArrived`, `dataArrived`, `retrainEnded`, which only queue; updates
 * `requestRetrain`, `changePolicy`, `snooze`, `resume`, `end`; queries `status`, `lastReport`, `decisions`. It ends by
 * `end` or when it is cancelled, and a run under way goes on.
 *
 * Carries one versioned state over a continue-as-new, and refuses a state of another format. Order and names of steps,
 * timers and children may not be changed without a version marker.
 */
export async function watchDrift(input: WatchInput): Promise<void> {
  const watch: Watch = {
    pipeline: input.pipeline,
    state: firstState(input),
    wishes: [],
    urgent: false,
    policies: { asked: 0, taken: 0 },
    ending: null,
  };
  openDesk(watch, () => statusOf(watch));
  if (input.state === undefined) await readRules(watch);
  const show = createWatchBoard(watch);
  for (;;) {
    show();
    await waitForWork(watch);
    const isDone = watch.ending === null && isLong() && (await isQuiet(watch));
    // Asked after that wait: who ended the watch meanwhile was told so by this run, and the next would not know.
    if (watch.ending !== null) return leave(watch);
    if (isDone) await goOn(watch);
    endSnooze(watch);
    await look(watch);
  }
}
