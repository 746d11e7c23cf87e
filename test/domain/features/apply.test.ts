import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeatureSet } from '#domain/contracts/feature-set.ts';
import { createVectorizer, type RawRow, type ViewLookup } from '#domain/features/apply.ts';
import { datePartFunctions } from '#domain/features/calendar.ts';
import { bucketOf, categoryOf, joinCategories } from '#domain/features/category.ts';
import { entityKey, unseenEntity } from '#domain/features/entity-key.ts';
import { nearestName } from '#domain/features/nearest-name.ts';

const nothing: ViewLookup = () => undefined;
const setOf = (features: FeatureSet['features'], views: FeatureSet['views'] = []): FeatureSet => ({
  format: 1,
  request: [],
  views,
  features,
});
const one = (transforms: FeatureSet['features'][number]['transforms'], outputs = ['x']): FeatureSet =>
  setOf([{ name: 'x', source: { kind: 'column', column: 'x' }, transforms, outputs }]);
const applyOne = (set: FeatureSet, row: RawRow, lookup = nothing): number[] => [...createVectorizer(set).apply(row, lookup)];

describe('date parts', () => {
  it('agree with the calendar of JavaScript over nearly its whole range', () => {
    fc.assert(
      fc.property(fc.integer({ min: -8_600_000_000_000_000, max: 8_600_000_000_000_000 }), (epochMs) => {
        const date = new Date(epochMs);
        const yearStart = new Date(date).setUTCMonth(0, 1);
        const dayOfYear = Math.floor((epochMs - new Date(yearStart).setUTCHours(0, 0, 0, 0)) / 86_400_000) + 1;
        expect(datePartFunctions.hour(epochMs)).toBe(date.getUTCHours());
        expect(datePartFunctions.minute_of_day(epochMs)).toBe(date.getUTCHours() * 60 + date.getUTCMinutes());
        expect(datePartFunctions.weekday(epochMs)).toBe((date.getUTCDay() + 6) % 7);
        expect(datePartFunctions.day(epochMs)).toBe(date.getUTCDate());
        expect(datePartFunctions.month(epochMs)).toBe(date.getUTCMonth() + 1);
        expect(datePartFunctions.year(epochMs)).toBe(date.getUTCFullYear());
        expect(datePartFunctions.day_of_year(epochMs)).toBe(dayOfYear);
      }),
    );
  });
});

describe('entityKey()', () => {
  it('gives different entities different keys, and none the key of the unseen', () => {
    const parts = fc.array(fc.string({ maxLength: 4, unit: fc.constantFrom('a', '|', '\\', '', 'u', 'n', 's', 'e') }), {
      minLength: 2,
      maxLength: 2,
    });
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        expect(entityKey(left) === entityKey(right)).toBe(left.join('\0') === right.join('\0'));
        expect(entityKey(left)).not.toBe(unseenEntity);
        expect(entityKey([left.join('')])).not.toBe(unseenEntity);
      }),
    );
  });
  it('is readable, and null where a value is missing', () => {
    expect(entityKey(['ORD', 'LAX'])).toBe('ORD|LAX');
    expect(entityKey([5, true])).toBe('5|true');
    expect(entityKey(['ORD', null])).toBeNull();
    expect(entityKey([Number.NaN])).toBeNull();
  });
});

