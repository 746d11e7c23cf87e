/**
 * The one place where a step meets Temporal: it gives the step its surroundings, keeps its heart beating,
 * and turns whatever it throws into the one failure that workflows understand.
 */
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { type ErrorCode, errorRegistry, PerennialError } from '#domain/errors.ts';
import type { StepContext } from './step-context.ts';

/**
 * Codes that a retry may mend, but that count as final from this attempt on. Lower, and a restart that we do not recognise
 * or one killed trainer ends a run; higher, and a plain mistake keeps a run going for longer than a person waits.
 * With the back-off of `workflows/step-options.ts` seven attempts take 31 s, and ten two minutes.
 * Shutdowns and lost workers consume attempts too, but are not failures of these kinds.
 */
const finalFromAttempt: Partial<Record<ErrorCode, number>> = {
  PRN_INTERNAL: 7,
  PRN_TRAINER_ENVIRONMENT: 5,
  PRN_TRAINER_CRASHED: 3,
  PRN_TRAINER_SILENT: 2,
};

/** Cancellation travels on the answer to a heartbeat, so this is also how late a step hears of it. */
const heartbeatEveryMs = 2_000;

/** Error codes of sockets and of PostgreSQL (classes 08 and 57P) that mean: the server is not there just now. */
const unreachable = /^(ECONN|EPIPE$|ETIMEDOUT$|EHOSTUNREACH$|ENOTFOUND$|EAI_AGAIN$|08\d{3}$|57P0[1-5]$|53300$)/;

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
};

/** Errors of nested causes count too: clients wrap what the socket said. */
const meansUnreachable = (error: unknown, depth = 0): boolean =>
  error instanceof Error &&
  depth < 5 &&
  (unreachable.test(codeOf(error)) ||
    /Connection terminated|timeout exceeded when trying to connect/.test(error.message) ||
    meansUnreachable(error.cause, depth + 1));

const classify = (error: unknown): PerennialError => {
  if (error instanceof PerennialError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (meansUnreachable(error)) return new PerennialError('PRN_UNREACHABLE', message, { cause: error });
  return new PerennialError('PRN_INTERNAL', message, { cause: error });
};

const isFinal = (code: ErrorCode, attempt: number): boolean =>
  errorRegistry[code].retry === 'final' || attempt >= (finalFromAttempt[code] ?? Number.POSITIVE_INFINITY);

/** The failure that stands in the history: the code is its type, the registry says whether a retry can help. */
export const toApplicationFailure = (error: unknown, attempt = 1): ApplicationFailure => {
  if (error instanceof ApplicationFailure) return error;
  const known = classify(error);
  const { who, action } = errorRegistry[known.code];
  const cause = error === known ? known.cause : error;
  return ApplicationFailure.create({
    message: known.message,
    type: known.code,
    nonRetryable: isFinal(known.code, attempt),
    details: [{ code: known.code, who, action, ...known.details }],
    ...(cause instanceof Error && { cause }),
  });
};

/** Beats at least three times within the time allowed, each time with the step's newest detail. */
const startHeartbeat = (context: Context, detail: () => unknown): (() => void) => {
  const allowedMs = context.info.heartbeatTimeoutMs;
  if (allowedMs === undefined) return () => {};
  const timer = setInterval(() => context.heartbeat(detail()), Math.min(heartbeatEveryMs, allowedMs / 3));
  return () => clearInterval(timer);
};

/** What a step threw after it was told to stop is a consequence of that, whatever it looks like. */
const asThrown = (error: unknown, context: Context): unknown => {
  if (error instanceof CancelledFailure) return error;
  if (context.cancellationSignal.aborted) return context.cancellationSignal.reason ?? error;
  return toApplicationFailure(error, context.info.attempt);
};

type StepFunction<Input, Output> = (input: Input, context: StepContext) => Promise<Output>;

const runStep = async <Input, Output>(step: StepFunction<Input, Output>, input: Input): Promise<Output> => {
  const context = Context.current();
  let latest: unknown = context.info.heartbeatDetails;
  const stopHeartbeat = startHeartbeat(context, () => latest);
  const startedAt = performance.now();
  try {
    const surroundings: StepContext = {
      signal: context.cancellationSignal,
      heartbeat: (detail) => {
        latest = detail;
        if (context.info.heartbeatTimeoutMs !== undefined) context.heartbeat(detail);
      },
    };
    const output = await step(input, surroundings);
    context.log.info('step done', { step: context.info.activityType, ms: Math.round(performance.now() - startedAt) });
    return output;
  } catch (error) {
    const thrown = asThrown(error, context);
    const code = thrown instanceof ApplicationFailure ? thrown.type : 'cancelled';
    context.log.warn('step ended early', { step: context.info.activityType, code, reason: (error as Error)?.message });
    throw thrown;
  } finally {
    stopHeartbeat();
  }
};

/** Wraps a step so that Temporal can call it. Errors keep their cause; cancellation passes through untouched. */
export const createBoundary =
  () =>
  <Input, Output>(step: StepFunction<Input, Output>) =>
  (input: Input): Promise<Output> =>
    runStep(step, input);
