import { describe, expect, test } from 'vitest';
import { qualityBreachSchema } from '#domain/contracts/drift-report.ts';
import type { ProfiledFeature } from '#domain/contracts/reference-profile.ts';
import { findBreaches, type Supplied } from '#domain/stats/drift/find-breaches.ts';
import { chanceOfOneCell, chanceOfSameCounts } from '#domain/stats/drift/frozen-feed.ts';
import { createRandom } from '#domain/stats/random.ts';
import { dayMs, hourMs } from '#domain/units.ts';
import { expectRelative } from '../tolerance.ts';
import {
  categoricalFeature,
  counted,
  countedCategory,
  counts,
  freeze,
  instant,
  monday,
  numericFeature,
  profileOf,
  uniformCells,
  windowOf,
} from './worlds.ts';

type Counted = ReturnType<typeof counted>;

const breachesOf = (feature: ProfiledFeature, found: Counted, supplied: Supplied = {}) => {
  const breaches = findBreaches(profileOf([feature]), windowOf([found], { rows: 1000 }), freeze(supplied));
  for (const breach of breaches) qualityBreachSchema.parse(breach);
  return breaches;
};

describe('missing rate', () => {
  const feature = numericFeature('age', [500, 482], { reference: counts([500, 482], { missing: 18 }) });
  const of = (missing: number, rows: number, one = feature) =>
    breachesOf(one, counted([rows - missing - 10, 10], { counts: counts([rows - missing - 10, 10], { missing }) }));

  test('a rise that may be chance, or is small, is none', () => {
    expect(of(37, 1200)).toEqual([]);
    expect(of(20, 1000)).toEqual([]);
    expect(of(3500, 100_000)).toEqual([]);
  });

  test('a rise by more than 2 points beyond doubt is one, and says so in numbers', () => {
    expect(of(80, 1000)).toEqual([
      {
        check: 'missing rate',
        variable: 'age',
        statement: 'missing in 80 of 1000 rows against 18 of 1000 rows: rise, lower 95% bound 0.0436108 > 0.02',
      },
    ]);
  });

  test('a fall is none', () => expect(of(0, 10_000)).toEqual([]));

  test('most rows missing is one, unless that is usual', () => {
    const half = numericFeature('age', [5000, 100], { reference: counts([5000, 100], { missing: 4900 }) });
    expect(
      of(5100, 10_000, half)
        .map(({ statement }) => statement)
        .join(),
    ).toContain('rate 0.51 > 0.5');
    const usual = numericFeature('age', [1500, 500], { reference: counts([1500, 500], { missing: 8000 }) });
    expect(of(8150, 10_000, usual)).toEqual([]);
  });

  test('one row of one is no evidence', () => {
    const half = numericFeature('age', [3, 3], { reference: counts([3, 3], { missing: 4 }) });
    expect(breachesOf(half, counted([0, 0], { counts: counts([0, 0], { missing: 1 }) }))).toEqual([]);
  });
});

describe('values of no use', () => {
  const feature = numericFeature('age', [500, 500]);
  const of = (rows: number, asides: object) =>
    breachesOf(feature, counted([rows / 2, rows / 2], { counts: counts([rows / 2, rows / 2], asides) }));

  test.each([
    ['non-finite values', { nonFinite: 11 }],
    ['wrong type', { wrongType: 11 }],
  ])('%s: more than 10 rows, however many there are', (check, asides) => {
    expect(of(10_000_000, asides)).toMatchObject([{ check, variable: 'age', statement: `rows with ${check} 11 > 10` }]);
  });

  test('or more than one of a thousand', () => {
    expect(of(100, { nonFinite: 1 })).toMatchObject([{ check: 'non-finite values' }]);
    expect(of(10_000, { nonFinite: 10 })).toEqual([]);
  });
});

describe('new category', () => {
  const feature = categoricalFeature('colour', [500, 400, 100, 0]);

  test('more than 1 % beyond doubt', () => {
    expect(breachesOf(feature, countedCategory([500, 390, 90, 20]))).toMatchObject([
      { check: 'new category', statement: expect.stringMatching(/20 of 1000 rows: share, lower 95% bound 0\.0122\d* > 0\.01/) },
    ]);
    expect(breachesOf(feature, countedCategory([500, 390, 95, 15]))).toEqual([]);
  });

  test('a single one where the vocabulary is closed', () => {
    const closed = { ...feature, closedVocabulary: true };
    expect(breachesOf(closed, countedCategory([500, 400, 100, 1]))).toMatchObject([{ check: 'new category' }]);
    expect(breachesOf(closed, countedCategory([500, 400, 100, 0]))).toEqual([]);
  });
});

