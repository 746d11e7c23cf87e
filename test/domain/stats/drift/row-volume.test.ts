import { describe, expect, test } from 'vitest';
import { rowVolumePValue, volumeOverdispersion } from '#domain/stats/drift/row-volume.ts';
import { createRandom } from '#domain/stats/random.ts';
import { gamma, poisson } from '../../../calibration/samplers.ts';

describe('rowVolumePValue()', () => {
  test('is what a Poisson count has where many windows were seen', () => {
    // P(X <= 5) of a mean of 15, from its definition.
    let [term, below] = [Math.exp(-15), 0];
    for (let rows = 0; rows <= 5; rows++) {
      below += term;
      term *= 15 / (rows + 1);
    }
    const found = rowVolumePValue(5, { mean: 15, overdispersion: 0, windows: 1e9 });
    expect(Math.abs(found - 2 * below)).toBeLessThan(1e-6 * below);
  });

  test('grows with what is not known: few windows, volumes that vary', () => {
    const at = (overdispersion: number, windows: number) => rowVolumePValue(600, { mean: 1000, overdispersion, windows });
    expect(at(0, 100)).toBeLessThan(at(0, 2));
    expect(at(0, 2)).toBeLessThan(at(0.04, 2));
  });

  test('is 1 in the middle, and small at both ends', () => {
    const usual = { mean: 1000, overdispersion: 0.01, windows: 50 };
    expect(rowVolumePValue(995, usual)).toBeGreaterThan(0.9);
    expect(rowVolumePValue(0, usual)).toBeLessThan(1e-20);
    expect(rowVolumePValue(100_000, usual)).toBeLessThan(1e-20);
  });

  test('keeps its level with volumes that vary as they did', () => {
    const random = createRandom(9);
    const draw = () => poisson(random, gamma(random, 25, 40));
    let alarms = 0;
    for (let trial = 0; trial < 4000; trial++) {
      const seen = Array.from({ length: 6 }, draw);
      const usual = { mean: seen.reduce((sum, rows) => sum + rows, 0) / 6, overdispersion: 0.04, windows: 6 };
      if (rowVolumePValue(draw(), usual) <= 0.05) alarms++;
    }
    expect(alarms / 4000).toBeLessThan(0.065);
    expect(alarms / 4000).toBeGreaterThan(0.03);
  });

  test.each([
    [-1, 10, 0, 1],
    [1.5, 10, 0, 1],
    [1, 0, 0, 1],
    [1, 10, -1, 1],
    [1, 10, 0, 0],
  ])('refuses rows %d, mean %d, overdispersion %d, windows %d', (rows, mean, overdispersion, windows) => {
    expect(() => rowVolumePValue(rows, { mean, overdispersion, windows })).toThrow(RangeError);
  });
});

describe('volumeOverdispersion()', () => {
  test('finds how volumes vary about their own slot', () => {
    const random = createRandom(4);
    const windows = Array.from({ length: 700 }, (_, at) => {
      const slot = at % 7;
      return { slot, rows: poisson(random, gamma(random, 25, (slot + 1) * 20)) };
    });
    const found = volumeOverdispersion(windows) as number;
    expect(found).toBeGreaterThan(0.034);
    expect(found).toBeLessThan(0.046);
  });

  test('is 0 where they vary less than a Poisson count', () => {
    expect(
      volumeOverdispersion([
        { slot: 0, rows: 100 },
        { slot: 0, rows: 101 },
      ]),
    ).toBe(0);
  });

  test('is unknown without two windows of a slot, and without rows', () => {
    expect(volumeOverdispersion([])).toBeNull();
    expect(
      volumeOverdispersion([
        { slot: 0, rows: 100 },
        { slot: 1, rows: 101 },
      ]),
    ).toBeNull();
    expect(
      volumeOverdispersion([
        { slot: 0, rows: 0 },
        { slot: 0, rows: 0 },
      ]),
    ).toBeNull();
  });
});
