/** What `perennial up` notes of itself: who runs, so that the next one, or `down`, finds it whatever happened. */
import { copyFileSync, existsSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

const holderOf = (file: string): ProcessIdentity | null => {
  const parsed = identitySchema.safeParse(readJsonFile(file));
  return parsed.success && isRunning(parsed.data) ? parsed.data : null;
};

/** Who supervises this state folder now; null for nobody. */
export const supervisorOf = (stateDir: string): ProcessIdentity | null => holderOf(lockFile(stateDir));

/** A name that appears with its holder inside; false where it is taken. */
const linkOnce = (own: string, file: string): boolean => {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
};

/**
 * Those who find a lock whose holder is gone replace it in turn: of two at once the second would else put its own in the
 * place of the first one's. Under the turn nobody else changes a lock of one that is gone.
 */
const replaceDead = (own: string, file: string): boolean => {
  const turn = `${file}.turn`;
  if (!take(own, turn)) return false;
  try {
    if (!existsSync(file)) return linkOnce(own, file);
    if (holderOf(file) !== null) return false;
    const mine = `${own}.mine`;
    copyFileSync(own, mine);
    renameSync(mine, file);
    return true;
  } finally {
    rmSync(turn, { force: true });
  }
};

const take = (own: string, file: string): boolean => linkOnce(own, file) || (holderOf(file) === null && replaceDead(own, file));

/** A turn lasts some microseconds, and longer where its process is not given the processor. */
const attempts = 200;
const pauseMs = 10;
const pause = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);

/**
 * Becomes the one supervisor of a state folder; returns the one that is there instead. A lock whose holder is gone
 * (its number now names nobody, or a younger process) does not count.
 */
export const tryLock = (stateDir: string): { readonly heldBy: ProcessIdentity | null } => {
  mkdirSync(stateDir, { recursive: true });
  const own = `${lockFile(stateDir)}.new.${process.pid}`;
  writeFileSync(own, JSON.stringify(identify(process.pid)), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      if (take(own, lockFile(stateDir))) return { heldBy: null };
      const holder = supervisorOf(stateDir);
      if (holder !== null) return { heldBy: holder };
      pause();
    }
    throw new Error(`Cannot lock "${stateDir}": others keep taking and losing the lock`);
  } finally {
    rmSync(own, { force: true });
  }
};

export const unlock = (stateDir: string): void => {
  if (supervisorOf(stateDir)?.pid === process.pid) rmSync(lockFile(stateDir), { force: true });
};
