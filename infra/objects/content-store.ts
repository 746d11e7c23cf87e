import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Sha256 } from '#domain/units.ts';
import { canonicalJson, sha256Of } from './digest.ts';
import { corruptObject, systemCode, unknownObject } from './failures.ts';
import { hashFile } from './hash-file.ts';
import { objectKeys } from './keys.ts';
import { mapParallel } from './parallel.ts';
import type { ContentStore, ObjectStore } from './store.ts';

/** Files in work at once: two cores hash while the disk writes; more only adds memory. */
const parallelFiles = 8;

/** What changes whenever a file's bytes do; the kernel keeps it. */
const fingerprint = async (file: string): Promise<string | null> => {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return `${dev}/${ino}/${size}/${mtimeNs}/${ctimeNs}`;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
};

/** Checks files against their digest, once per content: a file that did not change since is not read again. */
const createVerifier = () => {
  const verified = new Map<string, string>();
  /** null where there is no file, else the digest that its bytes have. */
  return async (file: string, sha256: Sha256): Promise<Sha256 | null> => {
    const before = await fingerprint(file);
    if (before === null) return null;
    if (verified.get(file) === before) return sha256;
    const is = (await hashFile(file)).sha256;
    if (is === sha256) verified.set(file, before);
    return is;
  };
};

class VerifiedContent implements ContentStore {
  readonly #objects: ObjectStore;
  readonly #cacheFolder: string;
  readonly #digestOfFile = createVerifier();
  readonly #fetching = new Map<Sha256, Promise<string>>();

  constructor(objects: ObjectStore, cacheFolder: string) {
    this.#objects = objects;
    this.#cacheFolder = cacheFolder;
  }

  async putBytes(bytes: Uint8Array): Promise<Sha256> {
    const sha256 = sha256Of(bytes);
    await this.#objects.createOnce(objectKeys.content(sha256), bytes);
    return sha256;
  }

  putJson(value: unknown): Promise<Sha256> {
    return this.putBytes(Buffer.from(canonicalJson(value)));
  }

  putFile(file: string) {
    return this.#objects.createFromFile(file, objectKeys.content);
  }

  putFiles(files: readonly string[]) {
    return mapParallel(files, parallelFiles, (file) => this.putFile(file));
  }

  async getBytes(sha256: Sha256): Promise<Buffer> {
    const key = objectKeys.content(sha256);
    const bytes = await this.#objects.read(key);
    const is = sha256Of(bytes);
    if (is !== sha256) throw corruptObject(key, is);
    return bytes;
  }

  async getJson(sha256: Sha256): Promise<unknown> {
    return JSON.parse((await this.getBytes(sha256)).toString());
  }

  async has(sha256: Sha256): Promise<boolean> {
    return (await this.#objects.stat(objectKeys.content(sha256))) !== null;
  }

  async localFile(sha256: Sha256): Promise<string> {
    const key = objectKeys.content(sha256);
    const own = this.#objects.localPath(key);
    if (own === null) return await this.#cached(sha256, key);
    const is = await this.#digestOfFile(own, sha256);
    if (is === null) throw unknownObject(key);
    if (is !== sha256) throw corruptObject(key, is);
    return own;
  }

  forget(sha256: Sha256): Promise<void> {
    return rm(this.#cacheFile(sha256), { force: true });
  }

  #cacheFile(sha256: Sha256): string {
    return join(this.#cacheFolder, sha256.slice(0, 2), sha256);
  }

  /** Callers that ask for one object at once share one download. */
  #cached(sha256: Sha256, key: string): Promise<string> {
    const running = this.#fetching.get(sha256);
    if (running) return running;
    const fetching = this.#fetch(sha256, key).finally(() => this.#fetching.delete(sha256));
    this.#fetching.set(sha256, fetching);
    return fetching;
  }

  /** A cached file that was damaged is fetched again; a damaged object is an error. */
  async #fetch(sha256: Sha256, key: string): Promise<string> {
    const file = this.#cacheFile(sha256);
    if ((await this.#digestOfFile(file, sha256)) === sha256) return file;
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const partial = `${file}.${randomUUID()}`;
    try {
      await this.#objects.download(key, partial);
      const is = (await hashFile(partial)).sha256;
      if (is !== sha256) throw corruptObject(key, is);
      await rename(partial, file);
    } finally {
      await rm(partial, { force: true });
    }
    return file;
  }
}

/** Content by digest, checked on the way in and out. The cache folder is used where the store has no local files. */
export const createContentStore = (objects: ObjectStore, cacheFolder: string): ContentStore =>
  new VerifiedContent(objects, cacheFolder);
