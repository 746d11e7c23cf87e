import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { driftReportSchema } from '#domain/contracts/drift-report.ts';
import type { Evidence } from '#domain/contracts/evidence.ts';
import { hellingerDistance } from '#domain/stats/distances/hellinger.ts';
import { jensenShannonDistance } from '#domain/stats/distances/jensen-shannon.ts';
import { smoothedPsi } from '#domain/stats/distances/psi.ts';
import { measureDrift } from '#domain/stats/drift/measure-drift.ts';
import { benjaminiHochberg } from '#domain/stats/multiple/benjamini-hochberg.ts';
import { createRandom } from '#domain/stats/random.ts';
import { addWindows } from '#domain/stats/summaries/window-counts.ts';
import { chiSquareHomogeneity } from '#domain/stats/two-sample/chi-square.ts';
import { dayMs, type Sha256 } from '#domain/units.ts';
import { expectRelative } from '../tolerance.ts';
import {
  categoricalFeature,
  counted,
  countedCategory,
  counts,
  countWindow,
  instant,
  monday,
  numericFeature,
  profileOf,
  profileSha256,
  uniformCells,
  windowOf,
} from './worlds.ts';

const options = { profileSha256 };
const reference = [1000, 2000, 3000, 2500, 1500];
const shifted = [80, 150, 300, 280, 190];
const quiet = (psi: number[], designEffect = 1) => ({ windows: psi.length, designEffect, statistics: { psi } });
const evidenceOf = (evidence: readonly Evidence[], id: string): any => evidence.find((one) => one.id === id);

describe('measureDrift()', () => {
  const profile = profileOf([numericFeature('age', reference, { critical: true, importance: 0.4 })]);
  const report = measureDrift(profile, windowOf([counted(shifted)]), options);
  const [age] = report.features;

  test('puts the size of a change beside the evidence that it is no noise', () => {
    const psi = smoothedPsi(reference, shifted) as number;
    const floor = 4 * (1 / 10_000 + 1 / 1000);
    expect(age).toMatchObject({ name: 'age', critical: true, importance: 0.4, rows: 1000, referenceRows: 10_000 });
    expect(age).toMatchObject({ sufficient: true, designEffect: 1, psi, noiseFloor: floor, debiasedPsi: psi - floor });
    expectRelative(age?.pValue as number, chiSquareHomogeneity(reference, shifted)?.pValue as number, 1e-12);
    expect(age?.adjustedPValue).toBe(age?.pValue);
    expect(driftReportSchema.parse(report)).toEqual(report);
  });

  test('shows every distance as evidence, each by its name', () => {
    const distance = (measure: string) => evidenceOf(age?.evidence ?? [], `feature/age/${measure}`)?.distance;
    expect(distance('jensen-shannon')).toBe(jensenShannonDistance(reference, shifted));
    expect(distance('hellinger')).toBe(hellingerDistance(reference, shifted));
    expectRelative(distance('total-variation'), 0.07, 1e-12);
    expectRelative(distance('largest-difference'), 0.05, 1e-12);
    expectRelative(distance('kolmogorov-smirnov'), 0.07, 1e-12);
    expect(distance('wasserstein/deviation')).toBeGreaterThan(0);
    expectRelative(distance('wasserstein/quartiles') / distance('wasserstein/deviation'), 1.1958, 1e-3);
  });

  test('has no distance of order for categories', () => {
    const colours = profileOf([categoricalFeature('colour', [500, 300, 200, 0])]);
    const found = measureDrift(colours, windowOf([countedCategory([50, 30, 20, 0])]), options).features[0];
    expect(found?.evidence.map(({ id }) => id)).not.toContain('feature/colour/kolmogorov-smirnov');
    expect(found?.evidence.map(({ id }) => id)).toContain('feature/colour/hellinger');
  });

  test('takes nothing for a change that is none', () => {
    const same = measureDrift(profile, windowOf([counted(reference.map((rows) => rows / 10))]), options).features[0];
    expect(same).toMatchObject({ debiasedPsi: 0, pValue: 1, adjustedPValue: 1 });
    expect(same?.psi as number).toBeLessThan(1e-4);
  });

  test('sees what the tail alone shows, by the means, where they are those of the rows compared', () => {
    const far = counted(
      reference.map((rows) => rows / 10),
      { moments: { count: 1000, mean: 50, squaredDeviations: 1, min: 0, max: 9e4 } },
    );
    const moved = measureDrift(profile, windowOf([far]), options).features[0];
    expect(evidenceOf(moved?.evidence ?? [], 'feature/age/wasserstein/deviation').distance).toBeGreaterThan(10);
  });
});

