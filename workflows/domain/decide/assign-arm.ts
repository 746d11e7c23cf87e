import type { ArmName } from '../contracts/capture.ts';

/** Parts that units are dealt into; a share counts in whole ones, to the nearest. */
export const armBuckets = 10_000;

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
const mixBlock = (block: number): number => Math.imul(rotate(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);

/**
 * MurmurHash3 of a text, a whole number in [0, 2^32): its UTF-16 code units as bytes, the low one first, so that nothing
 * has to be encoded. Every text is taken, also the empty one. `seed` is taken as a whole number of 32 bits.
 *
 * Source: Appleby, MurmurHash3_x86_32 (SMHasher, public domain).
 * Agrees with: its published answers for "", "ab", "aaaa", "abcd" and "test" as bytes (test).
 * @example hashOfText('', 1) // 1364076727
 */
export const hashOfText = (text: string, seed: number): number => {
  let hash = seed | 0;
  const whole = text.length & ~1;
  for (let index = 0; index < whole; index += 2) {
    hash ^= mixBlock(text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16));
    hash = (Math.imul(rotate(hash, 13), 5) + 0xe6546b64) | 0;
  }
  if (whole < text.length) hash ^= mixBlock(text.charCodeAt(whole));
  hash ^= text.length * 2;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/**
 * The bucket of a unit, a whole number in [0, 10,000). It hangs on salt and unit alone: another salt deals all units anew,
 * so that who was harmed by one rollout is not the first in the next. The salt's own hash is the seed of the unit's, so
 * that no pair of texts can be joined in two ways.
 *
 * 2^32 is no multiple of 10,000: some buckets get more than others by a factor of at most 1.0000024.
 *
 * Source: definition.
 * @example bucketOfUnit('salt', 'customer-1') // 6460
 */
export const bucketOfUnit = (salt: string, unit: string): number => hashOfText(unit, hashOfText(salt, 0)) % armBuckets;

/**
 * The arm that answers a unit while the candidate has a share in [0, 1]: candidate below the share, champion above.
 * Raising the share never moves a unit back to the champion, and lowering it never moves one to the candidate.
 * At 0 all are the champion's, at 1 all are the candidate's. A share counts to the nearest 0.0001.
 *
 * Source: definition.
 * @example assignArm({ salt: 'salt', share: 0.65 }, 'customer-1') // 'candidate'
 */
export const assignArm = ({ salt, share }: { readonly salt: string; readonly share: number }, unit: string): ArmName =>
  bucketOfUnit(salt, unit) < Math.round(share * armBuckets) ? 'candidate' : 'champion';
