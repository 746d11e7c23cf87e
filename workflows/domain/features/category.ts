/** Values as they come from a request or from a Parquet column; timestamps are epoch milliseconds. */
export type RawValue = string | number | boolean | null | undefined;

/** A value that says nothing: absent, null, or not a finite number. */
export const isMissing = (value: RawValue): value is null | undefined =>
  value === null || value === undefined || (typeof value === 'number' && !Number.isFinite(value));

/**
 * The text under which a value is a category: one text for one value, in training and in a request.
 * Missing gives null. Numbers are written as JavaScript writes them, so 5 and 5.0 are one category.
 */
export const categoryOf = (value: RawValue): string | null => {
  if (typeof value === 'string') return value;
  return isMissing(value) ? null : String(value);
};

/** Escapes the separator, so that ("a|b", "c") and ("a", "b|c") stay two. Most values need nothing. */
const escapePart = (part: string): string => (/[\\|]/.test(part) ? part.replace(/[\\|]/g, '\\$&') : part);

/** Several values as one text, separated by "|"; null where one of them is missing. */
export const joinCategories = (values: readonly RawValue[]): string | null => {
  let joined = '';
  for (let index = 0; index < values.length; index += 1) {
    const part = categoryOf(values[index]);
    if (part === null) return null;
    joined = index === 0 ? escapePart(part) : `${joined}|${escapePart(part)}`;
  }
  return joined;
};

/**
 * Bucket of a category in [0, buckets): FNV-1a over its UTF-16 code units, 32 bits, with a final mix because the low
 * bits of FNV alone are weak for short texts.
 * Source: Fowler, Noll, Vo, "The FNV Non-Cryptographic Hash Algorithm", draft-eastlake-fnv; mix of MurmurHash3 (fmix32).
 */
export const bucketOf = (category: string, buckets: number): number => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < category.length; index += 1) {
    hash = Math.imul(hash ^ category.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % buckets;
};
