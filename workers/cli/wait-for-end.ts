/** Waiting for what is durable: whoever stops waiting detaches, and it goes on. */
import { setTimeout as wait } from 'node:timers/promises';
import { durationSchema } from '#domain/contracts/pipeline-spec/quantities.ts';
import { PerennialError } from '#domain/errors.ts';

export type Interrupt = 'SIGINT' | 'SIGTERM';
export const exitOfInterrupt: Readonly<Record<Interrupt, number>> = { SIGINT: 130, SIGTERM: 143 };
/** As `timeout` of the shell has it. */
export const waitTimedOut = 124;

/** null: as long as it takes. Throws PRN_USAGE. */
export const parseTimeout = (text: string | undefined): number | null => {
  if (text === undefined) return null;
  const parsed = durationSchema.safeParse(text);
  if (!parsed.success) throw new PerennialError('PRN_USAGE', `Cannot use timeout "${text}": it should be a duration such as 2h`);
  return parsed.data;
};

export type Interrupted = { readonly interrupt: Interrupt };

/** From now on the first interrupt ends nothing by itself; the second does. */
export const untilInterrupted = (): Promise<Interrupted> =>
  new Promise((resolve) => {
    for (const interrupt of ['SIGINT', 'SIGTERM'] as const) process.once(interrupt, () => resolve({ interrupt }));
  });

export type Waited<Outcome> = { readonly outcome: Outcome } | Interrupted | { readonly timedOut: true };

/**
 * `ending` is told when nobody waits for it any more: a question that is left open would keep the command from its end.
 * `interrupted` is of who listened before, so that an interrupt which came between counts.
 */
export const waitForEnd = async <Outcome>(
  ending: (over: AbortSignal) => Promise<Outcome>,
  timeoutMs: number | null,
  interrupted: Promise<Interrupted> = untilInterrupted(),
): Promise<Waited<Outcome>> => {
  const timer = new AbortController();
  const late = { timedOut: true } as const;
  const timeouts = timeoutMs === null ? [] : [wait(timeoutMs, late, { signal: timer.signal }).catch(() => late)];
  const ended = ending(timer.signal).then((outcome) => ({ outcome }));
  try {
    return await Promise.race([ended, interrupted, ...timeouts]);
  } finally {
    timer.abort();
  }
};
