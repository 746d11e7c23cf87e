import { readFile } from 'node:fs/promises';
import type { Sha256 } from '#domain/units.ts';
import { type FileDigest, hashFile } from '../objects/hash-file.ts';
import type { ObjectStore } from '../objects/store.ts';
import { withStoredFile } from '../objects/stored.ts';

/** An object as the store has it. `problem` is null where its bytes have its digest. */
export type CheckedObject = { readonly bytes: number; readonly problem: string | null };

export type ObjectCheck = {
  /** Reads an object to its end, once however often it is asked for. */
  look(sha256: Sha256): Promise<CheckedObject>;
  /** The JSON of an object that was found whole; null where it is not. */
  json(sha256: Sha256): Promise<unknown>;
  readonly looked: () => { objects: number; bytes: number };
};

const describe = (sha256: Sha256, found: FileDigest): CheckedObject => ({
  bytes: found.bytes,
  problem:
    found.sha256 === sha256 ? null : `object "${sha256}" must have that digest: its ${found.bytes} bytes have "${found.sha256}"`,
});

export const createObjectCheck = (objects: ObjectStore, scratch: string): ObjectCheck => {
  const seen = new Map<Sha256, Promise<CheckedObject>>();
  let bytes = 0;
  const read = async (sha256: Sha256): Promise<CheckedObject> => {
    const found = await withStoredFile(objects, sha256, scratch, hashFile);
    if (found === null) return { bytes: 0, problem: `object "${sha256}" must be in the store: it is not` };
    const checked = describe(sha256, found);
    bytes += checked.bytes;
    return checked;
  };
  const look = (sha256: Sha256): Promise<CheckedObject> => {
    const known = seen.get(sha256) ?? read(sha256);
    seen.set(sha256, known);
    return known;
  };
  return {
    look,
    json: async (sha256) => {
      if ((await look(sha256)).problem !== null) return null;
      const text = await withStoredFile(objects, sha256, scratch, (file) => readFile(file, 'utf8'));
      return text === null ? null : JSON.parse(text);
    },
    looked: () => ({ objects: seen.size, bytes }),
  };
};