describe('rows that are too few', () => {
  const profile = profileOf([numericFeature('age', uniformCells(createRandom(1), 10_000, 10))]);

  test('are insufficient below the fewest rows, and enough from there on', () => {
    const at = (rows: number) => measureDrift(profile, windowOf([counted(uniformCells(createRandom(rows), rows, 10))]), options);
    expect(at(173).features[0]).toMatchObject({ fewestRows: 173, sufficient: true });
    const few = at(172).features[0];
    expect(few).toMatchObject({ fewestRows: 173, sufficient: false, pValue: null, adjustedPValue: null });
    expect(few?.psi).toBeGreaterThan(0);
    expect(few?.evidence.at(-1)).toMatchObject({
      kind: 'insufficient',
      reason: expect.stringContaining('rows 172 >= 173 does not hold'),
    });
  });

  test('are more where rows come in clusters', () => {
    const clustered = profileOf([
      numericFeature(
        'age',
        reference.map((rows) => rows * 10),
        { quiet: quiet([0.1], 6.7) },
      ),
    ]);
    const found = measureDrift(clustered, windowOf([counted(shifted)]), options).features[0];
    const plain = measureDrift(
      profileOf([
        numericFeature(
          'age',
          reference.map((rows) => rows * 10),
        ),
      ]),
      windowOf([counted(shifted)]),
      options,
    );
    expect((found?.fewestRows as number) / (plain.features[0]?.fewestRows as number)).toBeGreaterThan(6.5);
    expectRelative(found?.noiseFloor as number, 6.7 * (plain.features[0]?.noiseFloor as number), 1e-12);
  });

  test('of the reference are never enough, whatever the window', () => {
    const small = profileOf([numericFeature('age', [10, 10, 10, 10])]);
    const report = measureDrift(small, windowOf([counted([2500, 2500, 2500, 2500])]), options);
    expect(report.features[0]).toMatchObject({ fewestRows: null, sufficient: false, pValue: null });
    expect(report.warnings.join()).toContain('its own noise dominates (age)');
  });

  test('of the reference are told where they are fewer than five for each of the window', () => {
    const at = (rows: number) =>
      measureDrift(profile, windowOf([counted(uniformCells(createRandom(2), rows, 10))]), options).warnings;
    expect(at(2000).join()).not.toContain('its own noise dominates');
    expect(at(2001).join()).toContain('its own noise dominates');
    expect(at(2001).join()).toContain('rows are taken as independent');
  });

  test('none at all: everything insufficient, and the window is missing', () => {
    const report = measureDrift(profile, windowOf([counted(Array.from({ length: 10 }, () => 0))]), options);
    expect(report.features[0]).toMatchObject({ rows: 0, sufficient: false, psi: null, debiasedPsi: null, fewestRows: null });
    expect(report.breaches.map(({ check }) => check)).toEqual(['missing window']);
    expect(driftReportSchema.parse(report)).toEqual(report);
  });

  test('all of them missing: insufficient, and a breach', () => {
    const nothing = {
      counts: counts(
        Array.from({ length: 10 }, () => 0),
        { missing: 500 },
      ),
      outside: 0,
      moments: counted([]).moments,
    };
    const report = measureDrift(profile, windowOf([nothing], { rows: 500 }), options);
    expect(report.features[0]).toMatchObject({ rows: 0, sufficient: false, psi: null });
    expect(report.breaches.map(({ check }) => check)).toEqual(['missing rate']);
  });

  test('one cell has no shape to change', () => {
    const constant = profileOf([numericFeature('age', [1000])]);
    const found = measureDrift(constant, windowOf([counted([3])]), options).features[0];
    expect(found).toMatchObject({ fewestRows: 1, sufficient: true, psi: 0, noiseFloor: 0, debiasedPsi: 0, pValue: 1 });
  });
});

