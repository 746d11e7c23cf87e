/** What `perennial up` notes of itself: who runs, so that the next one, or `down`, finds it whatever happened. */
import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile, writePrivateFile } from './files.ts';
import { identify, isRunning, type ProcessIdentity } from './processes.ts';

/** In the order in which they are started; they are stopped in the reverse one. */
export const processNames = ['postgres', 'temporal', 'flow', 'cpu', 'gpu', 'control', 'serve'] as const;
export type ProcessName = (typeof processNames)[number];

const identitySchema = z.object({ pid: z.number().int(), startedAt: z.string() });
const processSchema = z.object({
  name: z.enum(processNames),
  state: z.enum(['waiting', 'starting', 'ready', 'restarting', 'given', 'stopping', 'stopped']),
  /** A short remark for people: an address, the reason of a restart. */
  detail: z.string(),
  url: z.string().nullable(),
  restarts: z.number().int(),
  identity: identitySchema.nullable(),
});
const recordSchema = z.object({ supervisor: identitySchema, processes: z.array(processSchema) });

export type ProcessStatus = z.infer<typeof processSchema>;
export type UpRecord = z.infer<typeof recordSchema>;

const recordFile = (stateDir: string): string => join(stateDir, 'up.json');
const lockFile = (stateDir: string): string => join(stateDir, 'up.lock');

export const readUpRecord = (stateDir: string): UpRecord | null => {
  const parsed = recordSchema.safeParse(readJsonFile(recordFile(stateDir)));
  return parsed.success ? parsed.data : null;
};
export const writeUpRecord = (stateDir: string, record: UpRecord): void =>
  writePrivateFile(recordFile(stateDir), JSON.stringify(record, null, 2));
export const forgetUpRecord = (stateDir: string): void => rmSync(recordFile(stateDir), { force: true });

/** Who supervises this state folder now; null for nobody. */
export const supervisorOf = (stateDir: string): ProcessIdentity | null => {
  const parsed = identitySchema.safeParse(readJsonFile(lockFile(stateDir)));
  return parsed.success && isRunning(parsed.data) ? parsed.data : null;
};

const setAside = (stateDir: string): void => {
  const aside = `${lockFile(stateDir)}.${process.pid}`;
  try {
    renameSync(lockFile(stateDir), aside);
  } catch {
    return;
  }
  const parsed = identitySchema.safeParse(readJsonFile(aside));
  try {
    // Between our look and the rename another process may have taken over: its lock goes back.
    if (parsed.success && isRunning(parsed.data)) linkSync(aside, lockFile(stateDir));
  } finally {
    rmSync(aside, { force: true });
  }
};

/**
 * Becomes the one supervisor of a state folder; returns the one that is there instead. A lock whose holder is gone
 * (its number now names nobody, or a younger process) does not count.
 */
export const tryLock = (stateDir: string): { readonly heldBy: ProcessIdentity | null } => {
  mkdirSync(stateDir, { recursive: true });
  const own = `${lockFile(stateDir)}.new.${process.pid}`;
  writeFileSync(own, JSON.stringify(identify(process.pid)), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      try {
        linkSync(own, lockFile(stateDir));
        return { heldBy: null };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = supervisorOf(stateDir);
      if (holder !== null) return { heldBy: holder };
      setAside(stateDir);
    }
    throw new Error(`Cannot lock "${stateDir}": others keep taking and losing the lock`);
  } finally {
    rmSync(own, { force: true });
  }
};

export const unlock = (stateDir: string): void => {
  if (supervisorOf(stateDir)?.pid === process.pid) rmSync(lockFile(stateDir), { force: true });
};
