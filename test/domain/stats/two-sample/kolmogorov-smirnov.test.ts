import { describe, expect, test } from 'vitest';
import { createRandom } from '#domain/stats/random.ts';
import { kolmogorovTails } from '#domain/stats/special/kolmogorov.ts';
import { kolmogorovSmirnovTest, stephensPValue } from '#domain/stats/two-sample/kolmogorov-smirnov.ts';
import golden from '../../../golden/two-sample.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

describe('kolmogorovSmirnovTest()', () => {
  const { ref, cur } = vectors.numeric;

  test('agrees with the vector: distance, exact, Stephens and the bare limit', () => {
    const found = kolmogorovSmirnovTest(Object.freeze(ref), Object.freeze(cur));
    expect(found?.method).toBe('exact');
    expectRelative(found?.distance as number, vectors.ks.D, 1e-12);
    expectRelative(found?.pValue as number, vectors.ks.p_exact, 1e-9);
    expectRelative(stephensPValue(vectors.ks.D, 20, 16), vectors.ks.p_stephens, 1e-9);
    expectRelative(kolmogorovTails(Math.sqrt((20 * 16) / 36) * vectors.ks.D).upper, vectors.ks.p_kolmogorov_limit, 1e-9);
  });

  test.each(golden.kolmogorovSmirnov)('agrees with SciPy: $name', ({ reference, current, distance, pValue }) => {
    const found = kolmogorovSmirnovTest(Object.freeze(reference), Object.freeze(current));
    expectRelative(found?.distance as number, distance, 1e-12);
    expectRelative(found?.pValue as number, pValue, 1e-9);
  });

  test('an empty sample is no answer, equal ones are no difference', () => {
    expect(kolmogorovSmirnovTest([], [1])).toBeNull();
    expect(kolmogorovSmirnovTest([1], [])).toBeNull();
    expect(kolmogorovSmirnovTest([2, 2, 2], [2, 2])).toEqual({ distance: 0, pValue: 1, method: 'exact' });
  });

  test('values without an order are refused', () => {
    expect(() => kolmogorovSmirnovTest([1, Number.NaN], [1])).toThrow(/finite: one is NaN/);
    expect(() => kolmogorovSmirnovTest([1], [Number.POSITIVE_INFINITY])).toThrow(RangeError);
  });

  test('many rows go by Stephens, who is close to the exact answer where both can be had', () => {
    const random = createRandom(3);
    const many = Float64Array.from({ length: 2001 }, () => random());
    const others = Float64Array.from({ length: 2000 }, () => random() + 0.03);
    const found = kolmogorovSmirnovTest(many, others);
    expect(found?.method).toBe('Stephens');
    expectRelative(found?.pValue as number, kolmogorovSmirnovTest(many.subarray(1), others)?.pValue as number, 0.1);
  });
});

describe('stephensPValue()', () => {
  test.each(golden.stephens)('agrees with SciPy for $n, $m and $distance', ({ n, m, distance, pValue }) =>
    expectRelative(stephensPValue(distance, n, m), pValue, 1e-10, 1e-300),
  );

  test('refuses what is no distance, and no rows', () => {
    expect(() => stephensPValue(1.1, 5, 5)).toThrow(RangeError);
    expect(() => stephensPValue(Number.NaN, 5, 5)).toThrow(RangeError);
    expect(() => stephensPValue(0.1, 0, 5)).toThrow(/n and m > 0 rows: 0.1, 0, 5/);
  });
});
