import type { Instant } from '#domain/units.ts';

/** Values as the driver gives them, to values as contracts have them. */
export const toInstant = (date: Date): Instant => date.toISOString() as Instant;
export const toInstantOrNull = (date: Date | null): Instant | null => (date === null ? null : toInstant(date));

/** A 64-bit integer arrives as text; ours are counts and bytes, far below 2^53. */
export const toCount = (text: string): number => {
  const count = Number(text);
  if (!Number.isSafeInteger(count)) throw new RangeError(`Cannot use "${text}" as a count: it must be below 2^53`);
  return count;
};

/** PostgreSQL holds no NUL in text; what a trainer or a data row says may contain one. */
export const toText = (text: string): string => text.replaceAll('\u0000', '\uFFFD');
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' ? toText(inner) : inner));