describe('createVectorizer()', () => {
  it('leaves a missing number missing, and fills it where told', () => {
    expect(applyOne(one([]), {})).toEqual([Number.NaN]);
    expect(applyOne(one([]), { x: null })).toEqual([Number.NaN]);
    expect(applyOne(one([]), { x: Number.POSITIVE_INFINITY })).toEqual([Number.NaN]);
    expect(applyOne(one([{ kind: 'impute', value: 7 }]), { x: Number.NaN })).toEqual([7]);
    expect(applyOne(one([{ kind: 'impute', value: 7 }]), { x: 0 })).toEqual([0]);
  });
  it('scales after imputing', () => {
    const set = one([
      { kind: 'impute', value: 10 },
      { kind: 'standard-scale', mean: 10, standardDeviation: 2 },
    ]);
    expect(applyOne(set, {})).toEqual([0]);
    expect(applyOne(set, { x: 14 })).toEqual([2]);
    expect(applyOne(one([{ kind: 'min-max-scale', min: 2, max: 6 }]), { x: 3 })).toEqual([0.25]);
    expect(applyOne(one([{ kind: 'min-max-scale', min: 2, max: 2 }]), { x: 2 })).toEqual([0]);
  });
  it('gives truths as 0 and 1', () => {
    expect(applyOne(one([{ kind: 'boolean' }]), { x: true })).toEqual([1]);
    expect(applyOne(one([{ kind: 'boolean' }]), { x: false })).toEqual([0]);
    expect(applyOne(one([{ kind: 'boolean' }]), {})).toEqual([Number.NaN]);
  });
  it('encodes known, unknown and missing categories', () => {
    const categories = ['a', 'b'];
    expect(applyOne(one([{ kind: 'ordinal', categories }]), { x: 'b' })).toEqual([1]);
    expect(applyOne(one([{ kind: 'ordinal', categories }]), { x: 'c' })).toEqual([-1]);
    expect(applyOne(one([{ kind: 'ordinal', categories }]), {})).toEqual([-1]);
    const spread = one([{ kind: 'one-hot', categories, other: true }], ['x=a', 'x=b', 'x=(other)']);
    expect(applyOne(spread, { x: 'b' })).toEqual([0, 1, 0]);
    expect(applyOne(spread, { x: 'z' })).toEqual([0, 0, 1]);
    const closed = one([{ kind: 'one-hot', categories, other: false }], ['x=a', 'x=b']);
    expect(applyOne(closed, { x: 'z' })).toEqual([0, 0]);
    const target = one([{ kind: 'target', categories, means: [0.25, 0.75], overall: 0.5 }]);
    expect([applyOne(target, { x: 'a' }), applyOne(target, { x: 'q' }), applyOne(target, {})].flat()).toEqual([0.25, 0.5, 0.5]);
    expect(applyOne(one([{ kind: 'hash', buckets: 8 }]), { x: 'a' })).toEqual([bucketOf('a', 8)]);
  });
  it('takes names that JavaScript knows as categories like any other', () => {
    expect(applyOne(one([{ kind: 'ordinal', categories: ['a'] }]), { x: 'constructor' })).toEqual([-1]);
    expect(applyOne(one([{ kind: 'ordinal', categories: ['__proto__'] }]), { x: '__proto__' })).toEqual([0]);
  });
  it('crosses columns into one category', () => {
    const set = setOf([
      {
        name: 'route',
        source: { kind: 'cross', columns: ['from', 'to'] },
        transforms: [{ kind: 'ordinal', categories: ['A|B', 'A\\|B|C'] }],
        outputs: ['route'],
      },
    ]);
    expect(applyOne(set, { from: 'A', to: 'B' })).toEqual([0]);
    expect(applyOne(set, { from: 'A|B', to: 'C' })).toEqual([1]);
    expect(applyOne(set, { from: 'A', to: null })).toEqual([-1]);
  });
  const views: FeatureSet['views'] = [{ name: 'past', entity: ['origin'], values: ['rate', 'count'], sql: '' }];
  const past = setOf(
    [
      {
        name: 'rate',
        source: { kind: 'view', view: 'past', value: 'rate' },
        transforms: [{ kind: 'impute-from', source: { kind: 'column', column: 'fallback' }, otherwise: 0.5 }],
        outputs: ['rate'],
      },
      { name: 'count', source: { kind: 'view', view: 'past', value: 'count' }, transforms: [], outputs: ['count'] },
    ],
    views,
  );
  it('looks a view up once by the entity of the row', () => {
    const asked: string[] = [];
    const lookup: ViewLookup = (view, entity) => {
      asked.push(`${view}/${entity}`);
      return { rate: 0.25, count: 3 };
    };
    expect(applyOne(past, { origin: 'ORD' }, lookup)).toEqual([0.25, 3]);
    expect(asked).toEqual(['past/ORD']);
  });
  it('gives an entity without a past what no past gives, then falls back', () => {
    const lookup: ViewLookup = (_, entity) => (entity === unseenEntity ? { rate: null, count: 0 } : undefined);
    expect(applyOne(past, { origin: 'NEW', fallback: 0.125 }, lookup)).toEqual([0.125, 0]);
    expect(applyOne(past, { origin: 'NEW' }, lookup)).toEqual([0.5, 0]);
    expect(applyOne(past, { origin: null }, lookup)).toEqual([0.5, Number.NaN]);
  });
  it('writes at an offset, touches nothing else, and forgets the row before', () => {
    const vectorizer = createVectorizer(past);
    const into = new Float32Array(6).fill(9);
    vectorizer.apply({ origin: 'A' }, () => ({ rate: 1, count: 1 }), into, 2);
    expect([...into]).toEqual([9, 9, 1, 1, 9, 9]);
    vectorizer.apply({}, nothing, into, 2);
    expect([...into]).toEqual([9, 9, 0.5, Number.NaN, 9, 9]);
  });
  it('gives the same bits by slots as by row', () => {
    const set = one([{ kind: 'standard-scale', mean: 0.1, standardDeviation: 0.3 }]);
    const vectorizer = createVectorizer(set);
    fc.assert(
      fc.property(fc.double(), (x) => {
        const bySlots = new Float32Array(1);
        vectorizer.applySlots([x], bySlots, 0);
        expect(Object.is(vectorizer.apply({ x }, nothing)[0], bySlots[0])).toBe(true);
      }),
    );
  });
});

describe('categories', () => {
  it('have one text for one value', () => {
    expect([5, 5.5, true, 'a', null, Number.NaN].map(categoryOf)).toEqual(['5', '5.5', 'true', 'a', null, null]);
    expect(joinCategories(['a', 1, false])).toBe('a|1|false');
  });
  it('spread evenly over buckets', () => {
    const counts = new Array<number>(16).fill(0);
    for (let index = 0; index < 16_000; index += 1) {
      const bucket = bucketOf(`category ${index}`, 16);
      counts[bucket] = (counts[bucket] as number) + 1;
    }
    // Chi-square with 15 degrees of freedom: 37.7 is passed by chance once in a thousand.
    const statistic = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(statistic).toBeLessThan(37.7);
  });
});

describe('nearestName()', () => {
  it('finds what was meant, and nothing where nothing is near', () => {
    expect(nearestName('targt', ['none', 'one-hot', 'target'])).toBe('target');
    expect(nearestName('tenrue', ['tenure', 'contract'])).toBe('tenure');
    expect(nearestName('colour', ['tenure', 'contract'])).toBeNull();
    expect(nearestName('x', [])).toBeNull();
  });
});
