/** Processes by identity: a number alone is reused by the system, a number with its start time is not. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export type ProcessIdentity = { readonly pid: number; readonly startedAt: string };

/** Often enough to be prompt, seldom enough to cost nothing. */
const pollMs = 20;

const readStat = (pid: number): { state: string; startedAt: string } | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name stands in parentheses and may hold anything, so the fields are counted from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startedAt: fields[19] ?? '' };
  } catch {
    return null;
  }
};

const readPs = (pid: number): { state: string; startedAt: string } | null => {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' ? null : { state: line.slice(0, 1), startedAt: line.replace(/^\S+\s+/, '') };
  } catch {
    return null;
  }
};

/** Who runs under this number now; null for nobody and for a process that ended but was not yet collected. */
export const identify = (pid: number): ProcessIdentity | null => {
  const found = process.platform === 'linux' ? readStat(pid) : readPs(pid);
  return found === null || found.state === 'Z' || found.state === 'X' ? null : { pid, startedAt: found.startedAt };
};

/** Whether the very process that was recorded still runs. */
export const isRunning = (process: ProcessIdentity): boolean => identify(process.pid)?.startedAt === process.startedAt;

/** The working folder of a process, where the system tells it. */
export const workingFolder = (pid: number): string | null => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
};

/** Sends a signal to the recorded process and to nobody else; false where it is gone. */
export const signalProcess = (target: ProcessIdentity, signal: NodeJS.Signals): boolean => {
  if (!isRunning(target)) return false;
  try {
    process.kill(target.pid, signal);
    return true;
  } catch {
    return false;
  }
};

/** Waits until the process is gone; false where it still runs after `timeoutMs`. */
export const waitUntilGone = async (target: ProcessIdentity, timeoutMs: number): Promise<boolean> => {
  const deadline = performance.now() + timeoutMs;
  while (isRunning(target)) {
    if (performance.now() > deadline) return false;
    await delay(pollMs);
  }
  return true;
};

/** Asks a process to end, and ends it where it does not within `graceMs`. Does nothing where the recorded process is gone. */
export const endProcess = async (
  target: ProcessIdentity,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<'gone' | 'ended' | 'killed'> => {
  if (!signalProcess(target, signal)) return 'gone';
  if (await waitUntilGone(target, graceMs)) return 'ended';
  signalProcess(target, 'SIGKILL');
  await waitUntilGone(target, graceMs);
  return 'killed';
};
