/**
 * The registry of error codes: what each means, whether a retry can help, who acts and what to do.
 * `infra/runbooks/errors.md` is written from it. A code that was retired is never used again.
 */
export type ErrorEntry = {
  readonly meaning: string;
  /** "final": the same input fails again. "retry": the surroundings may mend. */
  readonly retry: 'final' | 'retry';
  readonly who: 'author' | 'operator' | 'perennial';
  readonly action: string;
  /** HTTP status where a server answers with it. */
  readonly status: number;
  /** Exit code of the command. */
  readonly exit: number;
};

export const errorRegistry = {
  PRN_USAGE: {
    meaning: 'The command or its options are wrong',
    retry: 'final',
    who: 'author',
    action: 'See `perennial help COMMAND`',
    status: 400,
    exit: 2,
  },
  PRN_INPUT_INVALID: {
    meaning: 'An input does not have the form that its schema asks for',
    retry: 'final',
    who: 'author',
    action: 'Correct the field that the message names',
    status: 400,
    exit: 2,
  },
  PRN_CONFIG_INVALID: {
    meaning: 'A setting in the environment cannot be used',
    retry: 'final',
    who: 'operator',
    action: 'Correct the variable that the message names',
    status: 500,
    exit: 2,
  },
  PRN_SPEC_UNREADABLE: {
    meaning: 'A pipeline file cannot be read or is not YAML',
    retry: 'final',
    who: 'author',
    action: 'Correct the path, or the file at the line that the message names',
    status: 400,
    exit: 2,
  },
  PRN_SPEC_INVALID: {
    meaning: 'A pipeline file has a field that is unknown or wrong',
    retry: 'final',
    who: 'author',
    action: 'Correct the field that the message names',
    status: 400,
    exit: 2,
  },
  PRN_DEFINITION_UNKNOWN: {
    meaning: 'A definition digest names nothing that was applied',
    retry: 'final',
    who: 'operator',
    action: 'Run `perennial apply` and start again',
    status: 404,
    exit: 4,
  },
  PRN_NOT_FOUND: {
    meaning: 'What was asked for does not exist',
    retry: 'final',
    who: 'author',
    action: 'List what exists with the command that the message names',
    status: 404,
    exit: 4,
  },
  PRN_CONFLICT: {
    meaning: 'The state changed meanwhile, or another one holds it',
    retry: 'final',
    who: 'operator',
    action: 'Look at the state and ask again',
    status: 409,
    exit: 5,
  },
  PRN_UNREACHABLE: {
    meaning: 'A server that is needed does not answer',
    retry: 'retry',
    who: 'operator',
    action: 'Run `perennial doctor`, then `perennial up`',
    status: 503,
    exit: 6,
  },
  PRN_DATABASE_OUTDATED: {
    meaning: 'The database lacks tables or a migration that this version needs',
    retry: 'final',
    who: 'operator',
    action: 'Run `perennial migrate`',
    status: 500,
    exit: 6,
  },
  PRN_DATABASE_NEWER: {
    meaning: 'The database was migrated by a newer Perennial',
    retry: 'final',
    who: 'operator',
    action: 'Upgrade this program; an older one never writes to a newer schema',
    status: 500,
    exit: 6,
  },
  PRN_SOURCE_MISSING: {
    meaning: 'A source has no such file or no objects',
    retry: 'final',
    who: 'author',
    action: 'Correct data.source.path or bring the file',
    status: 404,
    exit: 4,
  },
  PRN_SOURCE_CHANGED: {
    meaning: 'A source object changed between listing and reading',
    retry: 'final',
    who: 'author',
    action: 'Start a new run: it lists the source again',
    status: 409,
    exit: 5,
  },
  PRN_SOURCE_UNREADABLE: {
    meaning: 'A source object is not what its type says',
    retry: 'final',
    who: 'author',
    action: 'Correct the file or data.source.type',
    status: 422,
    exit: 3,
  },
  PRN_DATA_EMPTY: {
    meaning: 'A source holds no rows',
    retry: 'final',
    who: 'author',
    action: 'Bring data, or correct the cut-off',
    status: 422,
    exit: 3,
  },
  PRN_DATA_COLUMN_MISSING: {
    meaning: 'A declared column is not in the source',
    retry: 'final',
    who: 'author',
    action: 'Correct the name in the pipeline file, or the source',
    status: 422,
    exit: 3,
  },
  PRN_DATA_LABEL: {
    meaning: 'The label cannot be used: one class only, or nothing known',
    retry: 'final',
    who: 'author',
    action: 'Correct data.label, or bring rows of each class',
    status: 422,
    exit: 3,
  },
  PRN_DATA_SQL: {
    meaning: 'An SQL expression of the pipeline file cannot be evaluated',
    retry: 'final',
    who: 'author',
    action: 'Correct the expression that the message names',
    status: 422,
    exit: 2,
  },
  PRN_FEATURE_FUTURE: {
    meaning: 'A view gives a row values that were not known before it',
    retry: 'final',
    who: 'author',
    action: 'Make the view use only rows known before; the message names column, row and instant',
    status: 422,
    exit: 3,
  },
  PRN_FEATURE_LEAKAGE: {
    meaning: 'A single feature predicts the label too well to be true',
    retry: 'final',
    who: 'author',
    action: 'Mark the column as outcome, or raise gate.leakage.at_most',
    status: 422,
    exit: 3,
  },
  PRN_FEATURE_INVALID: {
    meaning: 'A feature cannot be built from what it names',
    retry: 'final',
    who: 'author',
    action: 'Correct features.inputs at the name given',
    status: 422,
    exit: 2,
  },
  PRN_FEATURE_SPLIT: {
    meaning: 'Too few rows for training or hold-out after the split',
    retry: 'final',
    who: 'author',
    action: 'Bring more rows, or shorten training.holdout',
    status: 422,
    exit: 3,
  },
  PRN_TRAINER_UNKNOWN: {
    meaning: 'No trainer has this name',
    retry: 'final',
    who: 'author',
    action: 'Correct training.trainer',
    status: 422,
    exit: 2,
  },
  PRN_TRAINER_ENVIRONMENT: {
    meaning: "A trainer's environment cannot be set up here",
    retry: 'retry',
    who: 'operator',
    action: 'Run `perennial doctor`',
    status: 503,
    exit: 6,
  },
  PRN_TRAINER_BAD_JOB: {
    meaning: 'The trainer says that the job cannot be done',
    retry: 'final',
    who: 'author',
    action: 'Read its last lines in the message; correct training.parameters',
    status: 422,
    exit: 2,
  },
  PRN_TRAINER_BAD_RESULT: {
    meaning: 'The trainer ended well but its result is not there, not whole or not true',
    retry: 'final',
    who: 'author',
    action: 'Correct the trainer; the message names what is wrong',
    status: 422,
    exit: 1,
  },
  PRN_TRAINER_CRASHED: {
    meaning: 'The trainer ended by itself without success',
    retry: 'retry',
    who: 'author',
    action: 'Read its last lines in the message',
    status: 500,
    exit: 1,
  },
  PRN_TRAINER_SILENT: {
    meaning: 'The trainer said nothing for longer than allowed, or ran out of time',
    retry: 'retry',
    who: 'author',
    action: 'Raise training.resources.timeout, or have the trainer print progress',
    status: 504,
    exit: 1,
  },
  PRN_TRAINER_NO_WORKER: {
    meaning: 'No worker took the training within the time allowed',
    retry: 'final',
    who: 'operator',
    action: 'Start one: `perennial worker gpu`',
    status: 503,
    exit: 6,
  },
  PRN_MODEL_REFUSED: {
    meaning: 'An ONNX file cannot be admitted',
    retry: 'final',
    who: 'author',
    action: 'Export the model again as the message says',
    status: 422,
    exit: 3,
  },
  PRN_MODEL_PARITY: {
    meaning: "The served answers differ from the trainer's own",
    retry: 'final',
    who: 'author',
    action: 'Compare the export with the trainer; the message names row and output',
    status: 422,
    exit: 3,
  },
  PRN_EVALUATION: {
    meaning: 'A model cannot be scored on the hold-out',
    retry: 'final',
    who: 'author',
    action: 'See the message',
    status: 422,
    exit: 1,
  },
  PRN_EVALUATION_QUESTION: {
    meaning: 'The label asks another question than the champion answers, so that neither can be the better one',
    retry: 'final',
    who: 'author',
    action:
      'Put data.label (or its classes) back, or give the pipeline another name; to begin anew under this name: `perennial delete PIPELINE --yes --reason …`, then run it again',
    status: 409,
    exit: 5,
  },
  PRN_DEPLOY_CONFLICT: {
    meaning: 'The deployment is another than was expected: another champion, another rollout, or none any more',
    retry: 'final',
    who: 'operator',
    action:
      'Look at `perennial status PIPELINE`: wait for a rollout that runs or take it back; a candidate that was compared with a former champion is to be compared anew, by another run',
    status: 409,
    exit: 5,
  },
  PRN_DEPLOY_QUESTION: {
    meaning: 'A version that a person names answers another question than the champion: another label, task or set of classes',
    retry: 'final',
    who: 'operator',
    action:
      'Name a version that answers the same question (`perennial models diff PIPELINE FROM TO` shows what differs); if callers are to get these answers, say so: `--despite question`',
    status: 409,
    exit: 5,
  },
  PRN_DEPLOY_REFUSED: {
    meaning: 'No server could serve a promoted version; the previous champion was put back',
    retry: 'final',
    who: 'operator',
    action: "Read the server's reason in the message, then run again",
    status: 409,
    exit: 1,
  },
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
