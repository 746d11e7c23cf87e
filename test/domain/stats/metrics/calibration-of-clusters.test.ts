import { describe, expect, test } from 'vitest';
import type { Clusters } from '#domain/stats/comparison/clusters.ts';
import { calibrationErrorByMass, spiegelhalterTest } from '#domain/stats/metrics/calibration.ts';
import {
  calibrationInTheLarge,
  calibrationNullOfClusters,
  spiegelhalterOfClusters,
} from '#domain/stats/metrics/calibration-of-clusters.ts';
import { createRandom } from '#domain/stats/random.ts';
import { studentUpperTail } from '#domain/stats/special/student-t.ts';
import { expectRelative } from '../tolerance.ts';

/** Days whose rate lies above what was promised by `shift` and by a weather of their own. */
const daysOf = (days: number, rows: number, seed: number, shift = 0, weather = 0.15) => {
  const random = createRandom(seed);
  const [labels, probabilities, ids]: [number[], number[], number[]] = [[], [], []];
  for (let day = 0; day < days; day++) {
    const own = shift + weather * (2 * random() - 1);
    for (let row = 0; row < rows; row++) {
      const p = 0.2 + 0.6 * random();
      probabilities.push(p);
      labels.push(random() < p + own ? 1 : 0);
      ids.push(day);
    }
  }
  return { labels, probabilities, clusters: { by: 'day', ids: Uint32Array.from(ids), count: days } satisfies Clusters };
};
const plan = { cells: 4, draws: 999, seed: 1 };

describe('calibrationNullOfClusters()', () => {
  test('agrees with each way to turn days, gone through by hand', () => {
    const { labels, probabilities, clusters } = daysOf(6, 40, 1, 0.1);
    const found = calibrationNullOfClusters(labels, probabilities, clusters, plan);
    // Turning a day is the same as giving each of its rows the opposite gap.
    const order = probabilities.map((_, row) => row).toSorted((a, b) => (probabilities[a] ?? 0) - (probabilities[b] ?? 0));
    const errorOf = (signs: readonly number[]): number => {
      const gaps = [0, 0, 0, 0];
      order.forEach((row, place) => {
        const cell = Math.floor(place / 60);
        const gap = (probabilities[row] ?? 0) - (labels[row] ?? 0);
        gaps[cell] = (gaps[cell] ?? 0) + (signs[clusters.ids[row] ?? 0] ?? 0) * gap;
      });
      return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / 240;
    };
    const ways = Array.from({ length: 64 }, (_, way) => Array.from({ length: 6 }, (_one, id) => ((way >> id) & 1 ? 1 : -1)));
    const error = errorOf([1, 1, 1, 1, 1, 1]);
    expectRelative(found.error, error, 1e-12);
    expectRelative(found.error, calibrationErrorByMass(labels, probabilities, 4), 1e-12);
    expectRelative(found.pValue, ways.filter((signs) => errorOf(signs) >= error - 1e-12).length / 64, 1e-12);
  });

  test('many days are drawn, the same with the same seed, and never give a p-value of 0', () => {
    const { labels, probabilities, clusters } = daysOf(40, 40, 2, 0.2, 0);
    const found = calibrationNullOfClusters(labels, probabilities, clusters, plan);
    expect(found).toEqual(calibrationNullOfClusters(labels, probabilities, clusters, plan));
    expect(found.pValue).toBe(1 / 1000);
  });

  test('what is wrong on all days alike is no chance', () => {
    const { labels, probabilities, clusters } = daysOf(7, 2000, 3, 0.1, 0);
    const { error, expected } = calibrationNullOfClusters(labels, probabilities, clusters, plan);
    expect(error).toBeGreaterThan(0.08);
    expect(expected).toBeLessThan(0.02);
  });

  test('refuses one cluster, and rows that are none', () => {
    const { labels, probabilities, clusters } = daysOf(1, 10, 4);
    expect(() => calibrationNullOfClusters(labels, probabilities, clusters, plan)).toThrow(
      'Cannot judge calibration as there must be at least 2 clusters by day: there are 1',
    );
    expect(() => calibrationNullOfClusters([2], [0.5], clusters, plan)).toThrow(RangeError);
  });
});

describe('calibrationInTheLarge()', () => {
  test('is the mean gap over the error of its sums by day', () => {
    const labels = [1, 1, 0, 0, 1, 0];
    const probabilities = [0.2, 0.2, 0.2, 0.2, 0.2, 0.2];
    const clusters = { by: 'day', ids: Uint32Array.of(0, 0, 1, 1, 2, 2), count: 3 };
    // Sums of days 1.6, -0.4 and 0.6, mean 0.3 a row.
    const error = Math.sqrt(1.5 * (1 + 1)) / 6;
    const found = calibrationInTheLarge(labels, probabilities, clusters);
    expectRelative(found?.t as number, 0.3 / error, 1e-12);
    expectRelative(found?.pValue as number, 2 * studentUpperTail(0.3 / error, 2), 1e-12);
  });

  test('says nothing of probabilities that are certain', () => {
    expect(calibrationInTheLarge([1, 0], [1, 0], daysOf(2, 1, 6).clusters)).toBeNull();
  });
});

describe('spiegelhalterOfClusters()', () => {
  test('is the mean of its terms over the error of their sums by day', () => {
    const labels = [1, 1, 0, 0, 1, 0];
    const probabilities = [0.2, 0.2, 0.2, 0.2, 0.2, 0.2];
    const clusters = { by: 'day', ids: Uint32Array.of(0, 0, 1, 1, 2, 2), count: 3 };
    // Terms of 0.48 and -0.12: sums of days 0.96, -0.24 and 0.36, mean 0.18 a row.
    const error = Math.sqrt(1.5 * (0.6 ** 2 + 0.6 ** 2)) / 6;
    const found = spiegelhalterOfClusters(labels, probabilities, clusters);
    expectRelative(found?.t as number, 0.18 / error, 1e-12);
    expectRelative(found?.pValue as number, 2 * studentUpperTail(0.18 / error, 2), 1e-12);
  });

  test('days that are too much alike are not surer than as many rows', () => {
    const { labels, probabilities, clusters } = daysOf(8, 50, 5, 0, 0);
    const rows = spiegelhalterTest(labels, probabilities);
    expect(Math.abs(spiegelhalterOfClusters(labels, probabilities, clusters)?.t ?? Number.NaN)).toBeLessThanOrEqual(
      Math.abs(rows?.z ?? Number.NaN) + 1e-12,
    );
  });

  test('says nothing where the probabilities say nothing', () => {
    const { clusters } = daysOf(2, 1, 6);
    expect(spiegelhalterOfClusters([1, 0], [0.5, 0.5], clusters)).toBeNull();
  });
});
