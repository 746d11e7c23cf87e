import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DatasetColumn, DatasetSchema } from '#domain/contracts/dataset.ts';
import { featuresSchema } from '#domain/contracts/pipeline-spec/features.ts';
import { type CategorySummary, fitFeatures, type NumericSummary } from '#domain/features/fit.ts';
import { featureStrength } from '#domain/features/leakage.ts';
import { planFeatures } from '#domain/features/plan.ts';

const column = (name: string, type: DatasetColumn['type'], role: DatasetColumn['role'] = 'feature'): DatasetColumn => ({
  name,
  type,
  role,
  new_values: 'warn',
  missing: 'allow',
  unique: false,
});
const schema: DatasetSchema = {
  columns: [
    column('at', 'timestamp', 'event_time'),
    column('distance', 'integer'),
    column('origin', 'category'),
    column('heavy', 'boolean'),
    column('delay', 'integer', 'outcome'),
    column('late', 'boolean', 'label'),
  ],
  eventTime: 'at',
  key: [],
  label: 'late',
  labelKnownAfterMs: 0,
};
const views = [{ name: 'past', values: [{ name: 'rate', type: 'number' as const }] }];
const plan = (inputs: unknown) => planFeatures(featuresSchema.parse({ inputs }), schema, views);
const numeric = (more: Partial<NumericSummary> = {}): NumericSummary => ({
  kind: 'numeric',
  present: 10,
  median: 5,
  mean: 6,
  mode: 4,
  standardDeviation: 2,
  min: 1,
  max: 9,
  ...more,
});
const totals = {
  folds: [
    { rows: 4, labelSum: 1 },
    { rows: 6, labelSum: 3 },
  ],
};

describe('planFeatures()', () => {
  it('takes every feature column, the event time and all view values where nothing is declared', () => {
    const plans = planFeatures(featuresSchema.parse({}), schema, views);
    expect(plans.map((each) => each.name)).toEqual(['at_hour', 'at_weekday', 'distance', 'origin', 'heavy', 'past.rate']);
  });
  it('leaves names and free text out unless they are asked for', () => {
    const named = { ...schema, columns: [column('customer_id', 'string'), ...schema.columns] };
    const names = (inputs: object) => planFeatures(featuresSchema.parse(inputs), named, views).map((each) => each.name);
    expect(names({})).not.toContain('customer_id');
    expect(names({ inputs: { customer_id: { encode: 'hash' } } })).toEqual(['customer_id']);
  });
  it.each([
    [{ delay: {} }, /"delay" has the role outcome/],
    [{ late: {} }, /"late" is the label itself/],
    [{ x: { cross: ['origin', 'delay'] } }, /"delay" has the role outcome/],
    [{ orign: {} }, /did you mean "origin"\?/],
    [{ 'past.rat': {} }, /did you mean "past.rate"\?/],
    [{ at: {} }, /which part/],
    [{ distance: { part: 'hour' } }, /part must be of a timestamp/],
    [{ origin: { encode: 'none' } }, /must be encoded/],
    [{ origin: { impute: 'median' } }, /a category has no median/],
    [{ distance: { impute: 'medain' } }, /did you mean "median"\?/],
    [{ origin: { scale: 'standard' } }, /scale must be none/],
    [{ distance: { impute: 'origin' }, origin: {} }, /only where both are plain numbers/],
    [{}, /there must be at least one/],
  ])('refuses %j', (inputs, message) => {
    expect(() => plan(inputs)).toThrow(
      expect.objectContaining({ code: 'PRN_FEATURE_INVALID', message: expect.stringMatching(message) }),
    );
  });
});

