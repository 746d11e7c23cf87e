import { describe, expect, test } from 'vitest';
import { evidenceSchema } from '#domain/contracts/evidence.ts';
import type { MetricName } from '#domain/contracts/pipeline-spec/training.ts';
import { type ReferencePerformance, referencePerformanceSchema } from '#domain/contracts/reference-profile.ts';
import { measureAll } from '#domain/stats/metrics/metrics.ts';
import { lossesOfRows } from '#domain/stats/metrics/row-losses.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
import { compareWindow } from '#domain/stats/performance/compare-window.ts';
import { rocAucError, shareOfMetric } from '#domain/stats/performance/metric-uncertainty.ts';
import { controlBand, measureReference } from '#domain/stats/performance/reference-performance.ts';
import { createRandom } from '#domain/stats/random.ts';
import { finish } from '#domain/stats/steps.ts';
import golden from '../../../golden/performance.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const binary = (labels: readonly number[], answers: readonly number[]): Scored =>
  Object.freeze({ task: 'binary', classes: 2, labels: Object.freeze([...labels]), answers: Object.freeze([...answers]) });

/** Scores that are true probabilities. */
const truthful = (rows: number, seed: number): Scored => {
  const random = createRandom(seed);
  const answers = Array.from({ length: rows }, random);
  return binary(
    answers.map((answer) => (random() < answer ? 1 : 0)),
    answers,
  );
};

const numbers = (rows: number, seed: number, spread: number): Scored => {
  const random = createRandom(seed);
  const answers = Array.from({ length: rows }, () => 10 * random());
  const labels = answers.map((answer) => answer + spread * (random() + random() + random() - 1.5));
  return Object.freeze({ task: 'regression', classes: 0, labels, answers });
};

const referenceOf = (parts: Partial<ReferencePerformance>): ReferencePerformance => ({
  rows: 1000,
  metrics: {},
  perRowDeviation: {},
  calibrator: null,
  calibrationError: null,
  clusters: null,
  ...parts,
});

const compare = (metric: MetricName, window: Scored, reference: ReferencePerformance, confidence = 0.95) => {
  const found = finish(compareWindow({ metric, window, reference, clusters: null, confidence, seed: 7 }));
  evidenceSchema.parse(found);
  return found;
};

