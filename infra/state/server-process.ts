/** A server program as a child process: its output in a log file, its end known, stopped by identity. */
import { type SpawnOptions, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { PerennialError } from '#domain/errors.ts';
import { endProcess, identify, type ProcessIdentity } from './processes.ts';

export type ServerEnd = { readonly exitCode: number | null; readonly signal: NodeJS.Signals | null };
export type ServerProcess = {
  readonly identity: ProcessIdentity;
  /** Settles when the process ends, however it ends. */
  readonly exited: Promise<ServerEnd>;
  hasEnded(): ServerEnd | null;
  logTail(): string;
  stop(signal: NodeJS.Signals, graceMs: number): Promise<void>;
};

export type ServerProcessOptions = {
  readonly logFile: string;
  /** Told at once, long before the server answers. */
  readonly onSpawn?: ((identity: ProcessIdentity) => void) | undefined;
  /** Given, the child gets a channel for messages (a Node program only). */
  readonly onMessage?: ((message: unknown) => void) | undefined;
} & Pick<SpawnOptions, 'uid' | 'gid' | 'cwd' | 'env'>;

/** Beyond it the log is set aside once at the next start: a disk must not fill because of a long life. */
const logLimitBytes = 16 * 1024 * 1024;
const tailCharacters = 2000;

/** Opens a log for appending; a log that grew over the limit becomes `<file>.1`. */
export const openLog = (file: string): number => {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file) && statSync(file).size > logLimitBytes) renameSync(file, `${file}.1`);
  return openSync(file, 'a', 0o600);
};

export const readTail = (file: string, characters = tailCharacters): string => {
  try {
    return readFileSync(file, 'utf8').slice(-characters).trim();
  } catch {
    return '';
  }
};

/**
 * Starts a server program. It gets a session of its own, so that Ctrl-C in a terminal reaches only the process that
 * supervises it, which then stops servers in order. Throws PRN_UNREACHABLE where the program cannot be run.
 */
export const startServerProcess = async (
  command: string,
  parameters: readonly string[],
  options: ServerProcessOptions,
): Promise<ServerProcess> => {
  const { logFile, onSpawn, onMessage, ...spawnOptions } = options;
  const log = openLog(logFile);
  const stdio: StdioOptions = onMessage === undefined ? ['ignore', log, log] : ['ignore', log, log, 'ipc'];
  const child = spawn(command, parameters, { ...spawnOptions, detached: true, stdio });
  closeSync(log);
  if (onMessage !== undefined) child.on('message', onMessage);
  // Before anything is awaited: whoever is killed from here on leaves a note of this child.
  const early = child.pid === undefined ? null : identify(child.pid);
  if (early !== null) onSpawn?.(early);
  let end: ServerEnd | null = null;
  const exited = new Promise<ServerEnd>((resolve) => {
    child.once('exit', (exitCode, signal) => {
      end = { exitCode, signal };
      resolve(end);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(new PerennialError('PRN_UNREACHABLE', `Cannot start "${command}": ${cause.message}`, { cause })),
    );
  });
  const identity = early ?? { pid: child.pid as number, startedAt: 'ended at once' };
  return {
    identity,
    exited,
    hasEnded: () => end,
    logTail: () => readTail(logFile),
    stop: async (signal, graceMs) => {
      if (end !== null) return;
      await endProcess(identity, signal, graceMs);
      await exited;
    },
  };
};
