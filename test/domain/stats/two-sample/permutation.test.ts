import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jensenShannonDistance } from '#domain/stats/distances/jensen-shannon.ts';
import { totalVariation } from '#domain/stats/distances/total-variation.ts';
import { type PermutationPlan, permutationTest } from '#domain/stats/two-sample/permutation.ts';
import { permuteEntities, permuteRows } from '#domain/stats/two-sample/permutation-cells.ts';
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const chance = { distance: totalVariation, permutations: 199, seed: 5 };

describe('permuteRows()', () => {
  test('agrees with the vector, shuffle by shuffle', () => {
    const { ref, cur, ...wanted } = vectors.permutation_tvd;
    const [reference, current] = [Object.freeze(Object.values(ref)), Object.freeze(Object.values(cur))];
    const found = permuteRows(reference, current, { distance: totalVariation, permutations: wanted.n_perm, seed: 123 });
    expect(found?.exceed).toBe(wanted.exceed);
    expectRelative(found?.observed as number, wanted.tvd, 1e-9);
    expectRelative(found?.pValue as number, wanted.p_add1, 1e-12);
  });

  test('equal counts have p 1, samples apart the smallest there is', () => {
    expect(permuteRows([10, 10], [10, 10], chance)?.pValue).toBe(1);
    expect(permuteRows([40, 0], [0, 40], chance)?.pValue).toBe(1 / 200);
  });

  test('no rows on a side are no answer', () => {
    expect(permuteRows([0, 0], [3, 4], chance)).toBeNull();
    expect(permuteRows([3, 4], [0, 0], chance)).toBeNull();
    expect(() => permuteRows([3], [1, 2], chance)).toThrow(RangeError);
  });
});

describe('permuteEntities()', () => {
  test('with one row an entity it is the test of rows', () => {
    const rows = (counts: readonly number[]) =>
      counts.flatMap((count, cell) => new Array<number[]>(count).fill(counts.map((_, k) => (k === cell ? 1 : 0))));
    const [reference, current] = [
      [5, 9, 2],
      [9, 4, 3],
    ] as const;
    expect(permuteEntities(rows(reference), rows(current), chance)).toEqual(permuteRows(reference, current, chance));
  });

  test('believes a handful of entities less than their many rows', () => {
    const [reference, current] = [
      [
        [90, 10],
        [10, 90],
        [85, 15],
      ],
      [
        [20, 80],
        [80, 20],
        [15, 85],
      ],
    ];
    if (reference === undefined || current === undefined) throw new TypeError('there must be two sides');
    const sum = (entities: readonly number[][]) =>
      [0, 1].map((cell) => entities.reduce((total, own) => total + (own[cell] as number), 0));
    expect(permuteRows(sum(reference), sum(current), chance)?.pValue).toBe(1 / 200);
    expect(permuteEntities(reference, current, chance)?.pValue).toBeGreaterThan(0.3);
  });

  test('entities without rows may be shuffled together: then nothing is apart', () => {
    const found = permuteEntities(
      [
        [0, 0],
        [5, 0],
      ],
      [
        [0, 5],
        [0, 0],
      ],
      { ...chance, permutations: 99 },
    );
    expect(found?.observed).toBe(1);
    expect(found?.exceed).toBeLessThan(99);
    expect(found?.exceed).toBeGreaterThan(30);
  });

  test('no rows on a side are no answer; entities must have the same cells', () => {
    expect(permuteEntities([], [[1, 2]], chance)).toBeNull();
    expect(permuteEntities([[1, 2]], [[0, 0]], chance)).toBeNull();
    expect(() => permuteEntities([[1, 2]], [[1, 2, 3]], chance)).toThrow(/same cells: 2 and 3/);
  });
});

describe('permutationTest()', () => {
  const values = Object.freeze([1, 2, 3, 4, 10, 11, 12]);
  const plan: PermutationPlan = {
    units: values.length,
    referenceUnits: 4,
    statistic: (order, referenceUnits) => {
      const mean = (part: Uint32Array) => part.reduce((sum, unit) => sum + (values[unit] as number), 0) / part.length;
      return Math.abs(mean(order.subarray(0, referenceUnits)) - mean(order.subarray(referenceUnits)));
    },
    permutations: 5000,
    seed: 11,
  };

  test('comes to the share of all splits of these sizes', () => {
    // One split in 35 is as far apart as this one: 3 of 7 units.
    expect(permutationTest(plan)?.pValue).toBeGreaterThan(1 / 35 - 0.009);
    expect(permutationTest(plan)?.pValue).toBeLessThan(1 / 35 + 0.009);
  });

  test('the same seed gives the same answer, another one another', () => {
    expect(permutationTest(plan)).toEqual(permutationTest(plan));
    expect(permutationTest({ ...plan, seed: 12 })?.exceed).not.toBe(permutationTest(plan)?.exceed);
  });

  test('keeps the sizes, and every unit once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(), (units, seed) => {
        const referenceUnits = 1 + (seed % (units - 1));
        const statistic = (order: Uint32Array, reference: number): number => {
          expect(reference).toBe(referenceUnits);
          expect(order.toSorted()).toEqual(Uint32Array.from({ length: units }, (_, unit) => unit));
          return 0;
        };
        permutationTest({ units, referenceUnits, statistic, permutations: 3, seed });
      }),
      { numRuns: 50 },
    );
  });

  test('equal statistics count as equal, whatever order they were summed in', () => {
    const tenths = Object.freeze([0.1, 0.2, 0.3, 0.1, 0.2, 0.3]);
    const statistic = (order: Uint32Array) => order.reduce((sum, unit) => sum + (tenths[unit] as number), 0);
    expect(permutationTest({ ...plan, units: 6, referenceUnits: 3, statistic })?.pValue).toBe(1);
  });

  test('works for a distance that is absent nowhere', () => {
    expect(permuteRows([5, 5], [9, 1], { ...chance, distance: jensenShannonDistance })?.pValue).toBeGreaterThan(0.05);
  });

  test('needs units on both sides, whole numbers and a permutation', () => {
    expect(permutationTest({ ...plan, referenceUnits: 0 })).toBeNull();
    expect(permutationTest({ ...plan, referenceUnits: 7 })).toBeNull();
    expect(() => permutationTest({ ...plan, referenceUnits: 8 })).toThrow(/must be whole: 8, 7, 5000/);
    expect(() => permutationTest({ ...plan, permutations: 0 })).toThrow(RangeError);
    expect(() => permutationTest({ ...plan, units: 6.5 })).toThrow(RangeError);
  });
});
