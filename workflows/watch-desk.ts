/** What can be said to a watch: its messages, all registered before anything is awaited. */
import { condition, setHandler } from '@temporalio/workflow';
import type { WatchState } from '#domain/contracts/watch.ts';
import { restText } from '#domain/decide/watch/rest.ts';
import { type HeardAlert, hearAlert } from '#domain/decide/watch/watch-state.ts';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import { asRunFailure, failure, isFailure } from './failures.ts';
import {
  alertReceivedSignal,
  changePolicyUpdate,
  type Decision,
  dataArrivedSignal,
  decisionsQuery,
  endWatchUpdate,
  labelsArrivedSignal,
  lastReportQuery,
  type RetrainAnswer,
  type RetrainAskedFor,
  requestRetrainUpdate,
  resumeWatchUpdate,
  retrainEndedSignal,
  snoozeUpdate,
  type WatchStatus,
  watchStatusQuery,
} from './messages.ts';
import { quickSteps } from './step-options.ts';

/** Somebody waits for its answer. */
export type RetrainWish = { readonly asked: RetrainAskedFor; answer: RetrainAnswer | Error | null };

/** What a watch works with; all that must outlive the run is in `state`. */
export type Watch = {
  readonly pipeline: PipelineName;
  state: WatchState;
  readonly wishes: RetrainWish[];
  /** Look at once: a person waits, a run ended, the policy changed. */
  urgent: boolean;
  /** Changes of the policy, by number: whichever is read first, the last that can be read goes. */
  readonly policies: { asked: number; taken: number };
  /** Who ended the watch, and why. */
  ending: Decision | null;
};

const longest = 1000;

/** Validators see unparsed input and are synchronous: what they refuse leaves no trace in the history. */
const checkDecision = (said: Partial<Decision> | null | undefined): void => {
  for (const field of ['by', 'reason'] as const) {
    const value: unknown = said?.[field];
    if (typeof value !== 'string' || value.trim() === '' || value.length > longest)
      throw failure('PRN_INPUT_INVALID', `Cannot decide as "${field}" must be a text of 1 to ${longest} characters`);
  }
};

const refuse = (message: string): never => {
  throw failure('PRN_CONFLICT', message);
};

const checkOpen = (watch: Watch): void => {
  if (watch.ending !== null) refuse(`Cannot go on as ${watch.ending.by} ended this watch: ${watch.ending.reason}`);
};

const triggers: readonly unknown[] = ['person', 'schedule'];
const despites: readonly unknown[] = ['data quality', 'budget'];

const checkWish = (watch: Watch, asked: RetrainAskedFor): void => {
  checkDecision(asked);
  checkOpen(watch);
  if (!triggers.includes(asked.trigger))
    throw failure('PRN_INPUT_INVALID', 'Cannot ask as "trigger" must be "person" or "schedule"');
  if (!Array.isArray(asked.despite) || !asked.despite.every((one) => despites.includes(one)))
    throw failure('PRN_INPUT_INVALID', 'Cannot ask as "despite" must be a list of "data quality" and "budget"');
  const { snoozed } = watch.state;
  if (snoozed === null) return;
  const wayOut = `\`perennial resume ${watch.pipeline} --reason …\` ends that, \`perennial run\` runs once all the same`;
  refuse(`Cannot ask for a retrain as its watch is ${restText(snoozed, Date.now())} (${snoozed.reason}); ${wayOut}`);
};

const hearWish = async (watch: Watch, asked: RetrainAskedFor): Promise<RetrainAnswer> => {
  const wish: RetrainWish = { asked, answer: null };
  watch.wishes.push(wish);
  watch.urgent = true;
  await condition(() => wish.answer !== null);
  if (wish.answer instanceof Error) throw wish.answer;
  return wish.answer as unknown as RetrainAnswer;
};

/** Beyond it nobody means a pause; an instant must stay one that a date can hold. */
const longestSnoozeMs = 100 * 365 * 86_400_000;

const checkSnooze = (watch: Watch, said: Decision & { readonly forMs: number }): void => {
  checkDecision(said);
  checkOpen(watch);
  if (!(Number.isSafeInteger(said.forMs) && said.forMs > 0 && said.forMs <= longestSnoozeMs))
    throw failure('PRN_INPUT_INVALID', `Cannot snooze as "forMs" must be whole milliseconds above 0: it is ${said.forMs}`);
};

