/** Recognises failures by their code, and gives a failed run one failure with a code on top. */
import { ActivityFailure, ApplicationFailure, TemporalFailure, TimeoutFailure, TimeoutType } from '@temporalio/common';
import { type ErrorCode, errorRegistry } from '#domain/errors.ts';

const isErrorCode = (type: string | null | undefined): type is ErrorCode => typeof type === 'string' && type in errorRegistry;

/** The first failure with one of our codes along the causes; null where there is none. */
const findCoded = (error: unknown): ApplicationFailure | null => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ApplicationFailure && isErrorCode(cause.type)) return cause;
  }
  return null;
};

export const codeOf = (error: unknown): ErrorCode | null => (findCoded(error)?.type as ErrorCode | undefined) ?? null;

/** What happened, in the words of whoever threw it first: wrappers only say that a step failed. */
export const messageOf = (error: unknown): string => {
  const coded = findCoded(error);
  if (coded !== null) return coded.message;
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return root instanceof Error ? root.message : String(root);
};

/**
 * False for mistakes in workflow code (a TypeError): those are not caught. Temporal then tries the task again until the
 * mistake is mended, and no run is lost to it.
 */
export const isFailure = (error: unknown): error is TemporalFailure => error instanceof TemporalFailure;

/** True for what no repetition mends: the step said so itself, at its first attempt or its last. */
export const isFinal = (error: unknown): boolean => findCoded(error)?.nonRetryable === true;

/** True where no worker took a step within its scheduleToStartTimeout. */
export const wasNeverTaken = (error: unknown): boolean =>
  error instanceof ActivityFailure &&
  error.cause instanceof TimeoutFailure &&
  error.cause.timeoutType === TimeoutType.SCHEDULE_TO_START;

export const failure = (code: ErrorCode, message: string, cause?: unknown): ApplicationFailure => {
  const { who, action } = errorRegistry[code];
  return ApplicationFailure.create({
    message,
    type: code,
    nonRetryable: true,
    details: [{ code, who, action }],
    ...(cause instanceof Error && { cause }),
  });
};

/** What a failed run ends with: the code of the step that failed, with the whole chain behind it. */
export const asRunFailure = (error: unknown): ApplicationFailure => {
  const coded = findCoded(error);
  if (coded !== null && coded === error) return coded;
  if (coded !== null) return failure(coded.type as ErrorCode, coded.message, error);
  const step = error instanceof ActivityFailure ? `step "${error.activityType}"` : 'run';
  if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure) {
    return failure('PRN_STEP_TIMEOUT', `Cannot go on as ${step} must end within its time: ${messageOf(error)}`, error);
  }
  return failure('PRN_INTERNAL', `Cannot go on with ${step}: ${messageOf(error)}`, error);
};
