/** Steps and the store, wherever they are needed. */
import type { ErrorEntry } from './entry.ts';

export const runningErrors = {
  PRN_STEP_TIMEOUT: {
    meaning: 'A step did not end within its time, retries included',
    retry: 'retry',
    who: 'operator',
    action: 'See that the workers run (`perennial status`), then run again',
    status: 504,
    exit: 6,
  },
  PRN_OBJECT_CORRUPT: {
    meaning: 'The bytes of a stored object do not have its digest',
    retry: 'final',
    who: 'operator',
    action: 'Run `perennial data verify`; restore the object from a backup',
    status: 500,
    exit: 1,
  },
  PRN_STORE_FULL: {
    meaning: 'There is no space left for an object',
    retry: 'retry',
    who: 'operator',
    action: 'Free space, for example with `perennial data gc`, or enlarge the disk',
    status: 503,
    exit: 6,
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
