import type { CategoricalLayout } from '../../contracts/reference-profile.ts';

type Seen = CategoricalLayout['seen'];

/** A set of texts in few bits. It never forgets a member; it takes a stranger for a member now and then. */
export type BloomFilter = Extract<Seen, { kind: 'bloom' }>;

/** Up to so many texts are kept as they are: exact costs some 100 KB then. */
const mostExact = 10_000;

/**
 * What tells a value that the reference had from a new one: the values themselves up to 10,000, a Bloom filter beyond.
 * Values named twice count once; the order does not matter.
 */
export const rememberSeen = (values: Iterable<string>): Seen => {
  const members = [...new Set(values)].sort();
  return members.length <= mostExact ? { kind: 'exact', values: members } : createBloomFilter(members);
};

/**
 * A Bloom filter that holds the values and takes a stranger for one of them at about the given rate, in (0, 1).
 *
 * It has -n ln(rate) / ln(2)^2 bits and (bits / n) ln(2) hashes, both rounded; values named twice count once. No values:
 * eight bits of zero, which hold nothing. Throws RangeError for another rate.
 *
 * Source: Bloom, "Space/time trade-offs in hash coding with allowable errors", Communications of the ACM 13 (1970).
 */
export const createBloomFilter = (values: Iterable<string>, falsePositiveRate = 0.001): BloomFilter => {
  const members = new Set(values);
  const writer = createBloomWriter(members.size, falsePositiveRate);
  for (const member of members) writer.add(member);
  return writer.finish();
};

/** Takes members one by one, and gives the filter that holds them. */
export type BloomWriter = { readonly add: (value: string) => void; readonly finish: () => BloomFilter };

/**
 * The same for values that come one by one and are too many to be kept: `size` is how many different ones there will be.
 * The rate is missed where there are more.
 */
export const createBloomWriter = (size: number, falsePositiveRate = 0.001): BloomWriter => {
  if (!(falsePositiveRate > 0 && falsePositiveRate < 1)) {
    throw new RangeError(`Cannot make a Bloom filter as the rate must be in (0, 1): it is ${falsePositiveRate}`);
  }
  const wantedBits = (-size * Math.log(falsePositiveRate)) / Math.LN2 ** 2;
  const bytes = new Uint8Array(Math.max(1, Math.ceil(wantedBits / 8)));
  const bits = bytes.length * 8;
  const hashes = Math.max(1, Math.round((bits / Math.max(1, size)) * Math.LN2));
  const mark = (bit: number): boolean => {
    bytes[bit >>> 3] = (bytes[bit >>> 3] as number) | (1 << (bit & 7));
    return true;
  };
  return {
    add: (value) => void forEachBit(value, bits, hashes, mark),
    finish: () => ({ kind: 'bloom', bits, hashes, base64: toBase64(bytes) }),
  };
};

/**
 * Makes the function that says whether a filter holds a text: true for every member, and for few others.
 *
 * Throws RangeError where the bytes are not as many as the bits need.
 *
 * Source: Bloom (1970).
 */
export const createBloomReader = (filter: BloomFilter): ((value: string) => boolean) => {
  const bytes = fromBase64(filter.base64);
  if (bytes.length * 8 < filter.bits) {
    throw new RangeError(`Cannot read a Bloom filter as it must have ${filter.bits} bits: it has ${bytes.length * 8}`);
  }
  return (value) =>
    forEachBit(value, filter.bits, filter.hashes, (bit) => ((bytes[bit >>> 3] as number) & (1 << (bit & 7))) !== 0);
};

/**
 * Visits the bits of a text until the visitor says no; whether it never did.
 *
 * Two hashes give all positions: first + k second. The second is odd, so it never stands still in a filter of 8 k bits.
 *
 * Source: Kirsch and Mitzenmacher, "Less hashing, same performance", Random Structures and Algorithms 33 (2008).
 */
const forEachBit = (value: string, bits: number, hashes: number, visit: (bit: number) => boolean): boolean => {
  const first = hashText(value, 0x811c9dc5);
  const step = ((hashText(value, 0x2f0b4c47) | 1) >>> 0) % bits;
  let bit = first % bits;
  for (let k = 0; k < hashes; k++) {
    if (!visit(bit)) return false;
    bit += step;
    if (bit >= bits) bit -= bits;
  }
  return true;
};

/**
 * A 32-bit hash of the UTF-16 code units of a text, for a seed. Not for secrets: texts that collide can be made.
 *
 * Source: FNV-1a (draft-eastlake-fnv), with the final mix of MurmurHash3 as the low bits of FNV alone are weak.
 */
const hashText = (text: string, seed: number): number => {
  let hash = seed;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** Bytes to characters in portions, for a function takes only so many arguments. */
const toBase64 = (bytes: Uint8Array): string => {
  let text = '';
  for (let start = 0; start < bytes.length; start += 8192) {
    text += String.fromCharCode(...bytes.subarray(start, start + 8192));
  }
  return btoa(text);
};

const fromBase64 = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
