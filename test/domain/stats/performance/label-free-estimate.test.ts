import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { measure } from '#domain/stats/metrics/metrics.ts';
import { calibrateAll, fitCalibrator } from '#domain/stats/performance/calibrator.ts';
import { cellsOfRows, estimatePerformance, type ScoreCell } from '#domain/stats/performance/label-free-estimate.ts';
import { createRandom } from '#domain/stats/random.ts';
import golden from '../../../golden/performance.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const estimateRows = (scores: readonly number[], probabilities: readonly number[], threshold = 0.5) =>
  estimatePerformance(cellsOfRows(Object.freeze(scores), Object.freeze(probabilities), threshold));

describe('estimatePerformance()', () => {
  test('agrees with the design', () => {
    const { p, threshold, tp, fp, fn, tn, ...wanted } = vectors.cbpe;
    const found = estimateRows(p, p, threshold);
    const confusion = [found?.truePositives, found?.falsePositives, found?.falseNegatives, found?.trueNegatives];
    [tp, fp, fn, tn].forEach((count, place) => expectRelative(confusion[place] as number, count, 1e-9));
    for (const [metric, value] of Object.entries(wanted) as [keyof typeof wanted, number][]) {
      expectRelative(found?.metrics[metric] as number, value, 1e-9);
    }
  });

  test.each(golden.estimated)('agrees with scikit-learn: $name', ({ scores, probabilities, threshold, confusion, expected }) => {
    const found = estimateRows(scores, probabilities, threshold);
    const counts = [found?.truePositives, found?.falsePositives, found?.falseNegatives, found?.trueNegatives];
    confusion.forEach((count, place) => expectRelative(counts[place] as number, count, 1e-10, 1e-14));
    expect(Object.keys(found?.metrics ?? {}).sort()).toEqual(Object.keys(expected).sort());
    for (const [metric, value] of Object.entries(expected) as ['accuracy', number][]) {
      expectRelative(found?.metrics[metric] as number, value, 1e-10, 1e-14);
    }
  });

  test('does not depend on how rows were put on servers', () => {
    const row = fc.record({ score: fc.integer({ min: 0, max: 20 }), server: fc.integer({ min: 0, max: 3 }) });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 80 }), (rows) => {
        const scoresOf = (some: typeof rows) => some.map((one) => one.score / 20);
        const whole = estimateRows(scoresOf(rows), scoresOf(rows));
        const parts = [0, 1, 2, 3].flatMap((server) => {
          const scores = scoresOf(rows.filter((one) => one.server === server));
          return cellsOfRows(scores, scores, 0.5);
        });
        const meanScore = ({ calledPositive, calledNegative }: ScoreCell): number =>
          (calledPositive.expectedPositives + calledNegative.expectedPositives) / (calledPositive.rows + calledNegative.rows);
        const ascending = parts.toSorted((left, right) => meanScore(left) - meanScore(right));
        const merged = ascending.reduce<ScoreCell[]>((cells, cell) => {
          const last = cells.at(-1);
          if (last === undefined || Math.abs(meanScore(last) - meanScore(cell)) > 1e-9) return [...cells, cell];
          return [...cells.slice(0, -1), addCells(last, cell)];
        }, []);
        const found = estimatePerformance(merged);
        expect(found?.rows).toBe(whole?.rows);
        for (const [metric, value] of Object.entries(whole?.metrics ?? {})) {
          expectRelative(found?.metrics[metric as 'accuracy'] as number, value, 1e-9, 1e-12);
        }
      }),
    );
  });

  test('wide cells cost some of the area, and nothing else', () => {
    const random = createRandom(5);
    const scores = Array.from({ length: 4000 }, random);
    const fine = estimateRows(scores, scores);
    const cells: ScoreCell[] = Array.from({ length: 20 }, (_, k) => {
      const held = scores.filter((score) => Math.floor(score * 20) === k);
      const tally = { rows: held.length, expectedPositives: held.reduce((sum, score) => sum + score, 0) };
      const empty = { rows: 0, expectedPositives: 0 };
      return k >= 10 ? { calledPositive: tally, calledNegative: empty } : { calledPositive: empty, calledNegative: tally };
    });
    const coarse = estimatePerformance(cells);
    expectRelative(coarse?.metrics.accuracy as number, fine?.metrics.accuracy as number, 1e-12);
    const loss = (fine?.metrics.roc_auc as number) - (coarse?.metrics.roc_auc as number);
    expect(loss).toBeGreaterThan(0);
    expect(loss).toBeLessThan(0.005);
  });

  test('has no answer without rows and leaves out what has no meaning', () => {
    expect(estimatePerformance([])).toBeNull();
    expect(estimateRows([], [])).toBeNull();
    expect(estimateRows([0.1, 0.2], [0, 0])?.metrics).toEqual({ accuracy: 1, specificity: 1 });
    expect(estimateRows([0.9], [1])?.metrics).toEqual({ accuracy: 1, precision: 1, recall: 1, f1: 1 });
  });

  test('refuses what is no probability and no count', () => {
    expect(() => estimateRows([0.1], [1.1])).toThrow('the probability of row 0 must be in [0, 1]: it is 1.1');
    expect(() => estimateRows([0.1], [Number.NaN])).toThrow(RangeError);
    expect(() => estimateRows([Number.POSITIVE_INFINITY], [1])).toThrow('the score of row 0 must be finite');
    expect(() => estimateRows([0.1, 0.2], [1])).toThrow('probabilities must be as many as scores, 2: they are 1');
    const cell = (rows: number, expectedPositives: number): ScoreCell => ({
      calledPositive: { rows, expectedPositives },
      calledNegative: { rows: 0, expectedPositives: 0 },
    });
    expect(() => estimatePerformance([cell(2, 3)])).toThrow('0 <= expected positives <= rows must hold: 3 of 2');
    expect(() => estimatePerformance([cell(-1, 0)])).toThrow(RangeError);
    expect(() => estimatePerformance([cell(Number.POSITIVE_INFINITY, 0)])).toThrow(RangeError);
  });
});

