/**
 * The registry of error codes: what each means, whether a retry can help, who acts and what to do.
 * `infra/runbooks/errors.md` is written from it. A code that was retired is never used again. This is the one place to import
 * from; the entries stand in a file for each area.
 */
import { askingErrors } from './errors/asking.ts';
import { dataErrors } from './errors/data.ts';
import { deploymentErrors } from './errors/deployment.ts';
import type { ErrorEntry } from './errors/entry.ts';
import { modelErrors } from './errors/models.ts';
import { runningErrors } from './errors/running.ts';
import { servingErrors } from './errors/serving.ts';

export type { ErrorEntry } from './errors/entry.ts';

export const errorRegistry = {
  ...askingErrors,
  ...dataErrors,
  ...modelErrors,
  ...deploymentErrors,
  ...runningErrors,
  ...servingErrors,
  PRN_INTERNAL: {
    meaning: 'An error that Perennial did not foresee',
    retry: 'retry',
    who: 'perennial',
    action: 'Report it with the log lines around it',
    status: 500,
    exit: 1,
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

export type ErrorCode = keyof typeof errorRegistry;

/**
 * The one error that our own code throws for a failure with a code. The message states what was attempted, what is,
 * and what should be. Boundaries turn it into Temporal's application failure, an HTTP answer or an exit code.
 */
export class PerennialError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PerennialError';
    this.code = code;
    this.details = options.details ?? {};
  }
}
