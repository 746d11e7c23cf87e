import { randomUUID } from 'node:crypto';
import { constants, copyFile, type FileHandle, link, lstat, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { PerennialError } from '#domain/errors.ts';
import { dayMs } from '#domain/units.ts';
import { explainFolderFailure, requireKey, systemCode, unknownObject } from './failures.ts';
import { createFolderMaker, createFolderSync, sweepOldFiles } from './folders.ts';
import { copyHashed, withHandle } from './hash-file.ts';
import type { ObjectInfo, ObjectStore, StoredFile } from './store.ts';

/** Where objects are written before they have their name; on the same file system, never listed. */
const stagingName = '.staging';

/** Links a whole, durable file to its name; false where the name is taken. The name appears with all bytes or not at all. */
const linkOnce = async (staged: string, target: string): Promise<boolean> => {
  try {
    await link(staged, target);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK', 'EXDEV'].includes(systemCode(error))) throw error;
    throw new PerennialError(
      'PRN_CONFIG_INVALID',
      `Cannot keep objects in "${dirname(target)}" as its file system must have hard links: ${systemCode(error)}`,
      { cause: error },
    );
  }
};

class DirectoryStore implements ObjectStore {
  readonly #root: string;
  readonly #staging: string;
  readonly #sync = createFolderSync();
  readonly #makeFolder = createFolderMaker(this.#sync);
  #hasSwept = false;

  constructor(folder: string) {
    this.#root = resolve(folder);
    this.#staging = join(this.#root, stagingName);
  }

  #path(key: string): string {
    return join(this.#root, requireKey(key));
  }

  createOnce(key: string, body: Uint8Array | { readonly file: string }): Promise<boolean> {
    return this.#explained(async () => {
      const target = this.#path(key);
      if (await this.#exists(target)) return false;
      return await this.#staged(async (file, handle) => {
        if (body instanceof Uint8Array) await handle.writeFile(body);
        else await copyFile(body.file, file, constants.COPYFILE_FICLONE);
        return await this.#publish(file, handle, target);
      });
    });
  }

  createFromFile(file: string, keyOf: Parameters<ObjectStore['createFromFile']>[1]): Promise<StoredFile> {
    const store = () =>
      this.#staged(async (staged, handle) => {
        const { sha256, bytes } = await copyHashed(file, handle);
        const target = this.#path(keyOf(sha256));
        if (await this.#exists(target)) return { sha256, bytes, isNew: false };
        return { sha256, bytes, isNew: await this.#publish(staged, handle, target) };
      });
    return this.#explained(store);
  }

  async #explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw explainFolderFailure(error, this.#root);
    }
  }

  /** Runs work with a new private file, which is gone afterwards: a published object has a name of its own. */
  async #staged<T>(work: (file: string, handle: FileHandle) => Promise<T>): Promise<T> {
    await this.#makeFolder(this.#staging);
    this.#sweepOnce();
    const file = join(this.#staging, randomUUID());
    const handle = await open(file, 'wx', 0o600);
    try {
      return await work(file, handle);
    } finally {
      await handle.close();
      await unlink(file);
    }
  }

  /** Beside the first write; what it cannot remove today, it will tomorrow. */
  #sweepOnce(): void {
    if (this.#hasSwept) return;
    this.#hasSwept = true;
    sweepOldFiles(this.#staging, dayMs).catch(() => {});
  }

  /** Bytes first, then the name: whoever sees the name can rely on the bytes. */
  async #publish(staged: string, handle: FileHandle, target: string): Promise<boolean> {
    await handle.chmod(0o400);
    await handle.sync();
    await this.#makeFolder(dirname(target));
    const isNew = await linkOnce(staged, target);
    // Also where another writer was first: its entry may not be durable yet.
    await this.#sync(dirname(target));
    return isNew;
  }

  /** An object that is there counts only once its entry is durable. */
  async #exists(target: string): Promise<boolean> {
    const found = await lstat(target).then(
      () => true,
      (error: unknown) => {
        if (systemCode(error) === 'ENOENT') return false;
        throw error;
      },
    );
    if (found) await this.#sync(dirname(target));
    return found;
  }

  async read(key: string): Promise<Buffer> {
    try {
      return await withHandle(this.#path(key), constants.O_RDONLY | constants.O_NOFOLLOW, (handle) => handle.readFile());
    } catch (error) {
      throw systemCode(error) === 'ENOENT' ? unknownObject(key, error) : error;
    }
  }

  async download(key: string, file: string): Promise<void> {
    const partial = `${file}.${randomUUID()}.partial`;
    try {
      await copyFile(this.#path(key), partial, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
      await rename(partial, file);
    } catch (error) {
      await unlink(partial).catch(() => {});
      throw systemCode(error) === 'ENOENT' && (await this.stat(key)) === null ? unknownObject(key, error) : error;
    }
  }

  localPath(key: string): string {
    return this.#path(key);
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    const info = await stat(this.#path(key)).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return null;
      throw error;
    });
    return info?.isFile() ? { key, bytes: info.size, modifiedAt: info.mtime } : null;
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    yield* this.#walk(this.#root, '', prefix);
  }

  /** In the order of keys: a folder sorts as its name with the "/" that follows it. */
  async *#walk(folder: string, parent: string, prefix: string): AsyncIterable<ObjectInfo> {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    const keys = entries
      .filter((entry) => !entry.name.startsWith('.'))
      .map((entry) => `${parent}${entry.name}${entry.isDirectory() ? '/' : ''}`)
      .sort((a, b) => (a < b ? -1 : 1));
    for (const key of keys) {
      const info = key.endsWith('/') || !key.startsWith(prefix) ? null : await this.stat(key);
      if (info) yield info;
      const leadsThere = key.startsWith(prefix) || prefix.startsWith(key);
      if (key.endsWith('/') && leadsThere) yield* this.#walk(join(this.#root, key), key, prefix);
    }
  }

  async delete(key: string): Promise<void> {
    await unlink(this.#path(key)).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
  }
}

/** Objects as files in a folder that is ours alone. Made on the first write. */
export const createDirectoryStore = (folder: string): ObjectStore => new DirectoryStore(folder);