describe('range', () => {
  const feature = numericFeature('age', [500, 500], { fences: { low: -5, high: 120 } });

  test('beyond the fences in more than 0.5 % beyond doubt', () => {
    expect(breachesOf(feature, counted([500, 500], { outside: 12 }))).toMatchObject([
      { check: 'out of range', statement: expect.stringContaining('outside -5 to 120 in 12 of 1000 rows') },
    ]);
    expect(breachesOf(feature, counted([500, 500], { outside: 8 }))).toEqual([]);
  });

  test('a single value beyond a hard limit', () => {
    const hard = { ...feature, hardLimits: { min: 0, max: 150 } };
    const at = (min: number, max: number) =>
      counted([500, 500], { moments: { count: 1000, mean: 40, squaredDeviations: 9, min, max } });
    expect(breachesOf(hard, at(-1, 150))).toMatchObject([{ check: 'out of range', statement: 'lowest value -1 < 0' }]);
    expect(breachesOf(hard, at(0, 151))).toMatchObject([{ statement: 'highest value 151 > 150' }]);
    expect(breachesOf(hard, at(0, 150))).toEqual([]);
  });
});

describe('frozen feed', () => {
  const feature = numericFeature('age', [5000, 5000]);

  test('one value where the reference varied', () => {
    expect(breachesOf(feature, counted([0, 100]))).toMatchObject([
      { check: 'frozen feed', variable: 'age', statement: expect.stringContaining('one value in all 100 rows') },
    ]);
    expect(breachesOf(categoricalFeature('colour', [5, 5, 0, 0]), countedCategory([0, 100, 0, 0]))).toHaveLength(1);
  });

  test('not where that may be chance: few rows, or a value that nearly all rows have', () => {
    expect(breachesOf(feature, counted([0, 10]))).toEqual([]);
    expect(breachesOf(numericFeature('age', [99_990, 10]), counted([1000, 0]))).toEqual([]);
  });

  test('not where the reference was constant, or values differ within a cell', () => {
    expect(breachesOf(numericFeature('age', [100, 0]), counted([1000, 0]))).toEqual([]);
    const narrow = counted([0, 100], { moments: { count: 100, mean: 1, squaredDeviations: 1, min: 1, max: 1.5 } });
    expect(breachesOf(feature, narrow)).toEqual([]);
  });

  test('not where the slot of the season has one value, such as the day of the week', () => {
    const bySlot = Array.from({ length: 7 }, (_, day) => counts([0, 1, 2, 3, 4, 5, 6].map((cell) => (cell === day ? 1000 : 0))));
    const weekday = numericFeature('weekday', [1000, 1000, 1000, 1000, 1000, 1000, 1000], { bySlot });
    const profile = profileOf([weekday], {
      season: { slot: 'day of week', slots: 7, windowMs: dayMs, windowsBySlot: [4, 4, 4, 4, 4, 4, 4] },
    });
    const on = (day: number, rows = 1000) =>
      findBreaches(
        profile,
        windowOf([counted([rows, 0, 0, 0, 0, 0, 0])], {
          from: instant(monday + day * dayMs),
          to: instant(monday + (day + 1) * dayMs),
        }),
      );
    expect(on(0)).toEqual([]);
    expect(on(0, 100_000_000)).toEqual([]);
    // Monday's value on a Tuesday.
    expect(on(1).map(({ check }) => check)).toEqual(['frozen feed']);
  });

  test('counters that are those of the window before', () => {
    const cells = uniformCells(createRandom(5), 1000, 10);
    const wide = numericFeature(
      'age',
      Array.from({ length: 10 }, () => 1000),
    );
    const previous = windowOf([counted(cells)], { rows: 1000 });
    expect(breachesOf(wide, counted(cells), { previous })).toMatchObject([{ check: 'frozen feed', variable: null }]);
    const moved = [...cells.slice(0, 8), (cells[8] as number) + 1, (cells[9] as number) - 1];
    expect(breachesOf(wide, counted(moved), { previous })).toEqual([]);
  });

  test('not where equal counters are likely', () => {
    const coin = categoricalFeature('coin', [500, 500, 0, 0]);
    const found = countedCategory([500, 500, 0, 0]);
    expect(breachesOf(coin, found, { previous: windowOf([found], { rows: 1000 }) })).toEqual([]);
  });

  test('its chances are those of simulation', () => {
    const random = createRandom(11);
    const draw = () => uniformCells(random, 40, 3).join();
    const trials = 40_000;
    let same = 0;
    for (let trial = 0; trial < trials; trial++) if (draw() === draw()) same++;
    expectRelative(chanceOfSameCounts([13, 13, 14], 1), same / trials, 0.08);
    // A share that is drawn evenly, then 9 of 10 rows, then 5 more.
    let [seen, all] = [0, 0];
    for (let trial = 0; trial < 400_000; trial++) {
      const share = random();
      const hits = Array.from({ length: 15 }, () => random() < share);
      if (hits.slice(0, 10).filter(Boolean).length !== 9) continue;
      seen++;
      if (hits.slice(10).every(Boolean)) all++;
    }
    expectRelative(chanceOfOneCell({ inCell: 9, rows: 10, further: 5 }), all / seen, 0.03);
  });
});