describe('fitFeatures()', () => {
  it('learns what fills a missing number, also from another input', () => {
    const plans = plan({ distance: { impute: 'mean', scale: 'standard' }, 'past.rate': { impute: 'distance' } });
    const [distance, rate] = fitFeatures(plans, [numeric(), numeric()], totals);
    expect(distance?.feature.transforms).toEqual([
      { kind: 'impute', value: 6 },
      { kind: 'standard-scale', mean: 6, standardDeviation: 2 },
    ]);
    expect(rate?.feature.transforms).toEqual([
      { kind: 'impute-from', source: { kind: 'column', column: 'distance' }, otherwise: 6 },
    ]);
  });
  it('refuses to learn from nothing', () => {
    const empty = numeric({ present: 0, median: null, mean: null, mode: null, standardDeviation: null, min: null, max: null });
    expect(() => fitFeatures(plan({ distance: { impute: 'median' } }), [empty], totals)).toThrow(/all are missing/);
    expect(fitFeatures(plan({ distance: { impute: 3 } }), [empty], totals)[0]?.feature.transforms).toEqual([
      { kind: 'impute', value: 3 },
    ]);
  });
  it('makes rare categories other, and orders the kept ones by text', () => {
    const summary: CategorySummary = {
      kind: 'category',
      values: [
        { category: 'b', rows: 5, folds: [] },
        { category: 'a', rows: 4, folds: [] },
        { category: 'c', rows: 1, folds: [] },
      ],
    };
    const [result] = fitFeatures(plan({ origin: { encode: 'one-hot', min_count: 2, impute: 'mode' } }), [summary], totals);
    expect(result?.feature.transforms).toEqual([
      { kind: 'impute', value: 'b' },
      { kind: 'one-hot', categories: ['a', 'b'], other: true },
    ]);
    expect(result?.feature.outputs).toEqual(['origin=a', 'origin=b', 'origin=(other)']);
  });
  it('keeps the labels of a fold out of the target encoding of its rows', () => {
    const summary: CategorySummary = {
      kind: 'category',
      values: [
        {
          category: 'a',
          rows: 4,
          folds: [
            { rows: 1, labelSum: 1 },
            { rows: 3, labelSum: 0 },
          ],
        },
      ],
    };
    const [result] = fitFeatures(plan({ origin: { encode: 'target', smoothing: 2 } }), [summary], totals);
    const means = [result?.feature, ...(result?.byFold ?? [])].map((feature) => feature?.transforms[0]);
    expect(means).toMatchObject([
      { means: [(1 + 2 * 0.4) / 6], overall: 0.4 },
      { means: [(0 + 2 * 0.5) / 5], overall: 0.5 },
      { means: [(1 + 2 * 0.25) / 3], overall: 0.25 },
    ]);
  });
});

/** AUC by its definition: the share of pairs in the right order, ties half. */
const pairs = (values: number[], labels: number[]): number => {
  let [right, all] = [0, 0];
  values.forEach((a, i) =>
    values.forEach((b, j) => {
      if (labels[i] !== 1 || labels[j] !== 0) return;
      all += 1;
      right += a > b ? 1 : a === b ? 0.5 : 0;
    }),
  );
  const area = all === 0 ? 0.5 : right / all;
  return Math.max(area, 1 - area);
};

describe('featureStrength()', () => {
  it('is the share of pairs in the right order, ties half', () => {
    const rows = fc.array(fc.record({ value: fc.integer({ min: 0, max: 5 }), label: fc.integer({ min: 0, max: 1 }) }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(rows, (sample) => {
        const [values, labels] = [sample.map((row) => row.value), sample.map((row) => row.label)];
        const { strength } = featureStrength([Float32Array.from(values)], false, {
          task: 'binary',
          classes: 2,
          labels: Float32Array.from(labels),
        });
        expect(strength).toBeCloseTo(pairs(values, labels), 12);
      }),
    );
  });
  const labels = Float32Array.from({ length: 400 }, (_, index) => (index * 7919) % 2);
  const binary = { task: 'binary' as const, classes: 2, labels };
  it('sees a label behind any names of categories, and behind missing values', () => {
    expect(
      featureStrength([labels.map((label, index) => (label === 1 ? index % 3 : 3 + (index % 2)))], true, binary).strength,
    ).toBeGreaterThan(0.99);
    expect(featureStrength([labels.map((label) => (label === 1 ? Number.NaN : 3))], false, binary).strength).toBe(1);
  });
  it('does not take an identifier for the label', () => {
    expect(featureStrength([labels.map((_, index) => index)], true, binary).strength).toBeLessThan(0.6);
  });
  it('is R2 for a quantity', () => {
    const quantity = { task: 'regression' as const, classes: 0, labels: Float32Array.from({ length: 100 }, (_, index) => index) };
    expect(featureStrength([quantity.labels.map((label) => 3 - 2 * label)], false, quantity)).toEqual({
      strength: 1,
      measure: 'r2',
    });
    expect(featureStrength([quantity.labels.map(() => 1)], false, quantity).strength).toBe(0);
  });
});
