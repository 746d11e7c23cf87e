/**
 * Which process writes to an epoch: a server that is told to stop still answers its last requests when another one has taken
 * its port already, and its segment must not be closed under its hands.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const fileOf = (epochFolder: string): string => join(epochFolder, 'owner');

export const takeEpoch = (epochFolder: string): void => writeFileSync(fileOf(epochFolder), String(process.pid));

export const leaveEpoch = (epochFolder: string): void => rmSync(fileOf(epochFolder), { force: true });

/**
 * A server that stops is gone well before; a number of a process that lives longer than this after the last write belongs to
 * another program by now.
 */
const stoppingMs = 60_000;

/** Whether the process that wrote to an epoch is still at it. */
export const isOwned = (epochFolder: string, lastWrittenMs: number, nowMs: number): boolean => {
  if (nowMs - lastWrittenMs > stoppingMs) return false;
  try {
    const pid = Number(readFileSync(fileOf(epochFolder), 'utf8'));
    return Number.isInteger(pid) && pid > 0 && process.kill(pid, 0);
  } catch {
    // Of another user: nobody else runs the servers of one folder.
    return false;
  }
};

/** When something in an epoch's folder was last written; 0 where there is nothing, or goes meanwhile. */
export const lastWritten = (files: readonly string[]): number =>
  Math.max(0, ...files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0));