describe('counters of something else', () => {
  const profile = profileOf([numericFeature('age', reference)]);

  test('are refused by digest, by number of variables and by cells', () => {
    const window = windowOf([counted(shifted)]);
    const other = 'e'.repeat(64) as Sha256;
    expect(() => measureDrift(profile, window, { profileSha256: other })).toThrow(
      `must be of profile ${other}: they are of ${profileSha256}`,
    );
    expect(() => measureDrift(profile, windowOf([counted(shifted), counted(shifted)]), options)).toThrow('variables and cells');
    expect(() => measureDrift(profile, windowOf([counted([1, 2])]), options)).toThrow('variables and cells');
    expect(() => measureDrift(profile, windowOf([counted(shifted)], { to: instant(monday) }), options)).toThrow(
      'begin before it ends',
    );
    const last = windowOf([counted(shifted)], { profileSha256: other });
    expect(() => measureDrift(profile, window, { ...options, lastWindow: last })).toThrow(RangeError);
  });
});

describe('what a window is compared with', () => {
  const bySlot = Array.from({ length: 7 }, (_, day) =>
    counts(day === 5 ? [0, 0, 0] : day === 6 ? [0, 0, 5000] : [2500, 2500, 0]),
  );
  const days = profileOf([numericFeature('age', [12_500, 12_500, 5000], { bySlot, quiet: quiet([0.001, 0.002]) })], {
    season: { slot: 'day of week', slots: 7, windowMs: dayMs, windowsBySlot: [5, 5, 5, 5, 5, 0, 5] },
  });
  const span = (day: number, length: number) => ({
    from: instant(monday + day * dayMs),
    to: instant(monday + (day + length) * dayMs),
  });
  const sunday = counted([0, 0, 1000]);

  test('the same slot of the season, where the reference has rows in it', () => {
    const report = measureDrift(days, windowOf([sunday], span(6, 1)), options);
    expect(report.comparator).toBe('same slot');
    expect(report.features[0]).toMatchObject({ referenceRows: 5000, debiasedPsi: 0 });
    expect(evidenceOf(report.features[0]?.evidence ?? [], 'feature/age/psi/quiet windows')).toBeDefined();
  });

  test('the whole reference, where the window covers a whole season; its rank among quiet windows is then not told', () => {
    const report = measureDrift(days, windowOf([counted([2500, 2500, 1000])], span(2, 7)), options);
    expect(report.comparator).toBe('whole reference');
    expect(report.features[0]).toMatchObject({ referenceRows: 30_000, sufficient: true });
    expect(evidenceOf(report.features[0]?.evidence ?? [], 'feature/age/psi/quiet windows')).toBeUndefined();
  });

  test.each([
    ['a slot without rows', span(5, 1)],
    ['a window over part of the season', span(4, 3)],
  ])('nothing, for %s: insufficient, whatever the rows', (_, when) => {
    const report = measureDrift(days, windowOf([counted([9000, 0, 0])], when), options);
    expect(report.features[0]).toMatchObject({ sufficient: false, pValue: null });
    expect(report.warnings[0]).toContain('nothing like this window');
  });

  test('the last window, where that is asked for', () => {
    const lastWindow = windowOf([counted([0, 0, 5000])], span(5, 1));
    const report = measureDrift(days, windowOf([sunday], span(6, 1)), { ...options, lastWindow });
    expect(report).toMatchObject({
      comparator: 'last window',
      features: [{ referenceRows: 5000, debiasedPsi: 0, sufficient: true }],
    });
  });
});

describe('the p-value that decides', () => {
  const ladder = (windows: number, step: number) => Array.from({ length: windows }, (_, window) => (window + 1) * step);
  const measured = (past: number[], designEffect = 1) =>
    measureDrift(
      profileOf([numericFeature('age', reference, { quiet: quiet(past, designEffect) })]),
      windowOf([counted(shifted)]),
      options,
    ).features[0];
  const chiSquare = chiSquareHomogeneity(reference, shifted)?.pValue as number;

  test('is the rank among quiet windows where that is larger', () => {
    // PSI is 0.0316: below 10 of 19.
    expect(measured(ladder(19, 0.0033))?.pValue).toBe((1 + 10) / 20);
  });

  test('is that of the chi-square test with fewer than 19 quiet windows, and where that is larger', () => {
    expect(measured(ladder(18, 0.0033))?.pValue).toBe(chiSquare);
    const clustered = measured(ladder(19, 0.0001), 6.7);
    expect(clustered?.pValue).toBe(chiSquareHomogeneity(reference, shifted, 6.7)?.pValue);
  });

  test('falls on beyond the largest quiet window, so that many features do not hide one', () => {
    const just = measured(ladder(19, 0.031 / 19))?.pValue as number;
    const far = measured(ladder(19, 0.0001))?.pValue as number;
    expect(just).toBeGreaterThan(0.04);
    expect(just).toBeLessThan(0.05);
    expect(far).toBeLessThan(1e-4);
    expect(far).toBeGreaterThanOrEqual(chiSquare);
  });
});

