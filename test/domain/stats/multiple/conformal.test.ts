import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { conformalPValue } from '#domain/stats/multiple/conformal.ts';
import golden from '../../../golden/multiple.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

describe('conformalPValue()', () => {
  test.each(golden.conformal)('agrees with counting: $statistic among $quiet.length', ({ quiet, statistic, pValue }) =>
    expectRelative(conformalPValue(Object.freeze(quiet), statistic), pValue, 1e-12),
  );

  test('K windows reach down to 1 / (K + 1), and none say nothing', () => {
    expect(conformalPValue(new Array<number>(19).fill(0), 1)).toBe(0.05);
    expect(conformalPValue(new Array<number>(99).fill(0), 1)).toBe(0.01);
    expect(conformalPValue([], 1e9)).toBe(1);
  });

  test('of all windows in turn, at most alpha are below alpha: whatever the windows, ties included', () => {
    const windows = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 2, maxLength: 40 });
    fc.assert(
      fc.property(windows, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, alpha) => {
        const low = all.filter((one, i) => conformalPValue(all.toSpliced(i, 1), one) <= alpha);
        expect(low.length).toBeLessThanOrEqual(alpha * all.length + 1e-9);
      }),
    );
  });

  test('refuses what has no rank, and ranks what is infinite', () => {
    expect(() => conformalPValue([1, Number.NaN], 1)).toThrow(/must be numbers: 1 among window 1 with NaN/);
    expect(() => conformalPValue([1], Number.NaN)).toThrow(RangeError);
    expect(conformalPValue([1, Number.POSITIVE_INFINITY], Number.POSITIVE_INFINITY)).toBe(2 / 3);
  });
});
