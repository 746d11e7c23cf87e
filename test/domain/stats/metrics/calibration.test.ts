import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  calibrationErrorByMass,
  calibrationErrorByWidth,
  observedOverExpected,
  spiegelhalterTest,
} from '#domain/stats/metrics/calibration.ts';
import { cellsByMass, cellsByWidth } from '#domain/stats/metrics/calibration-cells.ts';
import { calibrationNull } from '#domain/stats/metrics/calibration-null.ts';
import { createRandom } from '#domain/stats/random.ts';
import golden from '../../../golden/performance.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

describe('calibration agrees with plain computations', () => {
  test.each(golden.calibration)('$name', ({ labels, probabilities, cells, expected }) => {
    const [y, p] = [Object.freeze(labels), Object.freeze(probabilities)];
    expectRelative(calibrationErrorByWidth(y, p, cells), expected.byWidth, 1e-11, 1e-14);
    expectRelative(calibrationErrorByMass(y, p, cells), expected.byMass, 1e-11, 1e-14);
    const ratio = observedOverExpected(y, p);
    if (expected.ratio === null) expect(ratio).toBeNull();
    else expectRelative(ratio as number, expected.ratio, 1e-11);
    const spiegelhalter = spiegelhalterTest(y, p);
    if (expected.z === null) expect(spiegelhalter).toBeNull();
    else {
      expectRelative(spiegelhalter?.z as number, expected.z, 1e-10, 1e-13);
      expectRelative(spiegelhalter?.pValue as number, expected.p as number, 1e-9);
    }
  });
});

describe('cells', () => {
  test('of equal width begin at their lower edge, whatever the product rounds to', () => {
    for (const cells of [3, 5, 7, 10, 49, 100]) {
      const edges = Array.from({ length: cells }, (_, k) => k / cells);
      expect([...cellsByWidth(edges, cells)]).toEqual(edges.map((_, k) => k));
    }
    expect([...cellsByWidth([0.29, 0.57, 0.58, 1], 100)]).toEqual([29, 57, 58, 99]);
  });

  test('of equal mass are cut at floor(k n / cells) and differ by one row at most', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 12 }),
        (p, cells) => {
          const found = cellsByMass(p, cells);
          for (let k = 0; k < cells; k++) {
            const size = Math.floor(((k + 1) * p.length) / cells) - Math.floor((k * p.length) / cells);
            expect(found.filter((cell) => cell === k)).toHaveLength(size);
          }
        },
      ),
    );
  });
});

describe('calibrationNull()', () => {
  const world = (rows: number, seed: number, bend: number) => {
    const random = createRandom(seed);
    const probabilities = Array.from({ length: rows }, random);
    return { probabilities, labels: probabilities.map((p) => (random() < p ** bend ? 1 : 0)) };
  };
  const plan = { cells: 10, draws: 199, seed: 3 };

  test('knows what true probabilities show, on few rows and on many', () => {
    for (const [rows, low, high] of [
      [100, 0.07, 0.13],
      [10_000, 0.007, 0.013],
    ] as const) {
      const { labels, probabilities } = world(rows, 41, 1);
      const found = calibrationNull(Object.freeze(labels), Object.freeze(probabilities), plan);
      expect(found?.expected).toBeGreaterThan(low);
      expect(found?.expected).toBeLessThan(high);
      expect(found?.pValue).toBeGreaterThan(0.01);
      expectRelative(found?.error as number, calibrationErrorByMass(labels, probabilities, 10), 1e-14);
    }
  });

  test('finds probabilities that are bent, and never says 0', () => {
    const { labels, probabilities } = world(1000, 42, 1.6);
    expect(calibrationNull(labels, probabilities, plan)?.pValue).toBe(1 / 200);
  });

  test('certain probabilities: right is no evidence, one mistake is', () => {
    expect(calibrationNull([0, 1], [0, 1], plan)).toEqual({ error: 0, expected: 0, pValue: 1 });
    expect(calibrationNull([0, 0], [0, 1], plan)).toEqual({ error: 0.5, expected: 0, pValue: 1 / 200 });
    expect(calibrationNull([], [], plan)).toBeNull();
  });

  test('repeats itself for a seed', () => {
    const { labels, probabilities } = world(200, 43, 1);
    expect(calibrationNull(labels, probabilities, plan)).toEqual(calibrationNull(labels, probabilities, plan));
    expect(calibrationNull(labels, probabilities, { ...plan, seed: 4 })?.expected).not.toBe(
      calibrationNull(labels, probabilities, plan)?.expected,
    );
  });
});

test('what is no label, no probability or no cell is refused', () => {
  for (const judge of [
    (y: number[], p: number[]) => calibrationErrorByMass(y, p, 5),
    (y: number[], p: number[]) => calibrationErrorByWidth(y, p, 5),
    observedOverExpected,
    spiegelhalterTest,
    (y: number[], p: number[]) => calibrationNull(y, p, { cells: 5, draws: 9, seed: 1 }),
  ]) {
    expect(() => judge([0, 1], [0.1, 1.2])).toThrow('the probability of row 1 must be in [0, 1]: it is 1.2');
    expect(() => judge([0, 1], [-0.1, 1])).toThrow('the probability of row 0 must be in [0, 1]: it is -0.1');
    expect(() => judge([0], [Number.NaN])).toThrow(RangeError);
    expect(() => judge([2], [0.5])).toThrow('the label of row 0 must be 0 or 1: it is 2');
    expect(() => judge([1], [])).toThrow('probabilities must be as many as labels, 1: they are 0');
  }
  expect(() => calibrationErrorByMass([1], [0.5], 0)).toThrow('cells must be whole and >= 1: there are 0');
  expect(() => calibrationErrorByWidth([1], [0.5], 2.5)).toThrow(RangeError);
});
