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

/** Registers the messages; to be called before anything is awaited, or an early update finds no handler. */
export const openRolloutDesk = (): RolloutDesk => {
  let live: Live | null = null;
  let woken = false;

  const running = (what: string): Live => {
    if (live === null) return refuse(`Cannot ${what} as the rollout has not begun`);
    if (live.ending || live.state.phase !== 'running') return refuse(`Cannot ${what} as the rollout ends: ${live.reason}`);
    const { asked } = live;
    if (asked !== null) return refuse(`Cannot ${what} as ${asked.by} already asked to ${asked.what}: ${asked.reason}`);
    return live;
  };
  const holder = (found: Live): string | null => (found.state.hold?.by === 'person' ? found.state.hold.name : null);
  const wake = (): void => {
    woken = true;
  };
  /** The status after the change; validators have seen to it that there is something to change. */
  const change = (what: (found: Live) => void) => {
    const found = live as Live;
    what(found);
    wake();
    return statusOf(found);
  };

  setHandler(
    rolloutStatusQuery,
    () => {
      if (live === null) throw ApplicationFailure.nonRetryable('The rollout has not begun', 'PRN_CONFLICT');
      return statusOf(live);
    },
    { description: 'Share, phase and the newest decision of this rollout' },
  );
  setHandler(rolloutEndedSignal, wake, { description: 'Somebody else ended this rollout: look at once' });
  setHandler(
    holdUpdate,
    (word: Decision) =>
      change((found) => {
        found.state = holdForWord(found.state, word);
        found.reason = `Held by ${word.by}: ${word.reason}`;
      }),
    {
      description: 'Keeps the share as it is until a person resumes; harm still takes it back. Argument: { by, reason }',
      validator: (word: Decision) => {
        checkDecision(word);
        const by = holder(running('hold'));
        if (by !== null && by !== word.by) refuse(`Cannot hold as ${by} already holds`);
      },
    },
  );
  setHandler(
    resumeUpdate,
    (word: Decision) =>
      change((found) => {
        found.state = resumeForWord(found.state);
        found.reason = `Resumed by ${word.by}: ${word.reason}`;
      }),
    {
      description: 'Lets a rollout go on that a person holds. Argument: { by, reason }',
      validator: (word: Decision) => {
        checkDecision(word);
        const { state } = running('resume');
        if (state.hold === null) refuse('Cannot resume as nobody holds');
        if (state.hold?.by !== 'person')
          refuse(`Cannot resume as no person holds: it is held by ${state.hold?.by}; promote or roll back`);
      },
    },
  );
  const ask = (what: 'promote' | 'roll back') => (word: Decision) =>
    change((found) => {
      found.asked = { what, by: word.by, reason: word.reason };
    });
  setHandler(promoteUpdate, ask('promote'), {
    description: 'All traffic to the candidate, unless harm is shown. Argument: { by, reason }',
    validator: (word: Decision) => {
      checkDecision(word);
      running('promote');
    },
  });
  setHandler(rollBackUpdate, ask('roll back'), {
    description: 'All traffic back to the champion. Argument: { by, reason }',
    validator: (word: Decision) => {
      checkDecision(word);
      running('roll back');
    },
  });

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
