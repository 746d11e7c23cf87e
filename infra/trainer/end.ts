/** How a trainer ended: every fact in one type, one name for the ending, one place that writes the sentence. */
import { type TrainerEnding, type TrainerResult, trainerExit } from '#domain/contracts/training-job.ts';

export type TrainerProgress = {
  readonly step: number;
  readonly total: number | null;
  readonly metrics: Readonly<Record<string, number>>;
};

/** Why we asked a trainer to stop; the first reason stays. */
export type StopReason = 'cancelled' | 'timed-out' | 'silent';

/** A result whose claims were checked. */
export type TrainerOutput = { readonly result: TrainerResult; readonly modelFile: string; readonly modelBytes: number };

export type TrainerFacts = {
  readonly trainer: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  /** It printed nothing for longer than allowed. */
  readonly silent: boolean;
  readonly cancelled: boolean;
  /** It did not leave when asked, so its process group was killed. */
  readonly forced: boolean;
  readonly durationMs: number;
  /** Lines of its standard output that were events. */
  readonly events: number;
  readonly lastProgress: TrainerProgress | null;
  /** End of what it wrote to standard error, and to standard output beside its events. */
  readonly logTail: string;
};

export type TrainerEnd = TrainerFacts & {
  readonly ending: TrainerEnding;
  readonly message: string;
  /** What is wrong, where the ending's name alone does not say it. */
  readonly problem: string | null;
  readonly output: TrainerOutput | null;
};

/** The ending as far as the process alone tells it; null where it ended with success and its result has to be looked at. */
export const nameEnding = (facts: TrainerFacts): TrainerEnding | null => {
  if (facts.cancelled) return 'cancelled';
  if (facts.timedOut) return 'timed-out';
  if (facts.silent) return 'silent';
  if (facts.signal !== null) return 'killed';
  if (facts.exitCode === trainerExit.success) return null;
  if (facts.exitCode === trainerExit.badJob) return 'bad-job';
  if (facts.exitCode === trainerExit.temporaryTrouble) return 'temporary-trouble';
  // It says that it was cancelled, and we did not ask: somebody else sent it SIGTERM.
  return facts.exitCode === trainerExit.cancelled ? 'killed' : 'crashed';
};

export const formatSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const isAndMust: Readonly<Record<TrainerEnding, readonly [is: string, must: string]>> = {
  succeeded: ['it did', 'succeed'],
  'bad-job': ['it says that it cannot do the job', 'be able to do the job'],
  'temporary-trouble': ['it says that its surroundings are in trouble', 'end with success'],
  crashed: ['it crashed', 'end with success'],
  killed: ['it was killed', 'end by itself'],
  cancelled: ['it was cancelled', 'not be cancelled'],
  'timed-out': ['it was still running', 'end within the time allowed'],
  silent: ['it printed nothing for too long', 'print progress'],
  'no-result': ['there is no result.json', 'write result.json'],
  'bad-result': ['its result cannot be used', 'write a whole and true result.json'],
  'wrong-key': ['its result is for another training', 'repeat the training key of its job'],
  'model-missing': ['the model file of its result is not there', 'write the model that its result names'],
  'model-digest-mismatch': ['it states another', 'state the digest of the model it wrote'],
  'not-started': ['it could not be started', 'start'],
};

const howItLeft = (facts: TrainerFacts): string[] => [
  ...(facts.exitCode === null ? [] : [`exit code ${facts.exitCode}`]),
  ...(facts.signal === null ? [] : [`signal ${facts.signal}`]),
  ...(facts.forced ? ['it ignored SIGTERM'] : []),
  `after ${formatSeconds(facts.durationMs)}`,
];

/** Node writes what was thrown above its stack, some fifteen lines from the end; fewer lines, and the reason is cut off. */
const [tailLines, tailCharacters] = [24, 2_000];
const lastLines = (log: string): string => log.split('\n').slice(-tailLines).join('\n').slice(-tailCharacters);

/** Writes the sentence from the facts. */
export const describeEnd = (ending: TrainerEnding, facts: TrainerFacts, problem: string | null): string => {
  const [is, must] = isAndMust[ending];
  if (ending === 'succeeded') return `Trainer "${facts.trainer}" succeeded after ${formatSeconds(facts.durationMs)}`;
  const { lastProgress, logTail } = facts;
  const progress =
    lastProgress === null
      ? ''
      : `; last progress: step ${lastProgress.step}${lastProgress.total === null ? '' : ` of ${lastProgress.total}`}`;
  const log = logTail === '' ? '' : `; its last lines:\n${lastLines(logTail)}`;
  return (
    `Cannot train with "${facts.trainer}" as the trainer must ${must}: ${is}${problem === null ? '' : `, ${problem}`} ` +
    `(${howItLeft(facts).join(', ')})${progress}${log}`
  );
};
