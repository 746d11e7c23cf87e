import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countBySturges, countByValue } from '#domain/stats/compatibility/value-counts.ts';

const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { maxLength: 60 });
const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

describe('countByValue()', () => {
  test('has a cell for each value of either side', () => {
    expect(countByValue(['b', 'a', 'b'], ['c', 'a'])).toEqual({ reference: [2, 1, 0], current: [0, 1, 1] });
    expect(countByValue([1, true, '1'], [])).toEqual({ reference: [1, 1, 1], current: [0, 0, 0] });
    expect(countByValue([], [])).toEqual({ reference: [], current: [] });
  });
});

describe('countBySturges()', () => {
  test('counts every row once, whatever the values', () => {
    fc.assert(
      fc.property(numbers, numbers, (one, two) => {
        const { reference, current } = countBySturges(Object.freeze(one), Object.freeze(two));
        expect([sum(reference), sum(current)]).toEqual([one.length, two.length]);
        expect(reference).toHaveLength(current.length);
      }),
    );
  });

  test('cells are closed below, the last one at both ends', () => {
    // 8 rows: log2(8) + 1 = 4 cells of one each over 0 to 4.
    expect(countBySturges([0, 1, 2, 3], [4, 3, 1, 1])).toEqual({ reference: [1, 1, 1, 1], current: [0, 2, 0, 2] });
  });

  test('a value at an edge lies above it, and the number just below it lies below', () => {
    // 16 rows: five cells. 0.02 / 0.1 * 5 rounds to less than 1.
    const ends = new Array<number>(7).fill(0);
    const tenths = [...new Array<number>(6).fill(0), 0.1];
    expect(countBySturges([...ends, 0.02], [...tenths, 0.04])).toEqual({ reference: [7, 1, 0, 0, 0], current: [6, 0, 1, 0, 1] });
    // Here the quotient of a number below the third edge rounds to 3.
    const high = 0.1 + 0.2;
    const edge = 3 * (high / 5);
    const below = edge * (1 - Number.EPSILON / 2);
    expect(below).toBeLessThan(edge);
    const found = countBySturges([...ends, edge], [...new Array<number>(6).fill(0), high, below]);
    expect(found).toEqual({ reference: [7, 0, 0, 1, 0], current: [6, 0, 1, 0, 1] });
  });

  test('one value, or none, has one cell', () => {
    expect(countBySturges([3, 3], [3])).toEqual({ reference: [2], current: [1] });
    expect(countBySturges([], [])).toEqual({ reference: [0], current: [0] });
  });
});
