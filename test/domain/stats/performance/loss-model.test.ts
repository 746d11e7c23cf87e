import { describe, expect, test } from 'vitest';
import { averageLosses } from '#domain/stats/performance/direct-loss.ts';
import { fitLossModel, type LossInputs, type LossModel, predictLosses } from '#domain/stats/performance/loss-model.ts';
import { createRandom } from '#domain/stats/random.ts';
import { expectRelative } from '../tolerance.ts';

/**
 * Errors whose spread grows with the prediction and, threefold, above a half of the second of four features. `shift` moves
 * rows to large predictions and to the loud half.
 */
const world = (rows: number, seed: number, shift: number, isSilent = false) => {
  const random = createRandom(seed);
  const column = () => Float64Array.from({ length: rows }, random);
  const prediction = Float64Array.from({ length: rows }, () => 10 * random() ** (1 - shift));
  const features = [column(), Float64Array.from({ length: rows }, () => random() ** (1 - shift)), column(), column()];
  const errors = Float64Array.from(prediction, (value, row) => {
    const noise = random() + random() + random() - 1.5;
    const spread = isSilent ? 1 : (0.5 + value / 5) * ((features[1]?.[row] as number) > 0.5 ? 3 : 1);
    return spread * noise;
  });
  const inputs: LossInputs = Object.freeze([prediction, ...features]);
  return { inputs, absolute: errors.map(Math.abs), squared: errors.map((error) => error * error) };
};

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const fit = (losses: Float64Array, inputs: LossInputs): LossModel => fitLossModel(losses, inputs, 3) ?? expect.fail('no model');

describe('fitLossModel()', () => {
  const reference = world(8000, 61, 0);
  const absolute = fit(reference.absolute, reference.inputs);
  const squared = fit(reference.squared, reference.inputs);

  test('takes the inputs that say something about the loss, and no others', () => {
    expect(absolute.tables.map((table) => table.input).toSorted((a, b) => a - b)).toEqual([0, 2]);
    const silent = world(8000, 62, 0, true);
    expect(fit(silent.absolute, silent.inputs).tables).toEqual([]);
  });

  test('on its own rows it has the mean of the losses', () => {
    expectRelative(mean(predictLosses(absolute, reference.inputs)), mean(reference.absolute), 0.01);
  });

  test('follows a change of the inputs that the mean of the reference does not', () => {
    const shifted = world(8000, 63, 0.6);
    const found = averageLosses(predictLosses(absolute, shifted.inputs), predictLosses(squared, shifted.inputs));
    const truth = averageLosses(shifted.absolute, shifted.squared);
    const before = averageLosses(reference.absolute, reference.squared);
    if (found === null || truth === null || before === null) expect.fail('all must exist');
    expect(truth.mae / before.mae).toBeGreaterThan(1.4);
    expectRelative(found.mae, truth.mae, 0.05);
    expectRelative(found.rmse, truth.rmse, 0.05);
  });

  test('is blind to errors that grow under the same inputs, as its page says', () => {
    const same = world(2000, 64, 0);
    expectRelative(mean(predictLosses(absolute, same.inputs)), mean(reference.absolute), 0.05);
  });

  test('a missing input has a cell of its own', () => {
    const random = createRandom(65);
    const column = Float64Array.from({ length: 2000 }, () => (random() < 0.2 ? Number.NaN : random()));
    const losses = column.map((value) => (Number.isNaN(value) ? 5 : 1) * random());
    const model = fit(losses, [column]);
    const [present, missing] = predictLosses(model, [[0.5, Number.NaN]]);
    expect(missing).toBeGreaterThan(2);
    expect(present).toBeLessThan(0.6);
  });

  test('a constant input, and losses of nothing, teach nothing', () => {
    const constant = new Float64Array(300).fill(4);
    expect(fit(world(300, 66, 0, true).absolute, [constant]).tables).toEqual([]);
    expect(fit(new Float64Array(300), [constant])).toEqual({ base: 0, tables: [] });
  });

  test('too few rows have no model; what is no loss is refused', () => {
    expect(fitLossModel(new Float64Array(199), [new Float64Array(199)], 1)).toBeNull();
    expect(() => fitLossModel([1, -1], [[1, 2]], 1)).toThrow('that of row 1 must be finite and >= 0: it is -1');
    expect(() => fitLossModel([1, Number.NaN], [[1, 2]], 1)).toThrow(RangeError);
    expect(() => fitLossModel([1, 2], [[1]], 1)).toThrow('column 0 must have 2 rows: it has 1');
    expect(() => predictLosses({ base: 1, tables: [{ input: 3, edges: [], factors: [1, 1] }] }, [[1]])).toThrow(
      'there must be a column 3',
    );
  });

  test('repeats itself for a seed', () => {
    expect(fitLossModel(reference.absolute, reference.inputs, 3)).toEqual(absolute);
  });
});

describe('averageLosses()', () => {
  test('takes the root of the mean, not the mean of the roots', () => {
    expect(averageLosses([1, 3], [1, 9])).toEqual({ rows: 2, mae: 2, rmse: Math.sqrt(5) });
    expect(averageLosses([], [])).toBeNull();
  });

  test('refuses what is no loss', () => {
    expect(() => averageLosses([-1], [1])).toThrow('that of row 0 must be finite and >= 0: it is -1');
    expect(() => averageLosses([1], [Number.POSITIVE_INFINITY])).toThrow(RangeError);
    expect(() => averageLosses([1], [])).toThrow('as many squared as absolute ones, 1: there are 0');
  });
});
