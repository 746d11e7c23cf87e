import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calibratorSchema } from '#domain/contracts/reference-profile.ts';
import { calibrationErrorByMass } from '#domain/stats/metrics/calibration.ts';
import { calibrate, calibrateAll, fitCalibrator } from '#domain/stats/performance/calibrator.ts';
import { crossFittedCalibrationError, crossFittedProbabilities } from '#domain/stats/performance/cross-fitted-calibration.ts';
import { createRandom } from '#domain/stats/random.ts';
import golden from '../../../golden/performance.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const frozen = (values: readonly number[]): readonly number[] => Object.freeze([...values]);

describe('fitCalibrator()', () => {
  test.each(golden.isotonic)('agrees with scikit-learn: $name', (one) => {
    const weights = 'weights' in one && one.weights ? frozen(one.weights) : undefined;
    const calibrator = fitCalibrator(frozen(one.labels), frozen(one.scores), weights);
    const lowest = one.probabilities[one.scores.indexOf(Math.min(...one.scores))];
    const highest = one.probabilities[one.scores.indexOf(Math.max(...one.scores))];
    if (calibrator === null) expect([lowest, highest]).toSatisfy(([low, high]) => low === 1 || high === 0);
    else {
      calibratorSchema.parse(calibrator);
      one.scores.forEach((score, row) => {
        expectRelative(calibrate(calibrator, score), one.probabilities[row] as number, 1e-11, 1e-15);
      });
    }
  });

  test('pools two rows that are out of order', () => {
    expect(fitCalibrator([0, 1, 0, 1], [1, 2, 3, 4])).toEqual({ scores: [1, 2, 4], probabilities: [0, 0.5, 1] });
    expect(fitCalibrator([1, 0], [0.2, 0.8])).toEqual({ scores: [0.2], probabilities: [0.5] });
  });

  test('keeps the number of positives, grows, and does not depend on the order of the rows', () => {
    const row = fc.record({ label: fc.constantFrom(0, 1), score: fc.integer({ min: -20, max: 20 }) });
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 60 }), (rows) => {
        const labels = rows.map((one) => one.label);
        const scores = rows.map((one) => one.score);
        const calibrator = fitCalibrator(labels, scores);
        if (calibrator === null) return;
        const sum = calibrateAll(calibrator, scores).reduce((all, one) => all + one, 0);
        expectRelative(
          sum,
          labels.reduce<number>((all, one) => all + one, 0),
          1e-12,
        );
        calibrator.probabilities.forEach((one, step) => {
          if (step > 0) expect(one).toBeGreaterThan(calibrator.probabilities[step - 1] as number);
        });
        expect(fitCalibrator(labels.toReversed(), scores.toReversed())).toEqual(calibrator);
      }),
    );
  });

  test('a weight of two is the row twice, and a weight of zero is no row', () => {
    expect(fitCalibrator([0, 1, 0, 1], [1, 2, 3, 4], [1, 2, 0, 1])).toEqual(fitCalibrator([0, 1, 1, 1], [1, 2, 2, 4]));
  });

  test('has no answer without a row of each class', () => {
    expect(fitCalibrator([], [])).toBeNull();
    expect(fitCalibrator([1, 1], [0.1, 0.2])).toBeNull();
    expect(fitCalibrator([0, 0], [0.1, 0.2])).toBeNull();
    expect(fitCalibrator([0, 1], [0.1, 0.2], [0, 1])).toBeNull();
  });

  test('refuses what cannot be meant', () => {
    expect(() => fitCalibrator([0, 2], [1, 2])).toThrow('the label of row 1 must be 0 or 1: it is 2');
    expect(() => fitCalibrator([0, 1], [1, Number.NaN])).toThrow('the score of row 1 must be finite: it is NaN');
    expect(() => fitCalibrator([0, 1], [1, Number.POSITIVE_INFINITY])).toThrow(RangeError);
    expect(() => fitCalibrator([0, 1], [1, 2], [1, -1])).toThrow('the weight of row 1 must be finite and >= 0: it is -1');
    expect(() => fitCalibrator([0, 1], [1, 2], [1, Number.POSITIVE_INFINITY])).toThrow(RangeError);
    expect(() => fitCalibrator([0, 1], [1])).toThrow('scores must be as many as labels, 2: they are 1');
  });
});

describe('calibrate()', () => {
  const calibrator = { scores: [-1, 0, 2], probabilities: [0.1, 0.4, 0.8] };

  test('steps at each score and holds below the first', () => {
    expect([-9, -1, -0.5, 0, 1.9, 2, 1e9].map((score) => calibrate(calibrator, score))).toEqual([
      0.1, 0.1, 0.1, 0.4, 0.4, 0.8, 0.8,
    ]);
  });

  test('refuses NaN and a calibrator without steps', () => {
    expect(() => calibrate(calibrator, Number.NaN)).toThrow(RangeError);
    expect(() => calibrate({ scores: [], probabilities: [] }, 0)).toThrow(RangeError);
  });
});

describe('cross-fitted calibration', () => {
  /** Scores that are far from probabilities: the true one is their square. */
  const world = (rows: number, seed: number) => {
    const random = createRandom(seed);
    const scores = Array.from({ length: rows }, random);
    return { labels: scores.map((score) => (random() < score * score ? 1 : 0)), scores };
  };

  test('finds the error that remains, not the one before', () => {
    const { labels, scores } = world(4000, 11);
    const before = calibrationErrorByMass(labels, scores, 10);
    const after = crossFittedCalibrationError(labels, scores, { seed: 1 }) as number;
    expect(before).toBeGreaterThan(0.15);
    expect(after).toBeLessThan(0.03);
  });

  test('is larger than that of a calibrator judged on its own rows', () => {
    const { labels, scores } = world(300, 12);
    const own = fitCalibrator(labels, scores);
    const flattered = calibrationErrorByMass(labels, own === null ? [] : calibrateAll(own, scores), 10);
    expect(crossFittedCalibrationError(labels, scores, { seed: 1 })).toBeGreaterThan(2 * flattered);
  });

  test('each row is calibrated without itself', () => {
    const labels = [0, 0, 0, 1, 1, 1, 1, 1, 1, 1];
    const scores = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    // Leave one out: the lowest positive would have had probability 1 by its own label.
    const found = crossFittedProbabilities(labels, scores, { seed: 3, folds: 10 });
    expect(found?.[3]).toBe(0);
    expect(found?.[4]).toBe(1);
  });

  test('is repeatable, and does not exist with too few rows or one class', () => {
    const { labels, scores } = world(100, 13);
    const found = crossFittedProbabilities(frozen(labels), frozen(scores), { seed: 5, folds: 4 });
    expect(crossFittedProbabilities(labels, scores, { seed: 5, folds: 4 })).toEqual(found);
    expect(crossFittedProbabilities(labels, scores, { seed: 6, folds: 4 })).not.toEqual(found);
    expect(crossFittedCalibrationError([0, 1, 0], [1, 2, 3], { seed: 1 })).toBeNull();
    expect(crossFittedCalibrationError(new Array<number>(20).fill(1), scores.slice(0, 20), { seed: 1 })).toBeNull();
    expect(() => crossFittedCalibrationError([0, 1], [1, 2], { seed: 1, folds: 1 })).toThrow('folds must be whole and >= 2');
  });
});
