/** Runs a trainer by the contract of `workers/trainers/README.md`: files in, JSON lines out, a checked result or a named ending. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TrainerEvent, type TrainingJob, trainerEventSchema } from '#domain/contracts/training-job.ts';
import { endLeftovers, recordAttempt, signalGroup } from './attempts.ts';
import {
  describeEnd,
  formatSeconds,
  nameEnding,
  type StopReason,
  type TrainerEnd,
  type TrainerFacts,
  type TrainerProgress,
} from './end.ts';
import type { TrainerLaunch } from './launch.ts';
import { createLineReader } from './lines.ts';
import { createLogTail, type LogTail } from './log-tail.ts';
import { readTrainerResult } from './read-result.ts';

export type TrainerRunOptions = {
  readonly job: TrainingJob;
  /** Kept over attempts of the training key; holds who trains for it now. */
  readonly keyFolder: string;
  readonly timeoutMs: number;
  /** Longest time without a line of output. */
  readonly silenceMs: number;
  /** From SIGTERM to SIGKILL of the whole process group: the time a trainer has to save a checkpoint. */
  readonly killDelayMs: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainerEvent) => void;
};

/** Enough for a stack trace of a deep library, small enough for an error's message store. */
const logTailCharacters = 16_384;
/** After the program is gone, what is left in its pipes is read; a stray grandchild that holds them is not waited for. */
const drainMs = 2_000;

type Watched = { events: number; lastProgress: TrainerProgress | null; lastLineAt: number };

const parseEvent = (line: string): TrainerEvent | null => {
  if (!line.startsWith('{')) return null;
  try {
    return trainerEventSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
};

const noteEvent = (watched: Watched, event: TrainerEvent): void => {
  watched.events++;
  if (event.event !== 'progress') return;
  watched.lastProgress = { step: event.step, total: event.total ?? null, metrics: event.metrics ?? {} };
};

const watchOutput = (child: ChildProcess, watched: Watched, log: LogTail, onEvent?: (event: TrainerEvent) => void): void => {
  const seen = (line: string): void => {
    watched.lastLineAt = performance.now();
    if (line !== '') log.add(line);
  };
  const output = createLineReader((line) => {
    const event = parseEvent(line);
    if (event === null) return seen(line);
    watched.lastLineAt = performance.now();
    noteEvent(watched, event);
    onEvent?.(event);
  });
  const errors = createLineReader(seen);
  child.stdout?.on('data', output.write).on('end', output.end);
  child.stderr?.on('data', errors.write).on('end', errors.end);
};

type Stop = { request(reason: StopReason): void; reason(): StopReason | null; forced(): boolean; dispose(): void };

/** SIGTERM goes to the program that was launched, as a container does it; SIGKILL goes to everybody that it started. */
const createStop = (child: ChildProcess, killDelayMs: number): Stop => {
  let reason: StopReason | null = null;
  let forced = false;
  let timer: NodeJS.Timeout | undefined;
  const force = (): void => {
    forced = true;
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
  };
  const request = (why: StopReason): void => {
    if (reason !== null) return;
    reason = why;
    child.kill('SIGTERM');
    timer = setTimeout(force, killDelayMs);
  };
  return { request, reason: () => reason, forced: () => forced, dispose: () => clearTimeout(timer) };
};

const watchClock = (stop: Stop, watched: Watched, options: TrainerRunOptions): (() => void) => {
  const { timeoutMs, silenceMs, signal } = options;
  const timeout = setTimeout(() => stop.request('timed-out'), timeoutMs);
  const silence = setInterval(
    () => performance.now() - watched.lastLineAt > silenceMs && stop.request('silent'),
    Math.max(10, Math.min(1_000, silenceMs / 4)),
  );
  const cancel = (): void => stop.request('cancelled');
  signal?.addEventListener('abort', cancel);
  if (signal?.aborted) cancel();
  return () => {
    clearTimeout(timeout);
    clearInterval(silence);
    signal?.removeEventListener('abort', cancel);
    stop.dispose();
  };
};

type Exit = { code: number | null; signal: NodeJS.Signals | null; error: Error | null };

/** Waits for the program's end, sweeps up what it started, and reads the rest of its output. */
const waitForExit = (child: ChildProcess): Promise<Exit> =>
  new Promise((resolve) => {
    child.on('error', (error) => child.pid === undefined && resolve({ code: null, signal: null, error }));
    child.once('exit', (code, signal) => {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      const drained = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, drainMs);
      child.once('close', () => {
        clearTimeout(drained);
        resolve({ code, signal, error: null });
      });
    });
  });