describe('many variables', () => {
  const cells = [
    [100, 100, 100],
    [130, 100, 70],
    [125, 100, 75],
    [120, 100, 80],
    [112, 100, 88],
  ];
  const features = cells.map((_, at) => numericFeature(`f${at}`, [1000, 1000, 1000], { critical: at === 2 || at === 4 }));
  const window = windowOf(cells.map((one) => counted(one)));
  const pValues = cells.map((one) => chiSquareHomogeneity([1000, 1000, 1000], one)?.pValue as number);

  test('share the false discoveries, and critical ones allow not one false alarm among themselves', () => {
    const adjusted = measureDrift(profileOf(features), window, options).features.map((one) => one.adjustedPValue);
    const all = benjaminiHochberg(pValues);
    expect([adjusted[0], adjusted[1], adjusted[3]]).toEqual([all[0], all[1], all[3]]);
    expect(adjusted[2]).toBe(2 * (pValues[2] as number));
    expect(adjusted[4]).toBe(pValues[4]);
  });

  test('may be corrected otherwise', () => {
    const by = measureDrift(profileOf(features), window, { ...options, correction: 'benjamini-yekutieli' });
    expect(by.correction).toBe('benjamini-yekutieli');
    expectRelative(by.features[1]?.adjustedPValue as number, (137 / 60) * 5 * (pValues[1] as number), 1e-12);
    const byHolm = measureDrift(profileOf(features), window, { ...options, correction: 'holm' });
    expectRelative(byHolm.features[1]?.adjustedPValue as number, 5 * (pValues[1] as number), 1e-12);
  });

  test('do not dilute the question of predictions', () => {
    const score = numericFeature('late', [1000, 1000, 1000]);
    const { critical: _, importance: __, closedVocabulary: ___, hardLimits: ____, ...variable } = score;
    const classes = {
      ...variable,
      name: 'class',
      layout: categoricalFeature('x', [1, 1, 1, 1]).layout,
      reference: counts([1000, 1000, 0, 0]),
      moments: null,
    };
    const profile = profileOf(features, { scores: [variable], predictions: classes });
    const both = { ...window, scores: [counted([130, 100, 70])], predictions: counts([100, 100, 0, 0]) };
    const { predictions } = measureDrift(profile, both, options);
    expect(predictions.map(({ name }) => name)).toEqual(['late', 'class']);
    expect(predictions[0]?.adjustedPValue).toBe(2 * (pValues[1] as number));
    expect(predictions[0]?.evidence[0]?.id).toBe('score/late/psi');
  });

  test('of which some cannot be tested: those are no part of the family', () => {
    const few = windowOf([counted([3, 3, 3]), ...cells.slice(1).map((one) => counted(one))], { rows: 300 });
    const { features: found } = measureDrift(profileOf(features.map((one) => ({ ...one, critical: false }))), few, options);
    expect(found[0]).toMatchObject({ sufficient: false, adjustedPValue: null });
    expect(found[1]?.adjustedPValue).toBe(benjaminiHochberg(pValues.slice(1))[0]);
  });
});

