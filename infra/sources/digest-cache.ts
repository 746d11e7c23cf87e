import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Sha256 } from '#domain/units.ts';
import { sha256Of } from '../objects/digest.ts';
import { hashFile } from '../objects/hash-file.ts';

const entrySchema = z.strictObject({ stamp: z.string(), sha256: z.string() });
const cacheSchema = z.record(z.string(), entrySchema);
type Entries = z.infer<typeof cacheSchema>;

/**
 * A file that changed this shortly before it was hashed may change again within the same tick of the file system's
 * clock, unseen. Too small: a change is missed. Too large: fresh files are hashed twice.
 */
const settleMs = 50;

export type FileFacts = { readonly stamp: string; readonly bytes: number; readonly changedAtMs: number };

/** Size, times and inode of a file: while they stay, its bytes stay. */
export const fileFacts = async (file: string): Promise<FileFacts> => {
  const info = await stat(file, { bigint: true });
  return {
    stamp: [info.size, info.mtimeNs, info.ctimeNs, info.ino].join(' '),
    bytes: Number(info.size),
    changedAtMs: Number(info.ctimeMs > info.mtimeMs ? info.ctimeMs : info.mtimeMs),
  };
};

const hashOnly = async (file: string): Promise<Sha256> => (await hashFile(file)).sha256;

const readEntries = async (file: string): Promise<Entries> => {
  try {
    return cacheSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // Absent, half-written or of another form: it is only a cache.
    return {};
  }
};

export type DigestCache = {
  /** SHA-256 of a file: known from before while size, times and inode stay, else by `hash` (which may also copy it). */
  digest(file: string, hash?: (file: string) => Promise<Sha256>): Promise<{ sha256: Sha256; bytes: number; wasKnown: boolean }>;
  /** Keeps what was learned, whole or not at all. */
  save(): Promise<void>;
};

/** Digests of the files under one folder, remembered between runs. Safe for several processes: the last writer wins. */
export const openDigestCache = async (cacheFolder: string, root: string): Promise<DigestCache> => {
  const file = join(cacheFolder, 'source-digests', `${sha256Of(root).slice(0, 24)}.json`);
  const entries = await readEntries(file);
  let isChanged = false;
  const digest: DigestCache['digest'] = async (path, hash = hashOnly) => {
    const before = await fileFacts(path);
    const known = entries[path];
    if (known?.stamp === before.stamp) return { sha256: known.sha256 as Sha256, bytes: before.bytes, wasKnown: true };
    const startedAtMs = Date.now();
    const sha256 = await hash(path);
    const after = await fileFacts(path);
    if (after.stamp === before.stamp && before.changedAtMs < startedAtMs - settleMs) {
      entries[path] = { stamp: before.stamp, sha256 };
      isChanged = true;
    }
    return { sha256, bytes: after.bytes, wasKnown: false };
  };
  const save = async (): Promise<void> => {
    if (!isChanged) return;
    await mkdir(dirname(file), { recursive: true });
    const temporary = `${file}.${process.pid}.${Date.now()}`;
    await writeFile(temporary, JSON.stringify(entries));
    await rename(temporary, file).catch(() => rm(temporary, { force: true }));
    isChanged = false;
  };
  return { digest, save };
};
