import { describe, expect, test } from 'vitest';
import { oneSampleKolmogorov } from '#domain/stats/compatibility/one-sample-kolmogorov.ts';
import golden from '../../../golden/two-sample.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

describe('oneSampleKolmogorov()', () => {
  test('agrees with the vector', () => {
    expectRelative(oneSampleKolmogorov(vectors.ks.D, Math.round((20 * 16) / 36)), vectors.ks.scipy_asymp, 1e-9);
  });

  test.each(golden.oneSample)('agrees with SciPy for $n rows at $distance', ({ n, distance, probability }) =>
    expectRelative(oneSampleKolmogorov(distance, n), probability, 1e-9, 1e-300),
  );

  test('is one piece where its two formulas meet', () => {
    for (const n of [30, 200, 900]) {
      const seam = Math.sqrt(5.8 / n);
      expectRelative(oneSampleKolmogorov(seam * (1 - 1e-9), n), oneSampleKolmogorov(seam, n), 1e-6);
      expect(oneSampleKolmogorov(seam * 0.999, n)).toBeGreaterThan(oneSampleKolmogorov(seam, n));
    }
  });

  test('ends are certain; what is no distance is refused', () => {
    expect(oneSampleKolmogorov(0, 10)).toBe(1);
    expect(oneSampleKolmogorov(1, 10)).toBe(0);
    expect(() => oneSampleKolmogorov(-0.1, 10)).toThrow(RangeError);
    expect(() => oneSampleKolmogorov(0.1, 0)).toThrow(/n whole and above 0: 0.1, 0/);
    expect(() => oneSampleKolmogorov(0.1, 2.5)).toThrow(RangeError);
  });
});