describe('compareWindow()', () => {
  test.each(golden.changes)('agrees with statsmodels and SciPy: $name', (one) => {
    const reference = referenceOf(one.reference);
    for (const [metric, [estimate, lower, upper]] of Object.entries(one.expected) as [MetricName, number[]][]) {
      const found = compare(metric, binary(one.labels, one.answers), reference, one.confidence);
      expect(found).toMatchObject({ kind: 'interval', sides: 'one', confidence: one.confidence, rows: one.labels.length });
      if (found.kind !== 'interval') continue;
      expectRelative(found.estimate, estimate as number, 1e-9, 1e-12);
      expectRelative(found.lower, lower as number, 1e-9, 1e-12);
      expectRelative(found.upper, upper as number, 1e-9, 1e-12);
    }
  });

  test('every metric of every task can be compared with a reference that was measured', () => {
    for (const make of [truthful, (rows: number, seed: number) => numbers(rows, seed, 2)]) {
      const reference = finish(measureReference(make(800, 1), 3));
      const window = make(300, 2);
      for (const metric of Object.keys(measureAll(window)) as MetricName[]) {
        const found = compare(metric, window, reference);
        if (found.kind !== 'interval') expect.fail(`${metric}: ${JSON.stringify(found)}`);
        expect(found.lower, metric).toBeLessThan(0.02);
        expect(found.upper, metric).toBeGreaterThan(-0.02);
        const reach = (found.upper - found.lower) / 2 / found.standardError;
        expect(reach, metric).toBeGreaterThan(1.4);
        expect(reach, metric).toBeLessThan(1.9);
      }
    }
  });

  test('more is better whichever the metric: a noisier window has lost', () => {
    const reference = finish(measureReference(numbers(800, 1, 1), 3));
    for (const metric of ['mae', 'rmse', 'r2', 'median_absolute_error'] as const) {
      const found = compare(metric, numbers(300, 2, 3), reference);
      expect(found, metric).toMatchObject({ kind: 'interval' });
      if (found.kind === 'interval') expect(found.upper, metric).toBeLessThan(0);
    }
  });

  test('precision and recall count their own rows, not all', () => {
    const reference = finish(measureReference(truthful(900, 4), 3));
    const window = truthful(400, 5);
    const called = Array.from(window.answers).filter((answer) => answer >= 0.5).length;
    expect(shareOfMetric('precision', window)?.rows).toBe(called);
    expect(shareOfMetric('recall', window)?.rows).toBe(Array.from(window.labels).filter((label) => label === 1).length);
    const narrow = compare('precision', window, { ...reference, rows: 90_000 });
    const wide = compare('precision', window, reference);
    if (narrow.kind !== 'interval' || wide.kind !== 'interval') expect.fail('both must be intervals');
    expect(wide.upper - wide.lower).toBeGreaterThan(1.1 * (narrow.upper - narrow.lower));
  });

  test('a reference of few rows widens the bounds of a bootstrap on both sides', () => {
    const reference = finish(measureReference(truthful(900, 4), 3));
    const of = (rows: number) => compare('f1', truthful(400, 5), { ...reference, rows });
    const [few, many] = [of(400), of(1_000_000)];
    if (few.kind !== 'interval' || many.kind !== 'interval') expect.fail('both must be intervals');
    expect(few.estimate).toBe(many.estimate);
    for (const side of ['lower', 'upper'] as const) {
      const ratio = (few[side] - few.estimate) / (many[side] - many.estimate);
      expect(ratio, side).toBeGreaterThan(1.3);
      expect(ratio, side).toBeLessThan(1.5);
    }
  });

  test('losses that are all the same on both sides have no reach', () => {
    const window: Scored = {
      task: 'regression',
      classes: 0,
      labels: new Array<number>(40).fill(3),
      answers: new Array(40).fill(1),
    };
    const found = compare('mae', window, referenceOf({ metrics: { mae: 1.5 }, perRowDeviation: { mae: 0 } }));
    expect(found).toMatchObject({ kind: 'interval', estimate: -0.5, lower: -0.5, upper: -0.5, standardError: 0 });
  });

  test('a perfect window and a perfect reference still have bounds for a proportion', () => {
    const labels = Array.from({ length: 40 }, (_, row) => row % 2);
    const found = compare(
      'accuracy',
      binary(labels, labels),
      referenceOf({ metrics: { accuracy: 1 }, perRowDeviation: { accuracy: 0 } }),
    );
    expect(found).toMatchObject({ kind: 'interval', estimate: 0, upper: expect.closeTo(0, 1) as number });
    if (found.kind === 'interval') expect(found.lower).toBeLessThan(-0.05);
  });

  test('says what is missing where it cannot compare', () => {
    const reference = finish(measureReference(truthful(900, 4), 3));
    const few = truthful(29, 5);
    expect(compare('accuracy', few, reference)).toMatchObject({ reason: 'labelled rows 29 >= 30 does not hold', rows: 29 });
    expect(compare('accuracy', binary([], []), reference)).toMatchObject({ kind: 'insufficient', rows: 0 });
    const one = binary(
      Array.from({ length: 50 }, () => 0),
      Array.from({ length: 50 }, (_, row) => row / 100),
    );
    expect(compare('roc_auc', one, reference)).toMatchObject({
      kind: 'insufficient',
      reason: 'labelled rows of the rarer class 0 >= 10 does not hold',
    });
    expect(compare('precision', one, reference)).toMatchObject({ reason: 'precision does not exist for these rows' });
    expect(compare('pr_auc', one, reference)).toMatchObject({ kind: 'insufficient' });
    expect(compare('accuracy', truthful(60, 6), referenceOf({}))).toMatchObject({
      reason: 'the reference has no accuracy with its deviation',
    });
    const perfect = referenceOf({ metrics: { precision: 1 }, perRowDeviation: { precision: 0 } });
    expect(compare('precision', truthful(60, 6), perfect)).toMatchObject({ kind: 'insufficient' });
  });

  test('refuses a confidence that bounds nothing, and repeats itself', () => {
    const reference = finish(measureReference(truthful(900, 4), 3));
    expect(() => compare('accuracy', truthful(60, 6), reference, 0.5)).toThrow('confidence must be in (1/2, 1): it is 0.5');
    expect(compare('f1', truthful(60, 6), reference)).toEqual(compare('f1', truthful(60, 6), reference));
  });
});

