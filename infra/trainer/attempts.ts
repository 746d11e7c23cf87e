/**
 * A worker that is killed cannot end its trainer. So each attempt leaves a record beside the checkpoints of its training key,
 * and the next attempt ends what a dead worker left. A trainer whose worker is alive is another attempt's and is left alone.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { identify, isRunning, type ProcessIdentity, signalProcess, waitUntilGone } from '../state/processes.ts';

type AttemptRecord = { readonly machine: string; readonly worker: ProcessIdentity; readonly trainer: ProcessIdentity };

/** Process numbers mean something only within one boot and one process namespace. */
const machineId = (): string => {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
};

const attemptsFolder = (keyFolder: string): string => join(keyFolder, 'attempts');

/** Signals a process group; one that is gone is fine. */
export const signalGroup = (leaderPid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-leaderPid, signal);
  } catch {
    // ESRCH: everybody in it has ended.
  }
};

/** Notes who trains for whom; returns what removes the note. */
export const recordAttempt = async (keyFolder: string, trainerPid: number): Promise<() => Promise<void>> => {
  const worker = identify(process.pid);
  const trainer = identify(trainerPid);
  if (worker === null || trainer === null) return async () => {};
  const file = join(attemptsFolder(keyFolder), `${trainer.pid}-${trainer.startedAt.replaceAll(/\W+/g, '-')}.json`);
  await mkdir(attemptsFolder(keyFolder), { recursive: true });
  await writeFile(file, JSON.stringify({ machine: machineId(), worker, trainer } satisfies AttemptRecord));
  return () => rm(file, { force: true });
};

const readRecord = async (file: string): Promise<AttemptRecord | null> => {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as AttemptRecord;
  } catch {
    return null;
  }
};

const endTrainer = async (trainer: ProcessIdentity, graceMs: number): Promise<void> => {
  if (!isRunning(trainer)) return;
  signalProcess(trainer, 'SIGTERM');
  await waitUntilGone(trainer, graceMs);
  if (isRunning(trainer)) signalGroup(trainer.pid, 'SIGKILL');
  await waitUntilGone(trainer, graceMs);
};

const listRecords = async (keyFolder: string): Promise<string[]> => {
  const names = await readdir(attemptsFolder(keyFolder)).catch(() => []);
  return names.map((name) => join(attemptsFolder(keyFolder), name));
};

/** Ends trainers of this key whose worker died, and returns how many there were. Records of other machines are kept. */
export const endLeftovers = async (keyFolder: string, graceMs: number): Promise<number> => {
  let ended = 0;
  for (const file of await listRecords(keyFolder)) {
    const record = await readRecord(file);
    if (record !== null && (record.machine !== machineId() || isRunning(record.worker))) continue;
    if (record !== null && isRunning(record.trainer)) {
      await endTrainer(record.trainer, graceMs);
      ended++;
    }
    await rm(file, { force: true });
  }
  return ended;
};

/** Whether another attempt of this key may still be at work, here or on another machine. */
export const hasAttempts = async (keyFolder: string): Promise<boolean> => (await listRecords(keyFolder)).length > 0;
