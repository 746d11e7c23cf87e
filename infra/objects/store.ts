import type { Sha256 } from '#domain/units.ts';

export type ObjectInfo = { readonly key: string; readonly bytes: number; readonly modifiedAt: Date };

/**
 * The port to the object store. Two drivers, a directory and S3, pass one contract-test suite.
 * Keys come from `keys.ts` only. Content-addressed objects are created once and never change.
 */
export interface ObjectStore {
  /**
   * Writes an object if its key is free. Returns false where an object of that key is already there (it is kept).
   * After it returns, the whole object is durable and readable; a writer that dies leaves nothing under the key.
   */
  createOnce(key: string, body: Uint8Array | { readonly file: string }): Promise<boolean>;
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
  putFile(file: string): Promise<{ sha256: Sha256; bytes: number; isNew: boolean }>;
  /** Reads and verifies; throws PRN_OBJECT_CORRUPT, PRN_NOT_FOUND. */
  getBytes(sha256: Sha256): Promise<Buffer>;
  getJson(sha256: Sha256): Promise<unknown>;
  /** A verified local file of the object: the store's own where it has one, else one in the scratch cache. Never write to it. */
  localFile(sha256: Sha256): Promise<string>;
  has(sha256: Sha256): Promise<boolean>;
}
