import { array, assert, constantFrom, double, integer, oneof, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addToSketch,
  type DDSketch,
  emptySketch,
  mergeSketches,
  quantileOfSketch,
  rowsInSketch,
  sketchEstimate,
  sketchIndex,
} from '#domain/stats/summaries/ddsketch.ts';
import golden from '../../../golden/summaries.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const frozen = (sketch: DDSketch): DDSketch => {
  Object.freeze(sketch.bins);
  return Object.freeze(sketch);
};
const sketchOf = (values: number[], mostBins = 2048, alpha = 0.01) =>
  frozen(addToSketch(frozen(emptySketch(alpha, mostBins)), values));
const anyValue = oneof(
  double({ noNaN: true, noDefaultInfinity: true }),
  integer({ min: -9, max: 9 }),
  constantFrom(0, -0, 1e-301, 1e300),
);
const anyValues = array(anyValue, { maxLength: 40 });

describe('DDSketch', () => {
  test('agrees with the design', () => {
    const { ddsketch_alpha: alpha, index, estimate } = vectors.merge;
    for (const [size, wanted] of Object.entries(index)) expect(sketchIndex(Number(size), alpha)).toBe(wanted);
    for (const [size, wanted] of Object.entries(estimate)) {
      expectRelative(sketchEstimate(sketchIndex(Number(size), alpha), alpha), wanted, 1e-9);
    }
  });

  test.each(golden.sketch)('agrees with long arithmetic for $size at $alpha', ({ alpha, size, index, estimate }) => {
    expect(sketchIndex(size, alpha)).toBe(index);
    expectRelative(sketchEstimate(index, alpha), estimate, 1e-11);
  });

  test('every quantile is within alpha of a value that is at that place', () => {
    assert(
      property(array(anyValue, { minLength: 1, maxLength: 60 }), integer({ min: 0, max: 20 }), (values, twentieth) => {
        const sorted = Float64Array.from(values).sort();
        const exact = sorted[Math.floor((twentieth / 20) * (values.length - 1))] as number;
        const found = quantileOfSketch(sketchOf(values), twentieth / 20);
        expect(found?.bound).toBe('relative');
        const error = Math.abs((found?.value as number) - exact);
        expect(error <= 0.01 * (1 + 1e-9) * Math.abs(exact) || Math.abs(exact) < 1e-300).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([3, 2048])('merges associatively and commutatively, as if counted at once, in %d bins', (mostBins) => {
    assert(
      property(anyValues, anyValues, anyValues, (a, b, c) => {
        const [one, two, three] = [a, b, c].map((values) => sketchOf(values, mostBins)) as [DDSketch, DDSketch, DDSketch];
        const whole = sketchOf([...a, ...b, ...c], mostBins);
        expect(mergeSketches(frozen(mergeSketches(one, two)), three)).toEqual(whole);
        expect(mergeSketches(one, frozen(mergeSketches(three, two)))).toEqual(whole);
        expect(rowsInSketch(whole)).toBe(a.length + b.length + c.length);
        expect(whole.bins.length).toBeLessThanOrEqual(mostBins);
      }),
      { numRuns: 1000 },
    );
  });

  test('keeps high quantiles when it collapses, and says which are only bounded', () => {
    const values = Array.from({ length: 10_000 }, (_, index) => 1.01 ** (index / 10));
    const full = sketchOf(values, 100);
    expect(full.bins.length).toBe(100);
    for (const share of [0.9, 0.99, 1]) {
      const found = quantileOfSketch(full, share);
      expect(found?.bound).toBe('relative');
      expectRelative(found?.value as number, values[Math.floor(share * 9999)] as number, 0.01);
    }
    const low = quantileOfSketch(full, 0.05);
    expect(low?.bound).toBe('at most');
    expect(low?.value).toBeGreaterThan(values[500] as number);
  });

  test('knows zero and signs', () => {
    const sketch = sketchOf([-100, -1, 0, -0, 1e-301, 1, 100]);
    expect(sketch.bins.map(({ sign, rows }) => [sign, rows])).toEqual([
      [-1, 1],
      [-1, 1],
      [0, 3],
      [1, 1],
      [1, 1],
    ]);
    expect(quantileOfSketch(sketch, 0.5)).toEqual({ value: 0, bound: 'relative' });
    expectRelative(quantileOfSketch(sketch, 0)?.value as number, -100, 0.01);
    expectRelative(quantileOfSketch(sketch, 1)?.value as number, 100, 0.01);
  });

  test('of the largest number stays a number', () => {
    expectRelative(quantileOfSketch(sketchOf([Number.MAX_VALUE]), 1)?.value as number, Number.MAX_VALUE, 0.01);
  });

  test('of nothing has no quantile', () => expect(quantileOfSketch(emptySketch(), 0.5)).toBeNull());

  test('refuses what it cannot hold, mix or answer', () => {
    expect(() => sketchOf([Number.NaN])).toThrow(RangeError);
    expect(() => sketchOf([Number.NEGATIVE_INFINITY])).toThrow(RangeError);
    expect(() => emptySketch(0)).toThrow(RangeError);
    expect(() => emptySketch(1)).toThrow(RangeError);
    expect(() => emptySketch(0.01, 0)).toThrow(RangeError);
    expect(() => mergeSketches(emptySketch(0.01), emptySketch(0.02))).toThrow(RangeError);
    expect(() => mergeSketches(emptySketch(0.01, 10), emptySketch(0.01, 20))).toThrow(RangeError);
    expect(() => quantileOfSketch(emptySketch(), 1.1)).toThrow(RangeError);
  });
});
