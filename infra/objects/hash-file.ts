import { createHash, webcrypto } from 'node:crypto';
import { constants, type FileHandle, open } from 'node:fs/promises';
import type { Sha256 } from '#domain/units.ts';

export type FileDigest = { readonly sha256: Sha256; readonly bytes: number };

/** Large enough that system calls do not count, small enough that hashing one does not hold up the event loop (1 ms). */
const chunkBytes = 1 << 20;

/** Reads a file in order; the next chunk is on its way while one is in work. */
const eachChunk = async (source: FileHandle, work: (chunk: Buffer) => Promise<void> | void): Promise<void> => {
  const buffers = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)] as const;
  let reading = source.read(buffers[0], 0, chunkBytes, 0);
  for (let turn = 0, position = 0; ; turn = 1 - turn) {
    const { bytesRead, buffer } = await reading;
    if (bytesRead === 0) return;
    position += bytesRead;
    reading = source.read(buffers[turn === 0 ? 1 : 0], 0, chunkBytes, position);
    try {
      await work(buffer.subarray(0, bytesRead));
    } catch (error) {
      await reading.catch(() => {});
      throw error;
    }
  }
};

/** Opens, works, closes. */
export const withHandle = async <T>(file: string, flags: number, work: (handle: FileHandle) => Promise<T>): Promise<T> => {
  const handle = await open(file, flags);
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
};

/** Digest and size of a file, from what was read. */
export const hashFile = (file: string): Promise<FileDigest> =>
  withHandle(file, constants.O_RDONLY, async (source) => {
    const hash = createHash('sha256');
    let bytes = 0;
    await eachChunk(source, (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
    });
    return { sha256: hash.digest('hex') as Sha256, bytes };
  });

/**
 * A file up to this size is held whole, which lets its hash be computed beside the event loop and on every core; larger
 * ones are streamed. Too large: several files at once fill the memory. Too small: one core hashes while the others wait.
 */
const wholeBytes = 8 << 20;

/** Copies a small file: the bytes that are written are the bytes that are hashed, at the same time. */
const copyWhole = async (source: FileHandle, target: FileHandle): Promise<FileDigest> => {
  const bytes = await source.readFile();
  const [digest] = await Promise.all([webcrypto.subtle.digest('SHA-256', bytes), target.writeFile(bytes)]);
  return { sha256: Buffer.from(digest).toString('hex') as Sha256, bytes: bytes.length };
};

/** Copies a file to an open one and hashes what it writes, in one pass. */
export const copyHashed = (file: string, target: FileHandle): Promise<FileDigest> =>
  withHandle(file, constants.O_RDONLY, async (source) => {
    if ((await source.stat()).size <= wholeBytes) return copyWhole(source, target);
    const hash = createHash('sha256');
    let bytes = 0;
    await eachChunk(source, async (chunk) => {
      const writing = target.write(chunk, 0, chunk.length, bytes);
      hash.update(chunk);
      const { bytesWritten } = await writing;
      if (bytesWritten !== chunk.length)
        throw new Error(`Cannot write "${file}" whole: ${bytesWritten} of ${chunk.length} bytes`);
      bytes += chunk.length;
    });
    return { sha256: hash.digest('hex') as Sha256, bytes };
  });
