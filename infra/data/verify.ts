import type { DatasetManifest } from '#domain/contracts/dataset.ts';
import type { Sha256 } from '#domain/units.ts';
import { hashFile } from '../objects/hash-file.ts';
import { mapParallel } from '../objects/parallel.ts';
import type { ObjectStore } from '../objects/store.ts';
import { listContent, withStoredFile } from '../objects/stored.ts';

export type Damage = {
  readonly sha256: Sha256;
  readonly kind: 'missing' | 'corrupt';
  readonly is: Sha256 | null;
  readonly what: string;
};
export type Verification = { readonly objects: number; readonly bytes: number; readonly damaged: readonly Damage[] };

type Wanted = { readonly sha256: Sha256; readonly what: string };

const verify = async (objects: ObjectStore, wanted: readonly Wanted[], scratch: string): Promise<Verification> => {
  let bytes = 0;
  const results = await mapParallel(wanted, 4, async ({ sha256, what }): Promise<Damage[]> => {
    const found = await withStoredFile(objects, sha256, scratch, hashFile);
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
  for await (const { sha256 } of listContent(objects)) wanted.push({ sha256, what: 'object' });
  return verify(objects, wanted, scratch);
};
