/** Before a window is judged: what each server counted into it is told. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Instant, PipelineName } from '#domain/units.ts';
import { secondMs } from '#domain/units.ts';
import type { WatchEvidence } from '../../infra/postgres/watch-evidence.ts';
import type { StepContext } from '../step-context.ts';

/** Several times what servers take between two tellings, idle ones too. One that is silent for longer is not waited for. */
const patienceMs = 30 * secondMs;
const askEveryMs = secondMs;

export type WindowEnd = {
  readonly pipeline: PipelineName;
  readonly end: Instant;
  /** By the database, when the data time was seen to have passed the window. */
  readonly since: Instant;
};

/**
 * Servers tell their counters each at its own pace, so that one of them may bring data time beyond a window that another
 * has rows of. Waits until each server with a fresh report has told of a later window, or of any since then, or that it
 * has nothing to tell; at most 30 s. Gives those that stayed silent.
 */
export const awaitCounters = async (
  evidence: Pick<WatchEvidence, 'unheard'>,
  { pipeline, end, since }: WindowEnd,
  context: StepContext,
  mostMs = patienceMs,
): Promise<readonly string[]> => {
  const deadline = performance.now() + mostMs;
  for (;;) {
    const silent = await evidence.unheard(pipeline, end, since);
    if (silent.length === 0 || performance.now() >= deadline) return silent;
    context.heartbeat({ waitsFor: silent.slice(0, 5) });
    await delay(Math.min(askEveryMs, mostMs), undefined, { signal: context.signal });
  }
};
