/** What people may ask of a rollout while it runs. */
import { ApplicationFailure } from '@temporalio/common';
import { condition, setHandler } from '@temporalio/workflow';
import { holdForWord, resumeForWord } from '#domain/decide/canary/obey-person.ts';
import { checkDecision } from './approval.ts';
import {
  type Decision,
  holdUpdate,
  promoteUpdate,
  resumeUpdate,
  rollBackUpdate,
  rolloutEndedSignal,
  rolloutStatusQuery,
} from './messages.ts';
import { type Live, statusOf } from './rollout-live.ts';

export type RolloutDesk = {
  /** From here on messages are heard; before it they are refused. */
  open(live: Live): void;
  /** Waits for the next look: for so long, or until somebody says something. */
  pause(ms: number): Promise<void>;
};

const refuse = (message: string): never => {
  throw ApplicationFailure.nonRetryable(message, 'PRN_CONFLICT');
};

/** What may be asked: when it is refused, and what it changes. */
type Offer = {
  readonly update: typeof holdUpdate;
  readonly what: string;
  readonly description: string;
  /** Throws where it may not be done; it is known that the rollout runs and that nothing else was asked. */
  check(live: Live, word: Decision): void;
  act(live: Live, word: Decision): void;
};

const hold: Offer = {
  update: holdUpdate,
  what: 'hold',
  description: 'Keeps the share as it is until a person resumes; harm still takes it back. Argument: { by, reason }',
  check: ({ state }, { by }) => {
    if (state.hold?.by === 'person' && state.hold.name !== by) refuse(`Cannot hold as ${state.hold.name} already holds`);
  },
  act: (live, word) => {
    live.state = holdForWord(live.state, word);
    live.reason = `Held by ${word.by}: ${word.reason}`;
  },
};

const resume: Offer = {
  update: resumeUpdate,
  what: 'resume',
  description: 'Lets a rollout go on that a person holds. Argument: { by, reason }',
  check: ({ state }) => {
    if (state.hold === null) refuse('Cannot resume as nobody holds');
    if (state.hold?.by !== 'person') refuse(`Cannot resume as it is held by ${state.hold?.by}, no person: promote or roll back`);
  },
  act: (live, word) => {
    live.state = resumeForWord(live.state);
    live.reason = `Resumed by ${word.by}: ${word.reason}`;
  },
};

/** The next look fulfils it. */
const wish = (update: Offer['update'], what: 'promote' | 'roll back', description: string): Offer => ({
  update,
  what,
  description,
  check: () => {},
  act: (live, { by, reason }) => {
    live.asked = { what, by, reason };
  },
});

const offers: readonly Offer[] = [
  hold,
  resume,
  wish(promoteUpdate, 'promote', 'All traffic to the candidate, unless harm is shown. Argument: { by, reason }'),
  wish(rollBackUpdate, 'roll back', 'All traffic back to the champion. Argument: { by, reason }'),
];

/** Of two who ask for an end the first is heard, and the second is told by whom. */
const requireRunning = (live: Live | null, what: string): Live => {
  if (live === null) return refuse(`Cannot ${what} as the rollout has not begun`);
  if (live.ending || live.state.phase !== 'running') return refuse(`Cannot ${what} as the rollout ends: ${live.reason}`);
  const { asked } = live;
  if (asked !== null) return refuse(`Cannot ${what} as ${asked.by} already asked to ${asked.what}: ${asked.reason}`);
  return live;
};

/**
 * Registers the messages; to be called before anything is awaited, or an early update finds no handler. What an earlier
 * history knew is heard from the first moment, as if there had been one history; null where the rollout is to begin.
 */
export const openRolloutDesk = (known: Live | null): RolloutDesk => {
  let live = known;
  let woken = false;
  const wake = (): void => {
    woken = true;
  };
  setHandler(rolloutStatusQuery, () => statusOf(live ?? refuse('Cannot tell as the rollout has not begun')), {
    description: 'Share, phase and the newest decision of this rollout',
  });
  setHandler(rolloutEndedSignal, wake, { description: 'Somebody else ended this rollout: look at once' });
  for (const { update, what, description, check, act } of offers) {
    const answer = (word: Decision) => {
      // The validator has seen to it that it runs; both happen in one piece.
      const running = live as Live;
      act(running, word);
      wake();
      return statusOf(running);
    };
    const validator = (word: Decision): void => {
      checkDecision(word);
      check(requireRunning(live, what), word);
    };
    setHandler(update, answer, { description, validator });
  }
  return {
    open: (found) => {
      live = found;
    },
    pause: async (ms) => {
      await condition(() => woken, ms, { summary: 'next look' });
      woken = false;
    },
  };
};
