import { setTimeout as wait } from 'node:timers/promises';
import { errorRegistry, PerennialError } from '#domain/errors.ts';

const limitMs = 60_000;
const pauseMs = 250;

const isFinal = (error: unknown): boolean => error instanceof PerennialError && errorRegistry[error.code].retry !== 'retry';

/**
 * Asks again while a server does not answer: any of them may be killed, and the supervisor brings it back. A final error of
 * ours, and any error after a minute of them, is thrown. `work` must be such that doing it twice is doing it once.
 */
export const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
  const deadline = performance.now() + limitMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (isFinal(error) || performance.now() > deadline) throw error;
      await wait(pauseMs);
    }
  }
};