/**
 * Its standard input is a pipe that carries nothing: it closes when this process dies, however that happens, and a
 * trainer that reads it learns so at once.
 */
const launchTrainer = (launch: TrainerLaunch, jobFolder: string, threads: number): ChildProcess => {
  const child = spawn(launch.command, [...launch.arguments, 'job.json'], {
    cwd: jobFolder,
    env: { OMP_NUM_THREADS: String(threads), ...launch.environment },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin?.on('error', () => {});
  return child;
};

/** Which limit it met, so that nobody has to guess what to raise. */
const limitMet = (facts: TrainerFacts, { timeoutMs, silenceMs }: TrainerRunOptions): string | null => {
  if (facts.timedOut) return `and training.resources.timeout allows ${formatSeconds(timeoutMs)}`;
  return facts.silent ? `and ${formatSeconds(silenceMs)} without a line are allowed` : null;
};

const conclude = async (
  facts: TrainerFacts,
  error: Error | null,
  jobFolder: string,
  options: TrainerRunOptions,
): Promise<TrainerEnd> => {
  const end = (ending: TrainerEnd['ending'], problem: string | null, output: TrainerEnd['output'] = null): TrainerEnd => ({
    ...facts,
    ending,
    problem,
    output,
    message: describeEnd(ending, facts, problem),
  });
  if (error !== null) return end('not-started', error.message);
  const ending = nameEnding(facts);
  if (ending !== null) return end(ending, limitMet(facts, options));
  const read = await readTrainerResult(jobFolder, options.job);
  return 'ok' in read ? end('succeeded', null, read.ok) : end(read.refused.ending, read.refused.problem);
};

const prepareJob = async (jobFolder: string, job: TrainingJob): Promise<void> => {
  await mkdir(join(jobFolder, job.outputFolder), { recursive: true });
  await writeFile(join(jobFolder, 'job.json'), `${JSON.stringify(job, null, 2)}\n`);
};

const watchUntilEnd = async (
  trainer: string,
  child: ChildProcess,
  options: TrainerRunOptions,
): Promise<[TrainerFacts, Error | null]> => {
  const startedAt = performance.now();
  const watched: Watched = { events: 0, lastProgress: null, lastLineAt: startedAt };
  const log = createLogTail(logTailCharacters);
  const stop = createStop(child, options.killDelayMs);
  const exited = waitForExit(child);
  watchOutput(child, watched, log, options.onEvent);
  const unwatch = watchClock(stop, watched, options);
  const forget = child.pid === undefined ? async () => {} : await recordAttempt(options.keyFolder, child.pid);
  const exit = await exited;
  unwatch();
  await forget();
  const reason = exit.error === null ? stop.reason() : null;
  const facts: TrainerFacts = {
    trainer,
    exitCode: exit.code,
    signal: exit.signal,
    timedOut: reason === 'timed-out',
    silent: reason === 'silent',
    cancelled: reason === 'cancelled',
    forced: stop.forced(),
    durationMs: Math.round(performance.now() - startedAt),
    events: watched.events,
    lastProgress: watched.lastProgress,
    logTail: log.text(),
  };
  return [facts, exit.error];
};

/**
 * Runs one attempt in `jobFolder`, which already holds the files that the job names, and reports how it ended. Ends first what
 * a worker that died left running for the same training key. Does not throw for anything that the trainer does.
 */
export const runTrainer = async (launch: TrainerLaunch, jobFolder: string, options: TrainerRunOptions): Promise<TrainerEnd> => {
  await prepareJob(jobFolder, options.job);
  await endLeftovers(options.keyFolder, options.killDelayMs);
  const child = launchTrainer(launch, jobFolder, options.job.threads);
  const [facts, error] = await watchUntilEnd(launch.name, child, options);
  return conclude(facts, error, jobFolder, options);
};