const readPlan = (watch: Watch, definitionSha256: string) =>
  quickSteps.openWatch.executeWithOptions({ summary: `rules of definition ${definitionSha256.slice(0, 12)}` }, [
    { pipeline: watch.pipeline, definitionSha256: definitionSha256 as Sha256 },
  ]);

const changePolicy = async (watch: Watch, definitionSha256: string): Promise<void> => {
  watch.policies.asked += 1;
  const number = watch.policies.asked;
  const { plan } = await readPlan(watch, definitionSha256).catch((error: unknown) => {
    throw isFailure(error) ? asRunFailure(error) : error;
  });
  if (number > watch.policies.taken) {
    watch.policies.taken = number;
    watch.state = { ...watch.state, plan };
  }
  watch.urgent = true;
};

const openSignals = (watch: Watch): void => {
  setHandler(
    alertReceivedSignal,
    (alert) => {
      watch.state = hearAlert(watch.state, alert as Partial<HeardAlert> | null);
    },
    { description: 'Something outside is wrong. The same id twice is one; a thousand are one question' },
  );
  const want = (): void => {
    watch.state = { ...watch.state, wanted: true };
  };
  setHandler(labelsArrivedSignal, want, { description: 'Labels came: look soon' });
  setHandler(dataArrivedSignal, want, { description: 'Data came: look soon' });
  const hurry = (): void => {
    watch.urgent = true;
  };
  setHandler(retrainEndedSignal, hurry, { description: 'A run ended: read how' });
};

const openUpdates = (watch: Watch, status: () => WatchStatus): void => {
  setHandler(requestRetrainUpdate, (asked) => hearWish(watch, asked), {
    validator: (asked) => checkWish(watch, asked),
    description: 'Asks for a retrain and answers with what was decided. Argument: { by, reason, trigger, despite }',
  });
  setHandler(
    changePolicyUpdate,
    async ({ definitionSha256 }) => {
      await changePolicy(watch, definitionSha256);
      return status();
    },
    {
      validator: (said) => {
        checkDecision(said);
        checkOpen(watch);
        if (!/^[0-9a-f]{64}$/.test(String(said.definitionSha256)))
          throw failure('PRN_INPUT_INVALID', 'Cannot change the policy as "definitionSha256" must be 64 hexadecimal digits');
      },
      description: 'Goes by the rules of another definition from now on. Argument: { by, reason, definitionSha256 }',
    },
  );
  setHandler(
    endWatchUpdate,
    (said) => {
      watch.ending = said;
      return status();
    },
    { validator: checkDecision, description: 'Ends this watch; a run under way goes on. Argument: { by, reason }' },
  );
};

const openPause = (watch: Watch, status: () => WatchStatus): void => {
  setHandler(
    snoozeUpdate,
    ({ by, reason, forMs }) => {
      watch.state = { ...watch.state, snoozed: { by, reason, untilMs: Date.now() + forMs } };
      return status();
    },
    {
      validator: (said) => checkSnooze(watch, said),
      description: 'Measures on, and retrains nothing by itself for so long. Argument: { by, reason, forMs }',
    },
  );
  setHandler(
    resumeWatchUpdate,
    () => {
      watch.state = { ...watch.state, snoozed: null };
      watch.urgent = true;
      return status();
    },
    {
      validator: (said) => {
        checkDecision(said);
        if (watch.state.snoozed === null) refuse('Cannot resume as this watch is not snoozed');
      },
      description: 'Ends a snooze. Argument: { by, reason }',
    },
  );
};

/** Registers all messages; to be called before anything is awaited, or an early update finds no handler. */
export const openDesk = (watch: Watch, status: () => WatchStatus): void => {
  openSignals(watch);
  openUpdates(watch, status);
  openPause(watch, status);
  setHandler(watchStatusQuery, status, { description: 'What this watch knows, and when it looks next' });
  setHandler(lastReportQuery, () => watch.state.reports, { description: 'The newest windows with their verdicts' });
  setHandler(decisionsQuery, () => watch.state.decisions, { description: 'The newest decisions, also every "no"' });
};
