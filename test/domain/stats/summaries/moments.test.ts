import { array, assert, double, integer, property, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Moments, momentsSchema } from '#domain/contracts/reference-profile.ts';
import { emptyMoments, mergeMoments, momentsOf, varianceOf } from '#domain/stats/summaries/moments.ts';
import golden from '../../../golden/summaries.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

/** Below it doubles lose digits. */
const smallestSquare = 2.3e-308;

const expectMoments = (found: Moments, wanted: Moments, tolerance: number): void => {
  expect([found.count, found.min, found.max]).toEqual([wanted.count, wanted.min, wanted.max]);
  const size = Math.max(Math.abs(wanted.min ?? 0), Math.abs(wanted.max ?? 0));
  expectRelative(found.mean, wanted.mean, tolerance, tolerance * size);
  // A rounding of the mean, or of a value, weighs as much as the values are larger than their deviation.
  const rounding = 1e-15 * size * Math.sqrt(wanted.count);
  // Squares of numbers below 1e-154 have no digits left to compare.
  const floor = rounding * Math.sqrt(wanted.squaredDeviations) + rounding ** 2 + smallestSquare;
  expectRelative(found.squaredDeviations, wanted.squaredDeviations, tolerance, floor);
};

describe('moments', () => {
  test('agree with the design', () => {
    const of = ([count, mean, squaredDeviations]: number[]): Moments =>
      Object.freeze({ count, mean, squaredDeviations, min: 0, max: 9 }) as Moments;
    const { A, B, merged } = vectors.merge;
    const found = mergeMoments(of(A), of(B));
    expectRelative(found.mean, merged[1] as number, 1e-9);
    expectRelative(found.squaredDeviations, merged[2] as number, 1e-9);
    const values = [2.1, 2.5, 2.7, 3.0, 3.2, 3.3, 3.6, 3.8, 3.9, 4.1, 4.2, 4.4, 4.6, 4.8, 5.0, 5.3, 5.5, 5.9, 6.2, 7.0];
    const direct = mergeMoments(momentsOf(values.slice(0, 7)), momentsOf(values.slice(7)));
    expectMoments(direct, { count: 20, mean: 4.255, squaredDeviations: 32.1895, min: 2.1, max: 7 }, 1e-13);
  });

  test.each(golden.moments)('agree with long arithmetic: $name, $left.length and $right.length', ({ left, right, expected }) => {
    const merged = mergeMoments(momentsOf(Object.freeze(left)), momentsOf(Object.freeze(right)));
    expectMoments(merged, expected, 1e-12);
    expectMoments(momentsOf([...left, ...right]), expected, 1e-12);
  });

  test('of nothing are neutral, and have no variance', () => {
    const some = momentsOf([3, 4]);
    expect(momentsOf([])).toEqual(emptyMoments);
    expect(mergeMoments(some, emptyMoments)).toEqual(some);
    expect(mergeMoments(emptyMoments, some)).toEqual(some);
    expect(varianceOf(emptyMoments)).toBeNull();
    expect(varianceOf(momentsOf([5]))).toBe(0);
    expect(varianceOf(some)).toBe(0.25);
    expect(momentsSchema.parse(emptyMoments)).toEqual(emptyMoments);
  });

  test('of one value again and again never move, however they are merged', () => {
    const one = momentsOf([0.1]);
    let sum = one;
    for (let step = 0; step < 40; step++) sum = mergeMoments(sum, step % 3 === 0 ? sum : one);
    expect(sum).toMatchObject({ mean: 0.1, squaredDeviations: 0, min: 0.1, max: 0.1 });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e141, -1e141])('refuse %d', (value) =>
    expect(() => momentsOf([1, value])).toThrow(RangeError),
  );

  test('stay finite for the largest values that are taken', () => {
    const found = mergeMoments(momentsOf([1e140, -1e140]), momentsOf([-1e140, -1e140]));
    expect(Number.isFinite(found.squaredDeviations)).toBe(true);
  });

  const value = double({ min: -1e6, max: 1e6, noNaN: true });
  const values = array(value, { maxLength: 30 });

  test('merge commutatively to the last bit', () => {
    assert(
      property(values, values, (left, right) => {
        const [one, two] = [Object.freeze(momentsOf(left)), Object.freeze(momentsOf(right))];
        expect(mergeMoments(one, two)).toEqual(mergeMoments(two, one));
      }),
      { numRuns: 1000 },
    );
  });

  test('do not depend on how rows are cut or grouped, up to rounding', () => {
    assert(
      property(tuple(values, values, values), integer({ min: -3, max: 3 }), ([a, b, c], shift) => {
        const [one, two, three] = [a, b, c].map((part) => momentsOf(part.map((x) => x + shift * 1e6))) as [
          Moments,
          Moments,
          Moments,
        ];
        const left = mergeMoments(mergeMoments(one, two), three);
        const right = mergeMoments(one, mergeMoments(two, three));
        expectMoments(left, right, 1e-11);
        expectMoments(left, momentsOf([...a, ...b, ...c].map((x) => x + shift * 1e6)), 1e-11);
      }),
      { numRuns: 1000, examples: [[[[-1.5717277847026288e-162], [], [0, 0]], 0]] },
    );
  });
});
