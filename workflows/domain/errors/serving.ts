/** What a server answers. */
import type { ErrorEntry } from './entry.ts';

export const servingErrors = {
  PRN_SERVING_NO_MODEL: {
    meaning: 'No model is served under this name',
    retry: 'final',
    who: 'operator',
    action: 'Train one: `perennial run PIPELINE`',
    status: 404,
    exit: 4,
  },
  PRN_SERVING_STARTING: {
    meaning: 'A server that has just started has no model in memory yet',
    retry: 'retry',
    who: 'operator',
    action: 'Ask again; where it lasts, GET /v2/health/ready says why',
    status: 503,
    exit: 6,
  },
  PRN_SERVING_REQUEST: {
    meaning: "A request does not fit the model's schema",
    retry: 'final',
    who: 'author',
    action: 'Correct the field that the message names',
    status: 422,
    exit: 2,
  },
  PRN_SERVING_ANSWER: {
    meaning: 'A model gave an answer that is not a number',
    retry: 'final',
    who: 'author',
    action: 'Look at the row and the model; `perennial rollback` returns to the champion before it',
    status: 500,
    exit: 1,
  },
  PRN_HTTP_REFUSED: {
    meaning: 'A request comes under a host name or an origin that this server does not answer, or by a way that is not open',
    retry: 'final',
    who: 'operator',
    action: 'Use the address that the server printed when it started, or set the variable that the message names',
    status: 403,
    exit: 2,
  },
  PRN_HTTP_UNAUTHORIZED: {
    meaning: 'A request does not prove who sent it, or not soon enough',
    retry: 'final',
    who: 'operator',
    action: 'Send a token or a signature that the server knows, by a clock that is right; see infra/runbooks/webhooks.md',
    status: 401,
    exit: 2,
  },
  PRN_SERVING_OVERLOADED: {
    meaning: 'The server sheds load',
    retry: 'retry',
    who: 'operator',
    action: 'Ask again after the time in Retry-After',
    status: 503,
    exit: 6,
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
