import type { Sha256 } from '#domain/units.ts';

export type ObjectInfo = { readonly key: string; readonly bytes: number; readonly modifiedAt: Date };

export type StoredFile = { readonly sha256: Sha256; readonly bytes: number; readonly isNew: boolean };

/**
 * The port to the object store. Two drivers, a directory and S3, pass one contract-test suite.
 * Keys come from `keys.ts` only. Content-addressed objects are created once and never change.
 */
export interface ObjectStore {
  /**
   * Writes an object if its key is free. Returns false where an object of that key is already there (it is kept).
   * After it returns, the whole object is durable and readable; a writer that dies leaves nothing under the key.
   * Of several writers at once one is told true; on S3 as exactly as the store keeps its conditional writes, so all
   * writers of a key must write the same bytes, as content addressing has it.
   */
  createOnce(key: string, body: Uint8Array | { readonly file: string }): Promise<boolean>;
  /**
   * Stores a file under the key that its digest gives, with the promises of `createOnce`. What is stored is what was
   * hashed, also where the file is written to meanwhile. `isNew` is false where an object of that key was there.
   */
  createFromFile(file: string, keyOf: (sha256: Sha256) => string): Promise<StoredFile>;
  /** The bytes. Throws PRN_NOT_FOUND for an unknown key. */
  read(key: string): Promise<Buffer>;
  /** Copies the object to a local file (whole or not at all). Throws PRN_NOT_FOUND. */
  download(key: string, file: string): Promise<void>;
  /** A local path through which the object can be read without a copy, where the driver has one. Never write to it. */
  localPath(key: string): string | null;
  stat(key: string): Promise<ObjectInfo | null>;
  /** Objects under a prefix, by key in ascending order. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  delete(key: string): Promise<void>;
}

/** Content-addressed access on top of a store: the digest is the name, and is checked on the way in and out. */
export interface ContentStore {
  /** Writes bytes and returns their digest. */
  putBytes(bytes: Uint8Array): Promise<Sha256>;
  /** Canonical JSON (RFC 8785) of a value; the digest is over those bytes. */
  putJson(value: unknown): Promise<Sha256>;
  /** Hashes and stores a file; `isNew` is false where the object was there. */
  putFile(file: string): Promise<StoredFile>;
  /** Many files, a few at a time; answers in the order of the files. */
  putFiles(files: readonly string[]): Promise<readonly StoredFile[]>;
  /** Reads and verifies; throws PRN_OBJECT_CORRUPT, PRN_NOT_FOUND. */
  getBytes(sha256: Sha256): Promise<Buffer>;
  getJson(sha256: Sha256): Promise<unknown>;
  /** A verified local file of the object: the store's own where it has one, else one in the scratch cache. Never write to it. */
  localFile(sha256: Sha256): Promise<string>;
  has(sha256: Sha256): Promise<boolean>;
  /** Removes this machine's own copy of an object that was deleted; nothing where there is none. */
  forget(sha256: Sha256): Promise<void>;
}