describe('properties', () => {
  const wide = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 2, maxLength: 8 });

  test('however rows are spread over servers, and in whatever order counters are added, the report is the same', () => {
    const row = fc.double({ min: -2, max: 8, noNaN: true });
    const profile = profileOf([numericFeature('age', [300, 500, 400, 100]), numericFeature('rate', [5, 900, 5])]);
    fc.assert(
      fc.property(fc.array(fc.tuple(row, fc.integer({ min: 0, max: 4 })), { maxLength: 60 }), fc.integer(), (rows, seed) => {
        const columnsOf = (part: typeof rows) => [part.map(([value]) => value), part.map(([value]) => value / 2)];
        const whole = measureDrift(profile, countWindow(profile, columnsOf(rows)), options);
        const servers = [0, 1, 2, 3, 4].map((server) => countWindow(profile, columnsOf(rows.filter(([, at]) => at === server))));
        const random = createRandom(seed);
        const order = servers.map((window) => ({ window, at: random() })).sort((left, right) => left.at - right.at);
        const added = order.map(({ window }) => window).reduce((left, right) => ({ profileSha256, ...addWindows(left, right) }));
        expect(measureDrift(profile, { ...added, profileSha256 }, options)).toEqual(whole);
      }),
      { numRuns: 2000 },
    );
  });

  test('what is measured is finite, and no p-value leaves [0, 1]', () => {
    fc.assert(
      fc.property(fc.tuple(wide, wide), ([before, now]) => {
        const cells = Math.min(before.length, now.length);
        const profile = profileOf([
          numericFeature('age', before.slice(0, cells), {
            quiet: quiet(
              Array.from({ length: 20 }, (_, k) => k / 1000),
              2,
            ),
          }),
        ]);
        const report = measureDrift(profile, windowOf([counted(now.slice(0, cells))]), options);
        expect(driftReportSchema.safeParse(report).error).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test('ten times the rows on both sides halve no distance, and shrink the noise tenfold', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 20, max: 400 }), { minLength: 3, maxLength: 8 }), fc.integer(), (now, seed) => {
        const random = createRandom(seed);
        const before = now.map(() => 100 + Math.floor(900 * random()));
        const measured = (factor: number) =>
          measureDrift(
            profileOf([
              numericFeature(
                'age',
                before.map((rows) => rows * factor),
              ),
            ]),
            windowOf([counted(now.map((rows) => rows * factor))]),
            options,
          ).features[0];
        const [small, large] = [measured(1), measured(10)];
        const distance = (one: typeof small, measure: string) =>
          evidenceOf(one?.evidence ?? [], `feature/age/${measure}`).distance;
        expectRelative(distance(small, 'jensen-shannon'), distance(large, 'jensen-shannon'), 1e-9, 1e-12);
        expectRelative(distance(small, 'wasserstein/deviation'), distance(large, 'wasserstein/deviation'), 1e-5, 1e-5);
        expectRelative((small?.noiseFloor as number) / 10, large?.noiseFloor as number, 1e-9);
      }),
      { numRuns: 300 },
    );
  });

  test('the distance is the same from either side', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 0, max: 900 })), { minLength: 2, maxLength: 9 }),
        (pairs) => {
          const measured = (from: number, to: number) =>
            measureDrift(
              profileOf([
                numericFeature(
                  'age',
                  pairs.map((pair) => pair[from] as number),
                ),
              ]),
              windowOf([counted(pairs.map((pair) => pair[to] as number))]),
              options,
            ).features[0];
          const [there, back] = [measured(0, 1), measured(1, 0)];
          if (there?.psi === null || there?.psi === undefined) expect(back?.psi).toBeNull();
          else expectRelative(back?.psi as number, there.psi, 1e-9, 1e-12);
        },
      ),
      { numRuns: 300 },
    );
  });
});

test('a verdict over 100 features takes less than 50 ms', () => {
  const random = createRandom(3);
  const past = Array.from({ length: 720 }, (_, window) => window / 20_000);
  const statistics = { psi: past, 'jensen-shannon': past, wasserstein: past, 'kolmogorov-smirnov': past, 'chi-square': past };
  const features = Array.from({ length: 100 }, (_, at) =>
    numericFeature(`f${at}`, uniformCells(random, 10_000, 20), { quiet: { windows: 720, designEffect: 1.1, statistics } }),
  );
  const profile = profileOf(features);
  const window = windowOf(features.map(() => counted(uniformCells(random, 1000, 20))));
  const times = Array.from({ length: 30 }, () => {
    const started = performance.now();
    measureDrift(profile, window, options);
    return performance.now() - started;
  }).sort((left, right) => left - right);
  expect(times[15]).toBeLessThan(50);
});
