import { PerennialError } from '#domain/errors.ts';

/** Stops waiting after a time, for answers from servers that may be frozen rather than gone. The work itself goes on. */
export const withDeadline = async <T>(ms: number, what: string, work: Promise<T>): Promise<T> => {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new PerennialError('PRN_UNREACHABLE', `Cannot ${what}: no answer in ${ms} ms`)), ms);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // Whoever loses the race may still fail; by then nobody waits for it.
    work.catch(() => {});
  }
};
