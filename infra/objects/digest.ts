import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Sha256 } from '#domain/units.ts';

/** RFC 8785 bytes of a JSON-safe value: one value, one text, one digest. Throws TypeError for what JSON cannot hold. */
export const canonicalJson = (value: unknown): string => {
  const text = (canonicalize as unknown as (value: unknown) => string | undefined)(value);
  if (text === undefined) throw new TypeError('Cannot write a canonical form of undefined');
  return text;
};

export const sha256Of = (bytes: Uint8Array | string): Sha256 => createHash('sha256').update(bytes).digest('hex') as Sha256;
export const digestOfJson = (value: unknown): Sha256 => sha256Of(canonicalJson(value));
