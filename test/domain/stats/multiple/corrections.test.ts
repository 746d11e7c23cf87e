import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { benjaminiHochberg, benjaminiYekutieli } from '#domain/stats/multiple/benjamini-hochberg.ts';
import { holm } from '#domain/stats/multiple/holm.ts';
import golden from '../../../golden/multiple.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const corrections = { bh: benjaminiHochberg, by: benjaminiYekutieli, holm } as const;
const names = Object.keys(corrections) as (keyof typeof corrections)[];
const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 });

const expectAll = (found: Float64Array, wanted: readonly number[], tolerance: number): void => {
  expect(found).toHaveLength(wanted.length);
  for (const [test, value] of wanted.entries()) expectRelative(found[test] as number, value, tolerance, Number.MIN_VALUE);
};

describe.each(names)('%s', (name) => {
  const adjust = corrections[name];

  test('agrees with the vector, and rejects as many', () => {
    const { p, n_reject_q05, ...wanted } = vectors.multiplicity;
    const found = adjust(Object.freeze(p));
    expectAll(found, wanted[name], 1e-9);
    expect(found.filter((value) => value <= 0.05)).toHaveLength(n_reject_q05[name]);
    expect(p.filter((value) => value <= 0.05)).toHaveLength(n_reject_q05.raw);
  });

  test.each(golden.adjusted)('agrees with statsmodels: $name', ({ p, ...wanted }) => {
    expectAll(adjust(Object.freeze(p)), wanted[name], 1e-12);
  });

  test('never lowers a p-value, never leaves [0, 1], keeps order and ties', () => {
    fc.assert(
      fc.property(pValues, (p) => {
        const found = adjust(p);
        for (const [i, value] of p.entries()) {
          expect(found[i]).toBeGreaterThanOrEqual(value * (1 - 1e-15));
          expect(found[i]).toBeLessThanOrEqual(1);
          for (const [j, other] of p.entries()) {
            if (value < other) expect(found[i]).toBeLessThanOrEqual(found[j] as number);
            if (value === other) expect(found[i]).toBe(found[j]);
          }
        }
      }),
    );
  });

  test('does not depend on the order of the tests', () => {
    fc.assert(
      fc.property(pValues, (p) => {
        expect([...adjust(p.toReversed())]).toEqual([...adjust(p)].toReversed());
      }),
    );
  });

  test('nothing stays nothing, one p-value itself', () => {
    expect(adjust([])).toHaveLength(0);
    expect([...adjust([0.3])]).toEqual([0.3]);
  });

  test('refuses what is no p-value', () => {
    expect(() => adjust([0.1, -0.1])).toThrow(
      new RangeError('Cannot adjust p-values as each must be in [0, 1]: number 1 is -0.1'),
    );
    expect(() => adjust([1.1])).toThrow(RangeError);
    expect(() => adjust([Number.NaN])).toThrow(RangeError);
  });
});

test('Benjamini-Hochberg lets through most, then Holm, and Bonferroni least', () => {
  fc.assert(
    fc.property(pValues, (p) => {
      const [discoveries, familywise] = [benjaminiHochberg(p), holm(p)];
      for (const [i, value] of p.entries()) {
        expect(discoveries[i]).toBeLessThanOrEqual((familywise[i] as number) * (1 + 1e-15));
        expect(familywise[i]).toBeLessThanOrEqual(Math.min(1, value * p.length) * (1 + 1e-15));
      }
    }),
  );
});
