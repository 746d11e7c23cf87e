import { constants, mkdir, readdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { withHandle } from './hash-file.ts';

/** Makes the entries of a folder durable. */
const syncFolder = (folder: string): Promise<void> => withHandle(folder, constants.O_RDONLY, (handle) => handle.sync());

/**
 * Makes folder entries durable at the cost of few system calls: whoever asks while a sync of the folder runs shares
 * the next one with all others that ask meanwhile.
 */
export const createFolderSync = (): ((folder: string) => Promise<void>) => {
  const running = new Map<string, Promise<void>>();
  const queued = new Map<string, Promise<void>>();
  const start = (folder: string): Promise<void> => {
    queued.delete(folder);
    const work = syncFolder(folder).finally(() => running.delete(folder));
    running.set(folder, work);
    return work;
  };
  return (folder) => {
    const now = running.get(folder);
    if (!now) return start(folder);
    const next = queued.get(folder) ?? now.catch(() => {}).then(() => start(folder));
    queued.set(folder, next);
    return next;
  };
};

/** Makes a private folder with its parents and their entries durable. Returns at once where it was made before. */
export const createFolderMaker = (sync: (folder: string) => Promise<void>): ((folder: string) => Promise<void>) => {
  const made = new Map<string, Promise<void>>();
  const make = async (folder: string): Promise<void> => {
    const first = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    for (let child = folder; ; child = dirname(child)) {
      await sync(dirname(child));
      if (child === first) return;
    }
  };
  return (folder) => {
    const known = made.get(folder) ?? make(folder);
    made.set(folder, known);
    known.catch(() => made.delete(folder));
    return known;
  };
};

/** Removes what writers left that were killed a day ago or longer. */
export const sweepOldFiles = async (folder: string, olderThanMs: number): Promise<number> => {
  const limit = Date.now() - olderThanMs;
  let removed = 0;
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    const info = await stat(file).catch(() => null);
    if (!info || info.mtimeMs > limit) continue;
    await unlink(file).catch(() => {});
    removed += 1;
  }
  return removed;
};
