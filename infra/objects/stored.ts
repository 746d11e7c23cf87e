/** The stored objects themselves, past every cache: a cache would hide what happened to one. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha256 } from '#domain/units.ts';
import { objectKeys } from './keys.ts';
import type { ObjectInfo, ObjectStore } from './store.ts';

/** Works on the store's own file of an object, else on a copy in `scratch` that is removed after. Null where there is no such object. */
export const withStoredFile = async <T>(
  objects: ObjectStore,
  sha256: Sha256,
  scratch: string,
  work: (file: string) => Promise<T>,
): Promise<T | null> => {
  const key = objectKeys.content(sha256);
  if ((await objects.stat(key)) === null) return null;
  const own = objects.localPath(key);
  if (own !== null) return await work(own);
  const copy = join(scratch, randomUUID());
  try {
    await objects.download(key, copy);
    return await work(copy);
  } finally {
    await rm(copy, { force: true });
  }
};

/** Everything that the store holds under its digest. */
export async function* listContent(objects: ObjectStore): AsyncGenerator<{ readonly sha256: Sha256; readonly info: ObjectInfo }> {
  for await (const info of objects.list(objectKeys.contentPrefix)) {
    const name = info.key.split('/').pop() ?? '';
    if (/^[0-9a-f]{64}$/.test(name)) yield { sha256: name as Sha256, info };
  }
}