describe('measureReference()', () => {
  test('is a reference performance, with a calibrator for two classes only', () => {
    const found = referencePerformanceSchema.parse(finish(measureReference(truthful(500, 8), 1)));
    expect(found.metrics).toEqual(measureAll(truthful(500, 8)));
    expect(Object.keys(found.perRowDeviation).sort()).toEqual(Object.keys(found.metrics).sort());
    expect(found.calibrationError).toBeLessThan(0.1);
    const regression = finish(measureReference(numbers(200, 8, 1), 1));
    expect(regression).toMatchObject({ rows: 200, calibrator: null, calibrationError: null });
  });

  test('deviations are those of many samples', () => {
    const reference = finish(measureReference(truthful(2000, 9), 1));
    const samples = Array.from({ length: 300 }, (_, k) => measureAll(truthful(200, 10_000 + 37 * k)));
    for (const metric of Object.keys(reference.metrics) as MetricName[]) {
      const values = samples.map((sample) => sample[metric] as number);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
      const expected = (reference.perRowDeviation[metric] as number) / Math.sqrt(200);
      expect(deviation / expected, metric).toBeGreaterThan(0.8);
      expect(deviation / expected, metric).toBeLessThan(1.25);
    }
  });

  test('no rows and one class leave out what does not exist', () => {
    expect(finish(measureReference(binary([], []), 1))).toEqual(referenceOf({ rows: 0 }));
    const one = finish(measureReference(binary(new Array<number>(30).fill(0), new Array<number>(30).fill(0.2)), 1));
    expect(one).toMatchObject({ metrics: { accuracy: 1 }, perRowDeviation: { accuracy: 0 }, calibrator: null });
    expect(one.metrics).not.toHaveProperty('roc_auc');
  });
});

describe('the parts', () => {
  test('rocAucError() has the variances of the design', () => {
    const { y, champion, challenger, auc_champion, var_champion, var_challenger } = vectors.delong;
    expectRelative(rocAucError(y, champion)?.auc as number, auc_champion, 1e-9);
    expectRelative((rocAucError(y, champion)?.standardError as number) ** 2, var_champion, 1e-9);
    expectRelative((rocAucError(y, challenger)?.standardError as number) ** 2, var_challenger, 1e-9);
    expect(rocAucError([1, 0, 0], [3, 2, 1])).toBeNull();
    expect(rocAucError([1, 1, 0, 0], [3, 4, 2, 1])).toEqual({ auc: 1, standardError: 0 });
  });

  test('lossesOfRows() has the metric for its mean', () => {
    const scored = truthful(100, 1);
    for (const metric of ['brier', 'log_loss'] as const) {
      const losses = lossesOfRows(metric, scored);
      expectRelative(losses.reduce((sum, loss) => sum + loss, 0) / 100, measureAll(scored)[metric] as number, 1e-14);
    }
  });

  test('controlBand() narrows with rows, and does not exist for what the reference does not know', () => {
    const reference = referenceOf({ metrics: { mae: 2, r2: 0.5 }, perRowDeviation: { mae: 1 } });
    expect(controlBand(reference, 'mae', 100)).toEqual({ value: 2, low: 1.7, high: 2.3 });
    expect(controlBand(reference, 'r2', 100)).toBeNull();
    expect(controlBand(reference, 'mae', 0)).toBeNull();
  });
});
