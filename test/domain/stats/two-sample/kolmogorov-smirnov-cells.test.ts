import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { binnedKolmogorovSmirnov } from '#domain/stats/two-sample/kolmogorov-smirnov-cells.ts';
import golden from '../../../golden/two-sample.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const sample = fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 60 });
const counts = (values: readonly number[], width: number) =>
  Object.freeze(
    Array.from({ length: 100 / width }, (_, cell) => values.filter((one) => Math.floor(one / width) === cell).length),
  );

describe('binnedKolmogorovSmirnov()', () => {
  test.each(golden.binned)('agrees with the definition for $reference and $current', ({ reference, current, ...wanted }) => {
    const found = binnedKolmogorovSmirnov(Object.freeze(reference), Object.freeze(current));
    expectRelative(found?.distance as number, wanted.distance, 1e-12, 1e-15);
    expectRelative(found?.atMost as number, wanted.atMost, 1e-12, 1e-15);
  });

  test('the distance of the samples lies between what is found and what it may be at most', () => {
    fc.assert(
      fc.property(sample, sample, fc.constantFrom(5, 10, 25, 50), (one, two, width) => {
        const exact = binnedKolmogorovSmirnov(counts(one, 1), counts(two, 1))?.distance as number;
        const coarse = binnedKolmogorovSmirnov(counts(one, width), counts(two, width));
        expect(coarse?.distance).toBeLessThanOrEqual(exact + 1e-12);
        expect(coarse?.atMost).toBeGreaterThanOrEqual(exact - 1e-12);
      }),
    );
  });

  test('one cell says nothing, no rows are no answer, other cells are refused', () => {
    expect(binnedKolmogorovSmirnov([4], [9])).toEqual({ distance: 0, atMost: 1 });
    expect(binnedKolmogorovSmirnov([0, 0], [1, 2])).toBeNull();
    expect(binnedKolmogorovSmirnov([1, 2], [0, 0])).toBeNull();
    expect(() => binnedKolmogorovSmirnov([1], [1, 2])).toThrow(/same cells: they have 1 and 2/);
    expect(() => binnedKolmogorovSmirnov([1, -1], [1, 2])).toThrow(RangeError);
  });
});