describe('rows of the window', () => {
  const season = { slot: 'none' as const, slots: 1, windowMs: hourMs, windowsBySlot: [10] };
  const feature = numericFeature('age', [5000, 5000]);
  const of = (rows: number, parts: object = {}, span = hourMs) =>
    findBreaches(
      profileOf([feature], { season: { ...season, ...parts } }),
      windowOf([counted([rows / 2, rows / 2])], { rows, to: instant(monday + span) }),
    );

  test('far from what is usual, either way', () => {
    expect(of(1000, { overdispersion: 0.01 })).toEqual([]);
    expect(of(700, { overdispersion: 0.01 })).toEqual([]);
    expect(of(500, { overdispersion: 0.01 })).toMatchObject([
      {
        check: 'row volume',
        variable: null,
        statement: expect.stringMatching(/^500 rows where 1000 are usual: p-value .* < 0.0001$/),
      },
    ]);
    expect(of(1600, { overdispersion: 0.01 })).toMatchObject([{ check: 'row volume' }]);
  });

  test('a quarter more or less than always is a good or a bad week, however certain', () => {
    expect([of(750, { overdispersion: 0 }), of(1250, { overdispersion: 0 })]).toEqual([[], []]);
    expect([of(740, { overdispersion: 0 }), of(1260, { overdispersion: 0 })].map((found) => found[0]?.check)).toEqual([
      'row volume',
      'row volume',
    ]);
  });

  test('are not judged where nobody knows how they vary, or for a window of another length', () => {
    expect(of(100)).toEqual([]);
    expect(of(100, { overdispersion: 0.01 }, 2 * hourMs)).toEqual([]);
  });

  test('none at all: the window is missing, and nothing else is said', () => {
    expect(of(0, { overdispersion: 0.01 })).toEqual([
      { check: 'missing window', variable: null, statement: 'rows of the window 0 = 0' },
    ]);
    expect(of(0, {}, 2 * hourMs)).toHaveLength(1);
  });

  test('are compared with those of their own slot', () => {
    const bySlot = Array.from({ length: 7 }, (_, day) => counts(day < 5 ? [4000, 4000] : [400, 400]));
    const week = {
      slot: 'day of week' as const,
      slots: 7,
      windowMs: dayMs,
      windowsBySlot: [8, 8, 8, 8, 8, 8, 8],
      overdispersion: 0.01,
    };
    const profile = profileOf([numericFeature('age', [20_800, 20_800], { bySlot })], { season: week, rows: 41_600 });
    const on = (day: number, rows: number) =>
      findBreaches(
        profile,
        windowOf([counted([rows / 2, rows / 2])], {
          rows,
          from: instant(monday + day * dayMs),
          to: instant(monday + (day + 1) * dayMs),
        }),
      );
    expect(on(6, 100)).toEqual([]);
    expect(on(0, 1000)).toEqual([]);
    expect(on(0, 100)).toMatchObject([
      { check: 'row volume', statement: expect.stringContaining('100 rows where 1000 are usual') },
    ]);
  });

  test('none where there often are none is no breach', () => {
    const rare = profileOf([feature], { rows: 30, season });
    expect(findBreaches(rare, windowOf([counted([0, 0])]))).toEqual([]);
  });
});

describe('what counters cannot show', () => {
  const feature = numericFeature('age', [500, 500]);
  const found = counted([500, 500]);

  test('repeated rows, above 1 %', () => {
    expect(breachesOf(feature, found, { duplicates: { count: 11, rows: 1000 } })).toMatchObject([
      { check: 'duplicate rows', statement: 'share of repeated rows 0.011 > 0.01' },
    ]);
    expect(breachesOf(feature, found, { duplicates: { count: 10, rows: 1000 } })).toEqual([]);
    expect(breachesOf(feature, found, { duplicates: { count: 0, rows: 0 } })).toEqual([]);
    expect(() => breachesOf(feature, found, { duplicates: { count: 2, rows: 1 } })).toThrow(RangeError);
  });

  test('labels that stay away', () => {
    const reference = { count: 50, rows: 1000 };
    expect(breachesOf(feature, found, { unlabelled: { reference, current: { count: 200, rows: 1000 } } })).toMatchObject([
      { check: 'labelled share', variable: null },
    ]);
    expect(breachesOf(feature, found, { unlabelled: { reference, current: { count: 55, rows: 1000 } } })).toEqual([]);
  });
});

describe('what the model answers', () => {
  test('is looked at for values of no use, but a change of it is drift and no breach', () => {
    const {
      critical: _,
      importance: __,
      closedVocabulary: ___,
      hardLimits: ____,
      ...score
    } = numericFeature('late', [500, 500], { fences: { low: 0, high: 1 } });
    const profile = profileOf([numericFeature('age', [5, 5])], { scores: [score] });
    const window = (parts: Partial<Counted>) => windowOf([counted([500, 500])], { scores: [counted([0, 1000], parts)] });
    expect(findBreaches(profile, window({ outside: 900 }))).toEqual([]);
    const broken = counts([0, 1000], { nonFinite: 20 });
    expect(findBreaches(profile, window({ counts: broken }))).toMatchObject([{ check: 'non-finite values', variable: 'late' }]);
  });
});
