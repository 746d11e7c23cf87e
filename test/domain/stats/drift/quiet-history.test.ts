import { describe, expect, test } from 'vitest';
import { quietHistorySchema } from '#domain/contracts/reference-profile.ts';
import { compareCells } from '#domain/stats/drift/cell-statistics.ts';
import { designEffectOf } from '#domain/stats/drift/design-effect.ts';
import { buildQuietHistory } from '#domain/stats/drift/quiet-history.ts';
import { createRandom } from '#domain/stats/random.ts';
import { expectRelative } from '../tolerance.ts';
import { counts, freeze, uniformCells } from './worlds.ts';

const numeric = freeze({ kind: 'numeric' as const, edges: [1, 2, 3] });
const category = freeze({ kind: 'categorical' as const, values: ['a', 'b'], seen: { kind: 'exact' as const, values: [] } });

describe('buildQuietHistory()', () => {
  const windows = freeze([
    { slot: 0, counts: counts([10, 12, 9, 11], { missing: 2 }) },
    { slot: 0, counts: counts([14, 8, 10, 10]) },
    { slot: 1, counts: counts([1, 2, 30, 40]) },
    { slot: 1, counts: counts([2, 2, 28, 44], { missing: 4 }) },
  ]);

  test('compares each window with the rest of its own slot, and sorts what that gives', () => {
    const history = buildQuietHistory(numeric, windows);
    const slotPairs = [
      [1, 0],
      [0, 1],
      [3, 2],
      [2, 3],
    ] as const;
    const compared = slotPairs.map(
      ([rest, own]) => compareCells(numeric, windows[rest]?.counts as never, windows[own]?.counts as never)?.statistics,
    );
    for (const measure of ['psi', 'jensen-shannon', 'wasserstein', 'kolmogorov-smirnov', 'chi-square', 'missing-rate'] as const) {
      const wanted = compared.map((one) => one?.[measure] as number).sort((left, right) => left - right);
      expect(history?.statistics[measure]).toEqual(wanted);
    }
    expect(history?.windows).toBe(4);
    expect(quietHistorySchema.parse(history)).toEqual(history);
  });

  test('knows values that the rest of the slot never had, and a rise of the missing rate', () => {
    const before = counts([40, 0, 50, 0], { missing: 10 });
    const statistics = compareCells(category, before, counts([40, 5, 40, 15], { missing: 25 }))?.statistics;
    expect(statistics?.['new-rate']).toBe(0.2);
    expectRelative(statistics?.['missing-rate'] as number, 0.1, 1e-12);
    expect(compareCells(category, before, counts([0, 0, 0, 0], { missing: 3 }))).toBeNull();
  });

  test('is the same in whatever order windows come', () => {
    expect(buildQuietHistory(numeric, [...windows].reverse())).toEqual(buildQuietHistory(numeric, windows));
  });

  test('leaves out empty windows and those alone in their slot', () => {
    const more = [
      ...windows,
      { slot: 2, counts: counts([5, 5, 5, 5]) },
      { slot: 0, counts: counts([0, 0, 0, 0], { missing: 9 }) },
    ];
    expect(buildQuietHistory(numeric, more)?.windows).toBe(4);
  });

  test('is null with fewer than three windows that can be compared', () => {
    expect(buildQuietHistory(numeric, [])).toBeNull();
    expect(buildQuietHistory(numeric, windows.slice(0, 2))).toBeNull();
    expect(
      buildQuietHistory(
        numeric,
        [0, 1, 2, 3].map((slot) => ({ slot, counts: counts([1, 2, 3, 4]) })),
      ),
    ).toBeNull();
  });

  test('has no measure of order for categories', () => {
    const history = buildQuietHistory(
      category,
      [5, 6, 7].map((rows) => ({ slot: 0, counts: counts([rows, 5, 1, 0]) })),
    );
    expect(Object.keys(history?.statistics ?? {}).sort()).toEqual([
      'chi-square',
      'jensen-shannon',
      'missing-rate',
      'new-rate',
      'psi',
    ]);
  });

  test('a variable of one cell has nothing to say, and says it without NaN', () => {
    const constant = { kind: 'numeric' as const, edges: [] };
    const history = buildQuietHistory(
      constant,
      [5, 6, 7].map((rows) => ({ slot: 0, counts: counts([rows]) })),
    );
    expect(history).toMatchObject({ designEffect: 1, statistics: { psi: [0, 0, 0], wasserstein: [0, 0, 0] } });
  });

  test('refuses counters of another layout', () => {
    expect(() => buildQuietHistory(numeric, [...windows, { slot: 0, counts: counts([1, 2]) }])).toThrow(RangeError);
  });
});

describe('design effect', () => {
  const month = (copies: number) => {
    const random = createRandom(7);
    const windows = Array.from({ length: 200 }, () => {
      const independent = uniformCells(random, 1000 / copies, 10);
      return { slot: 0, counts: counts(independent.map((rows) => rows * copies)) };
    });
    return buildQuietHistory({ kind: 'numeric', edges: [1, 2, 3, 4, 5, 6, 7, 8, 9] }, windows)?.designEffect as number;
  };

  test('of independent rows is about 1', () => expectRelative(month(1), 1, 0.08));

  test('of rows that come in fives is about 5', () => expectRelative(month(5), 5, 0.12));

  test('is 1 where there is nothing to compare, and never below', () => {
    expect(designEffectOf([])).toBe(1);
    expect(designEffectOf([{ psi: 0, cells: 10, referenceRows: 100, currentRows: 100 }])).toBe(1);
    expect(designEffectOf([{ psi: 0, cells: 1, referenceRows: 100, currentRows: 100 }])).toBe(1);
  });

  test('listens to windows with rows enough, where there are three', () => {
    const large = { psi: 0.09, cells: 10, referenceRows: 1000, currentRows: 1000 };
    const small = { psi: 0.001, cells: 10, referenceRows: 1000, currentRows: 20 };
    expect(designEffectOf([large, large, large, small, small, small, small])).toBe(designEffectOf([large]));
  });
});
