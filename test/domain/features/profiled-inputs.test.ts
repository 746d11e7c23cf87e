import { describe, expect, test } from 'vitest';
import type { FittedFeature } from '#domain/contracts/feature-set.ts';
import { profiledInputs } from '#domain/features/profiled-inputs.ts';

const feature = (name: string, source: FittedFeature['source'], transforms: FittedFeature['transforms'] = []): FittedFeature =>
  Object.freeze({ name, source, transforms, outputs: [name] });
const column = (name: string) => ({ kind: 'column', column: name }) as const;
const part = (name: 'hour' | 'month') => ({ kind: 'date-part', part: name }) as const;
const ordinal = { kind: 'ordinal' as const, categories: ['1'] };

const inputsOf = (features: readonly FittedFeature[], eventTime: string | null = 'date') =>
  profiledInputs(Object.freeze({ features: Object.freeze([...features]) as FittedFeature[], eventTime }));

describe('profiledInputs()', () => {
  test('names each raw value once, with the features that read it', () => {
    const found = inputsOf([
      feature('distance', column('distance')),
      feature('distance_scaled', column('distance'), [{ kind: 'min-max-scale', min: 0, max: 1 }]),
      feature('rate', { kind: 'view', view: 'origin_7d', value: 'late_rate' }),
      feature('route', { kind: 'cross', columns: ['origin', 'destination'] }, [{ kind: 'hash', buckets: 8 }]),
    ]);
    expect(found.map(({ name, features }) => [name, features])).toEqual([
      ['distance', ['distance', 'distance_scaled']],
      ['origin_7d.late_rate', ['rate']],
      ['origin', ['route']],
      ['destination', ['route']],
    ]);
  });

  test('takes a number for a category only where every feature does', () => {
    expect(inputsOf([feature('store', column('store'), [ordinal])])[0]?.isEncoded).toBe(true);
    const both = [feature('a', column('store'), [ordinal]), feature('b', column('store'))];
    expect(inputsOf(both)[0]?.isEncoded).toBe(false);
    expect(inputsOf(both.toReversed())[0]?.isEncoded).toBe(false);
  });

  test('watches parts of an instant, but of the event time only those that come again soon', () => {
    const features = [
      feature('hour', column('date'), [part('hour')]),
      feature('month', column('date'), [part('month')]),
      feature('born', column('birthday'), [part('month')]),
    ];
    expect(inputsOf(features).map(({ name }) => name)).toEqual(['date (hour)', 'birthday (month)']);
    expect(inputsOf(features, null).map(({ name }) => name)).toContain('date (month)');
  });

  test('has nothing to name without features', () => {
    expect(inputsOf([])).toEqual([]);
  });
});
