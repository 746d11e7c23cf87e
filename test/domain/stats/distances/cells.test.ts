import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hellingerDistance } from '#domain/stats/distances/hellinger.ts';
import { jensenShannonDistance, jensenShannonDivergence } from '#domain/stats/distances/jensen-shannon.ts';
import { kullbackLeibler } from '#domain/stats/distances/kullback-leibler.ts';
import { largestDifference } from '#domain/stats/distances/largest-difference.ts';
import { psi, smoothedPsi } from '#domain/stats/distances/psi.ts';
import { totalVariation } from '#domain/stats/distances/total-variation.ts';
import golden from '../../../golden/distances.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

type Counts = readonly number[];
const measures = {
  psi,
  smoothedPsi,
  kullbackLeibler,
  jensenShannonDivergence,
  jensenShannonDistance,
  totalVariation,
  largestDifference,
  hellingerDistance,
} satisfies Record<string, (reference: Counts, current: Counts) => number | null>;
const symmetric = Object.entries(measures).filter(([name]) => name !== 'kullbackLeibler');
const bounded = ['jensenShannonDivergence', 'jensenShannonDistance', 'totalVariation', 'largestDifference', 'hellingerDistance'];

const count = fc.integer({ min: 0, max: 1000 });
const pairs = fc
  .integer({ min: 1, max: 30 })
  .chain((cells) => fc.tuple(...[0, 1].map(() => fc.array(count, { minLength: cells, maxLength: cells }))))
  .filter((sides) => sides.every((side) => side.some((rows) => rows > 0)))
  .map((sides) => sides.map((side) => Object.freeze(side)) as [Counts, Counts]);

describe('distances between counts agree with the vectors', () => {
  test('psi()', () => {
    expectRelative(psi(vectors.psi.ref, vectors.psi.cur) as number, vectors.psi.psi, 1e-9);
  });

  test('smoothedPsi()', () => {
    const { ref, cur, add_half, add_one } = vectors.psi_zero;
    expect(psi(ref, cur)).toBe(Number.POSITIVE_INFINITY);
    expectRelative(smoothedPsi(ref, cur) as number, add_half, 1e-9);
    expectRelative(smoothedPsi(ref, cur, 1) as number, add_one, 1e-9);
  });

  test('the others', () => {
    const { ref, cur, ...wanted } = vectors.categorical;
    expectRelative(jensenShannonDistance(ref, cur, 'nats') as number, wanted.js_distance_nat, 1e-9);
    expectRelative(jensenShannonDistance(ref, cur) as number, wanted.js_distance_base2, 1e-9);
    expectRelative(jensenShannonDivergence(ref, cur, 'nats') as number, wanted.js_divergence_nat, 1e-9);
    expectRelative(jensenShannonDivergence(ref, cur) as number, wanted.js_divergence_base2, 1e-9);
    expectRelative(kullbackLeibler(ref, cur) as number, wanted.kl_ref_cur, 1e-9);
    expectRelative(totalVariation(ref, cur) as number, wanted.tvd, 1e-9);
    expectRelative(largestDifference(ref, cur) as number, wanted.l_infinity, 1e-9);
    expectRelative(hellingerDistance(ref, cur) as number, wanted.hellinger, 1e-9);
    expectRelative(jensenShannonDistance([1, 0], [0, 1], 'nats') as number, wanted.max_js_distance_nat, 1e-9);
  });
});

describe('distances between counts agree with sixty digits', () => {
  const expectCell = (found: number | null, wanted: number | null, tolerance: number): void =>
    wanted === null
      ? expect(found).toBe(Number.POSITIVE_INFINITY)
      : expectRelative(found as number, wanted, tolerance, Number.MIN_VALUE);

  test.each(golden.cells)('$name', ({ reference, current, ...wanted }) => {
    Object.freeze(reference);
    Object.freeze(current);
    // Shares are rounded to 1e-16 of themselves; what is left of their difference keeps fewer digits the closer they are.
    const apart = largestDifference(reference, current) as number;
    const tolerance = Math.max(1e-12, 4e-16 / (apart || 1));
    expectCell(psi(reference, current), wanted.psi, tolerance);
    expectCell(smoothedPsi(reference, current), wanted.psiHalf, tolerance);
    expectCell(smoothedPsi(reference, current, 1), wanted.psiOne, tolerance);
    expectCell(kullbackLeibler(reference, current), wanted.kullbackLeibler, tolerance);
    expectCell(jensenShannonDivergence(reference, current, 'nats'), wanted.divergenceNats, tolerance);
    expectCell(jensenShannonDivergence(reference, current), wanted.divergenceBits, tolerance);
    expectCell(jensenShannonDistance(reference, current), wanted.distanceBits, tolerance);
    expectCell(totalVariation(reference, current), wanted.totalVariation, tolerance);
    expectCell(apart, wanted.largest, tolerance);
    expectCell(hellingerDistance(reference, current), wanted.hellinger, tolerance);
    // SciPy's logarithms cancel near equality: then its distance has half the digits, or is no number at all.
    if (wanted.scipyDistanceNats !== null) {
      expectRelative(jensenShannonDistance(reference, current, 'nats') as number, wanted.scipyDistanceNats, 1e-9, 2e-8);
    }
  });
});

