import { describe, expect, test } from 'vitest';
import type { NumericLayout } from '#domain/contracts/reference-profile.ts';
import { calibrateAll, fitCalibrator } from '#domain/stats/performance/calibrator.ts';
import { cellsOfCounts } from '#domain/stats/performance/cells-of-counts.ts';
import { cellsOfRows, type EstimatedMetric, estimatePerformance } from '#domain/stats/performance/label-free-estimate.ts';
import { settleLabels } from '#domain/stats/performance/settled-labels.ts';
import { createRandom } from '#domain/stats/random.ts';

const layoutOf = (...edges: number[]): NumericLayout => ({ kind: 'numeric', edges });
const countsOf = ({ edges }: NumericLayout, scores: readonly number[]): number[] => {
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const score of scores) {
    const place = edges.findIndex((edge) => score <= edge);
    const cell = place === -1 ? edges.length : place;
    counts[cell] = (counts[cell] as number) + 1;
  }
  return counts;
};

describe('cellsOfCounts()', () => {
  const random = createRandom(81);
  const scores = Array.from({ length: 20_000 }, random);
  const calibrator =
    fitCalibrator(
      scores.map((score) => (random() < score * score ? 1 : 0)),
      scores,
    ) ?? expect.fail('a calibrator must exist');

  test('estimates from counters what rows would', () => {
    const shifted = Array.from({ length: 10_000 }, () => random() ** 0.5);
    const layout = layoutOf(...Array.from({ length: 19 }, (_, k) => (k + 0.7) / 19.5));
    const byRows = estimatePerformance(cellsOfRows(shifted, calibrateAll(calibrator, shifted), 0.5));
    const byCounts = estimatePerformance(cellsOfCounts(layout, countsOf(layout, shifted), calibrator, 0.5));
    expect(byCounts?.rows).toBeCloseTo(10_000, 6);
    for (const [metric, value] of Object.entries(byRows?.metrics ?? {}) as [EstimatedMetric, number][]) {
      expect(Math.abs((byCounts?.metrics[metric] as number) - value), metric).toBeLessThan(0.005);
    }
  });

  test('cuts the cell that the threshold goes through', () => {
    const steps = { scores: [0, 0.5], probabilities: [0.2, 0.8] };
    const [low, across, high] = cellsOfCounts(layoutOf(0.4, 0.8), [10, 20, 30], steps, 0.5);
    expect(low).toMatchObject({ calledPositive: { rows: 0 }, calledNegative: { rows: 10 } });
    expect(across?.calledPositive.rows).toBeCloseTo(15, 12);
    expect(across?.calledPositive.expectedPositives).toBeCloseTo(12, 12);
    expect(across?.calledNegative.expectedPositives).toBeCloseTo(1, 12);
    expect(high).toMatchObject({ calledPositive: { rows: 30 }, calledNegative: { rows: 0 } });
  });

  test('takes rows at an edge of 0 or 1 for what they are', () => {
    const steps = { scores: [0, 0.5], probabilities: [0.2, 0.8] };
    const cells = cellsOfCounts(layoutOf(0, 1), [5, 0, 7], steps, 0.5);
    expect(cells[0]).toMatchObject({ calledNegative: { rows: 5, expectedPositives: 1 }, calledPositive: { rows: 0 } });
    expect(cells[2]?.calledPositive.rows).toBe(7);
    expect(estimatePerformance(cellsOfCounts(layoutOf(), [0], steps, 0.5))).toBeNull();
  });

  test('refuses counts of another layout, and scores that are no probabilities', () => {
    expect(() => cellsOfCounts(layoutOf(0.5), [1, 2, 3], calibrator, 0.5)).toThrow('there must be 2 counts: there are 3');
    expect(() => cellsOfCounts(layoutOf(1.5), [1, 2], calibrator, 0.5)).toThrow('must be in [0, 1]: one is 1.5');
    expect(() => cellsOfCounts(layoutOf(0.5), [1, -2], calibrator, 0.5)).toThrow('counts must be finite and >= 0: one is -2');
    expect(() => cellsOfCounts(layoutOf(0.5), [1, 2], calibrator, 1)).toThrow('the threshold must be in (0, 1): it is 1');
  });
});

describe('settleLabels()', () => {
  const labels = Object.freeze([1, null, 0, null]);
  const ages = Object.freeze([5, 5, 99, 99]);

  test('counts rows with a label', () => {
    const found = settleLabels(labels, ages, { unlabelled: 'unknown', horizonMs: 50 });
    expect(found).toEqual({ rows: Uint32Array.of(0, 2), labels: Float64Array.of(1, 0) });
  });

  test('and rows without one that are older than the horizon, where that means negative', () => {
    const found = settleLabels(labels, ages, { unlabelled: 'negative', horizonMs: 50 });
    expect(found).toEqual({ rows: Uint32Array.of(0, 2, 3), labels: Float64Array.of(1, 0, 0) });
    expect(settleLabels(labels, ages, { unlabelled: 'negative', horizonMs: 99 }).rows).toHaveLength(2);
  });

  test('nothing is nothing, and other ages are refused', () => {
    expect(settleLabels([], [], { unlabelled: 'unknown', horizonMs: null }).rows).toHaveLength(0);
    expect(() => settleLabels([1], [], { unlabelled: 'unknown', horizonMs: null })).toThrow('as many ages, 1: there are 0');
  });
});
