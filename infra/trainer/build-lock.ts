import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isRunning, type ProcessIdentity } from '../state/processes.ts';

/** A build takes many seconds: looking four times a second is prompt enough. */
const pollMs = 250;

const readOwner = async (file: string): Promise<ProcessIdentity | null> => {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ProcessIdentity;
  } catch {
    return null;
  }
};

/** Creates the lock with its owner inside, in one step; false where it is there. */
const tryTake = async (file: string, owner: ProcessIdentity): Promise<boolean> => {
  const own = `${file}.${owner.pid}.${Math.floor(performance.now() * 1000)}`;
  await writeFile(own, JSON.stringify(owner));
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    await rm(own, { force: true });
  }
};

/**
 * Runs `work` while no other process on this machine does so under the same lock; one that was killed does not keep it.
 * It saves double work and no more: what is built must be right with two builders as well.
 */
export const withBuildLock = async <T>(file: string, onWait: () => void, work: () => Promise<T>): Promise<T> => {
  const owner = identify(process.pid) ?? { pid: process.pid, startedAt: 'unknown' };
  let hasSaidSo = false;
  while (!(await tryTake(file, owner))) {
    const holder = await readOwner(file);
    if (holder !== null && !isRunning(holder)) {
      await rm(file, { force: true });
      continue;
    }
    if (!hasSaidSo) onWait();
    hasSaidSo = true;
    await delay(pollMs);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
};
