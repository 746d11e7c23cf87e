import { array, assert, integer, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layoutSchema } from '#domain/contracts/reference-profile.ts';
import { createBloomFilter, createBloomReader, rememberSeen } from '#domain/stats/summaries/bloom-filter.ts';
import { countValues } from '#domain/stats/summaries/place-value.ts';

/** Names that differ in a digit, as identifiers do: the hardest for a weak hash. */
const names = (from: number, count: number, prefix = 'N'): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${from + index}`);

describe('Bloom filter', () => {
  test('never forgets a member', () => {
    assert(
      property(array(string({ unit: 'binary' }), { maxLength: 50 }), integer({ min: 1, max: 400 }), (values, perMille) => {
        const has = createBloomReader(createBloomFilter(Object.freeze(values), perMille / 1000));
        for (const value of [...values]) expect(has(value)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test.each(['N', 'customer-', '\u{1F6E9}', ''])(
    'takes strangers for members at the stated rate: names that begin with "%s"',
    (prefix) => {
      const has = createBloomReader(createBloomFilter(names(0, 20_000, prefix), 0.01));
      const strangers = names(20_000, 200_000, prefix).filter(has).length;
      // 1 % of 200,000; eight standard deviations either way, for the filter itself is one draw.
      expect(strangers).toBeGreaterThan(2000 - 360);
      expect(strangers).toBeLessThan(2000 + 360);
    },
  );

  test('costs what the formula says', () => {
    const { bits, hashes, base64 } = createBloomFilter(names(0, 10_000), 0.001);
    expect([bits, hashes]).toEqual([143_776, 10]);
    expect(base64.length).toBe(4 * Math.ceil(bits / 8 / 3));
  });

  test('does not depend on the order of its values, nor on their being named twice', () => {
    const values = names(0, 300);
    expect(createBloomFilter([...values, ...values].reverse())).toEqual(createBloomFilter(values));
  });

  test('of nothing holds nothing, the empty text neither', () => {
    const has = createBloomReader(createBloomFilter([]));
    expect(['', 'a', '__proto__'].map(has)).toEqual([false, false, false]);
    expect(createBloomReader(createBloomFilter(['']))('')).toBe(true);
  });

  test('refuses a rate that is none, and bytes that are missing', () => {
    for (const rate of [0, 1, -0.1, Number.NaN]) expect(() => createBloomFilter(['a'], rate)).toThrow(RangeError);
    expect(() => createBloomReader({ kind: 'bloom', bits: 64, hashes: 3, base64: 'AAAA' })).toThrow(RangeError);
  });

  test('tells other from new in a layout, and passes the contract', () => {
    const layout = { kind: 'categorical' as const, values: ['a'], seen: rememberSeen(names(0, 10_001)) };
    expect(layout.seen.kind).toBe('bloom');
    expect(layoutSchema.parse(layout)).toEqual(layout);
    expect(countValues(layout, ['a', 'N7', 'N10000', 'a stranger']).cells).toEqual([1, 2, 1]);
  });

  test('is not needed for few values: they are kept, once and in order', () => {
    expect(rememberSeen(['b', '__proto__', 'a', 'b'])).toEqual({ kind: 'exact', values: ['__proto__', 'a', 'b'] });
    expect(rememberSeen(names(0, 10_000)).kind).toBe('exact');
  });
});
