import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetManifest } from '#domain/contracts/dataset.ts';
import type { Sha256 } from '#domain/units.ts';
import { hashFile } from '../objects/hash-file.ts';
import { objectKeys } from '../objects/keys.ts';
import { mapParallel } from '../objects/parallel.ts';
import type { ObjectStore } from '../objects/store.ts';

export type Damage = {
  readonly sha256: Sha256;
  readonly kind: 'missing' | 'corrupt';
  readonly is: Sha256 | null;
  readonly what: string;
};
export type Verification = { readonly objects: number; readonly bytes: number; readonly damaged: readonly Damage[] };

type Wanted = { readonly sha256: Sha256; readonly what: string };

/** Reads the stored bytes themselves, past every cache. */
const digestOfObject = async (
  objects: ObjectStore,
  sha256: Sha256,
  scratch: string,
): Promise<{ sha256: Sha256; bytes: number } | null> => {
  const key = objectKeys.content(sha256);
  if ((await objects.stat(key)) === null) return null;
  const local = objects.localPath(key);
  if (local !== null) return hashFile(local);
  const copy = join(scratch, sha256);
  try {
    await objects.download(key, copy);
    return await hashFile(copy);
  } finally {
    await rm(copy, { force: true });
  }
};

const verify = async (objects: ObjectStore, wanted: readonly Wanted[], scratch: string): Promise<Verification> => {
  let bytes = 0;
  const results = await mapParallel(wanted, 4, async ({ sha256, what }): Promise<Damage[]> => {
    const found = await digestOfObject(objects, sha256, scratch);
    bytes += found?.bytes ?? 0;
    if (found === null) return [{ sha256, kind: 'missing', is: null, what }];
    return found.sha256 === sha256 ? [] : [{ sha256, kind: 'corrupt', is: found.sha256, what }];
  });
  return { objects: wanted.length, bytes, damaged: results.flat() };
};

/** Everything that a snapshot is made of: the manifest, its parts, and the rows set aside. */
export const objectsOf = (snapshot: Sha256, manifest: DatasetManifest): Wanted[] => [
  { sha256: snapshot, what: 'manifest' },
  ...manifest.parts.map((part) => ({ sha256: part.sha256, what: `part ${part.source}/${part.partition}` })),
  ...[manifest.rejected.sha256].flatMap((sha256) => (sha256 ? [{ sha256, what: 'rejected rows' }] : [])),
  ...[manifest.quarantined.sha256].flatMap((sha256) => (sha256 ? [{ sha256, what: 'quarantined rows' }] : [])),
];

/** Reads every object of a snapshot again and compares its bytes with its name. */
export const verifySnapshot = (
  objects: ObjectStore,
  snapshot: Sha256,
  manifest: DatasetManifest,
  scratch: string,
): Promise<Verification> => verify(objects, objectsOf(snapshot, manifest), scratch);

/** Reads every object of the store again and compares its bytes with its name. */
export const verifyStore = async (objects: ObjectStore, scratch: string): Promise<Verification> => {
  const wanted: Wanted[] = [];
  for await (const info of objects.list(objectKeys.contentPrefix)) {
    const name = info.key.split('/').pop() ?? '';
    if (/^[0-9a-f]{64}$/.test(name)) wanted.push({ sha256: name as Sha256, what: 'object' });
  }
  return verify(objects, wanted, scratch);
};
