import { setTimeout as wait } from 'node:timers/promises';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import type { Context } from '../context.ts';

/** A worker that runs begins in a moment. Longer, and a person waits for one that does not run. */
const beginsWithinMs = 15_000;
const pollMs = 100;

const seesRow = async (context: Context, rolloutId: string, over: AbortSignal): Promise<boolean> => {
  const rollouts = createRollouts(context.database.db);
  const deadline = performance.now() + beginsWithinMs;
  while (performance.now() < deadline && !over.aborted) {
    if ((await rollouts.get(rolloutId)) !== null) return true;
    await wait(pollMs, undefined, { signal: over }).catch(() => undefined);
  }
  return false;
};

/** True once the rollout stands in PostgreSQL, false where no worker began it in time. Throws what it failed with before. */
export const untilBegun = async (
  context: Context,
  rolloutId: string,
  outcome: (over: AbortSignal) => Promise<unknown>,
): Promise<boolean> => {
  const over = new AbortController();
  const ended = outcome(over.signal).then(() => true);
  try {
    return await Promise.race([seesRow(context, rolloutId, over.signal), ended]);
  } finally {
    over.abort();
  }
};