const addCells = (left: ScoreCell, right: ScoreCell): ScoreCell => {
  const add = (side: keyof ScoreCell) => ({
    rows: left[side].rows + right[side].rows,
    expectedPositives: left[side].expectedPositives + right[side].expectedPositives,
  });
  return { calledPositive: add('calledPositive'), calledNegative: add('calledNegative') };
};

describe('the estimate without labels', () => {
  /** Scores are not probabilities: the chance of a positive is their square, unless the concept is turned round. */
  const world = (rows: number, seed: number, skew: number, isTurned = false) => {
    const random = createRandom(seed);
    const scores = Array.from({ length: rows }, () => random() ** skew);
    const labels = scores.map((score) => (random() < (isTurned ? 1 - score * score : score * score) ? 1 : 0));
    return { scores, labels };
  };
  const reference = world(20_000, 21, 1);
  const calibrator = fitCalibrator(reference.labels, reference.scores) ?? expect.fail('a calibrator must exist');
  const estimateOf = (scores: number[]) => estimatePerformance(cellsOfRows(scores, calibrateAll(calibrator, scores), 0.5));
  const truthOf = (metric: 'accuracy' | 'roc_auc', { labels, scores }: ReturnType<typeof world>) =>
    measure(metric, { task: 'binary', classes: 2, labels, answers: scores }) as number;

  test('follows a change of the inputs', () => {
    const shifted = world(20_000, 22, 0.3);
    const before = truthOf('accuracy', reference);
    const after = truthOf('accuracy', shifted);
    expect(Math.abs(after - before)).toBeGreaterThan(0.03);
    expect(Math.abs((estimateOf(shifted.scores)?.metrics.accuracy as number) - after)).toBeLessThan(0.01);
    expect(Math.abs((estimateOf(shifted.scores)?.metrics.roc_auc as number) - truthOf('roc_auc', shifted))).toBeLessThan(0.015);
  });

  test('is blind to a change of what inputs mean, as its page says', () => {
    const turned = world(20_000, 23, 1, true);
    expect(truthOf('accuracy', turned)).toBeLessThan(0.35);
    expect(estimateOf(turned.scores)?.metrics.accuracy).toBeGreaterThan(0.65);
  });

  test('never falls below one half for a model that calls from one half on', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 50 }), (scores) => {
        expect(estimateRows(scores, scores)?.metrics.accuracy).toBeGreaterThanOrEqual(0.5 - 1e-12);
      }),
    );
  });
});