describe('distances between counts', () => {
  test.each(symmetric)('%s() is symmetric', (_, measure) => {
    fc.assert(
      fc.property(pairs, ([reference, current]) => {
        const [there, back] = [measure(reference, current), measure(current, reference)] as [number, number];
        if (there !== back) expectRelative(there, back, 1e-12, 1e-15);
      }),
    );
  });

  test.each(Object.entries(measures))(
    '%s() is never negative nor NaN, 0 for equal counts, and within its bounds',
    (name, measure) => {
      fc.assert(
        fc.property(pairs, ([reference, current]) => {
          const found = measure(reference, current) as number;
          expect(found).toBeGreaterThanOrEqual(0);
          expect(measure(reference, reference)).toBe(0);
          if (bounded.includes(name)) expect(found).toBeLessThanOrEqual(1 + 1e-15);
          if (name === 'smoothedPsi') expect(found).toBeLessThan(Number.POSITIVE_INFINITY);
        }),
      );
    },
  );

  test.each(Object.entries(measures))('%s() does not depend on the order of the cells', (_, measure) => {
    fc.assert(
      fc.property(pairs, ([reference, current]) => {
        const [found, turned] = [measure(reference, current), measure(reference.toReversed(), current.toReversed())];
        if (found !== turned) expectRelative(found as number, turned as number, 1e-12, 1e-15);
      }),
    );
  });

  test.each(Object.entries(measures))('%s() is absent without rows, and 0 for one cell', (_, measure) => {
    expect(measure([0, 0], [1, 2])).toBeNull();
    expect(measure([1, 2], [0, 0])).toBeNull();
    expect(measure([], [])).toBeNull();
    expect(measure([9], [2])).toBe(0);
  });

  test.each(Object.entries(measures))('%s() refuses what are no counts of the same cells', (_, measure) => {
    expect(() => measure([1, 2], [1, 2, 3])).toThrow(
      new RangeError('Cannot compare counts as both sides must have the same cells: they have 2 and 3'),
    );
    expect(() => measure([1, -2], [1, 2])).toThrow(/whole and not negative: cell 1 of reference has -2/);
    expect(() => measure([1, 2], [0.5, 2])).toThrow(/whole and not negative: cell 0 of current has 0.5/);
    expect(() => measure([1, Number.NaN], [1, 2])).toThrow(RangeError);
    expect(() => measure([1, Number.POSITIVE_INFINITY], [1, 2])).toThrow(RangeError);
  });

  test('psi() is the divergence there and back', () => {
    fc.assert(
      fc.property(pairs, ([reference, current]) => {
        const sum = (kullbackLeibler(reference, current) as number) + (kullbackLeibler(current, reference) as number);
        const found = psi(reference, current) as number;
        if (Number.isFinite(found)) expectRelative(found, sum, 1e-10, 1e-14);
        else expect(sum).toBe(Number.POSITIVE_INFINITY);
      }),
    );
  });

  test('smoothedPsi() needs something to add', () => {
    expect(() => smoothedPsi([1, 2], [3, 4], 0)).toThrow(/must be above 0: they are 0/);
    expect(() => smoothedPsi([1, 2], [3, 4], Number.NaN)).toThrow(RangeError);
  });

  test('total variation bounds the largest difference, and Hellinger both of them', () => {
    fc.assert(
      fc.property(pairs, ([reference, current]) => {
        const variation = totalVariation(reference, current) as number;
        const hellinger = hellingerDistance(reference, current) as number;
        expect(largestDifference(reference, current)).toBeLessThanOrEqual(variation + 1e-12);
        expect(hellinger ** 2).toBeLessThanOrEqual(variation + 1e-12);
        expect(variation).toBeLessThanOrEqual(hellinger * Math.SQRT2 + 1e-12);
      }),
    );
  });
});
