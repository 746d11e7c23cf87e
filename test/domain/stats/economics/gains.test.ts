import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evidenceSchema } from '#domain/contracts/evidence.ts';
import { accountSchedule, type ServedSpan } from '#domain/stats/economics/account-schedule.ts';
import { expectedGain, type GainQuestion } from '#domain/stats/economics/expected-gain.ts';
import { type CurvePoint, freshLoss } from '#domain/stats/economics/learning-curve.ts';
import golden from '../../../golden/economics.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const point = (rows: number, loss: number, standardError: number): CurvePoint => ({ rows, loss, standardError });

describe('freshLoss()', () => {
  test.each(golden.curves)('agrees with statsmodels', ({ points, rows, confidence, expected }) => {
    const found = freshLoss(Object.freeze(points.map(Object.freeze) as CurvePoint[]), rows, confidence);
    expect(found.method).toBe(expected.method);
    for (const name of ['estimate', 'lower', 'upper', 'standardError'] as const) {
      expectRelative(found[name], expected[name], 1e-9, 1e-15);
    }
  });

  test('is not extrapolated beyond twice the rows it saw', () => {
    const points = [1000, 2000, 4000, 8000].map((rows) => point(rows, 3 * rows ** -0.4, 0.001));
    expectRelative(freshLoss(points, 16_000, 0.9).estimate, 3 * 16_000 ** -0.4, 1e-12);
    expect(freshLoss(points, 1e9, 0.9)).toEqual(freshLoss(points, 16_000, 0.9));
  });

  test('a curve that rises, or is too short, promises no improvement', () => {
    const rising = [1000, 2000, 4000, 8000].map((rows, index) => point(rows, 0.2 + 0.01 * index, 0.01));
    expect(freshLoss(rising, 16_000, 0.9)).toMatchObject({ method: 'last observed', estimate: 0.23 });
    expect(freshLoss(rising.slice(1), 16_000, 0.9).method).toBe('last observed');
  });

  test('does not depend on the order of the points', () => {
    const points = [1000, 2000, 4000, 8000].map((rows, index) => point(rows, 0.4 - 0.05 * index, 0.01));
    const [found, wanted] = [freshLoss(points.toReversed(), 12_000, 0.9), freshLoss(points, 12_000, 0.9)];
    expectRelative(found.estimate, wanted.estimate, 1e-14);
    expectRelative(found.standardError, wanted.standardError, 1e-14);
  });

  test('refuses what is no curve', () => {
    const good = point(1000, 0.3, 0.01);
    expect(() => freshLoss([], 1000, 0.9)).toThrow(/as there must be a point: there is none/);
    expect(() => freshLoss([good], 0, 0.9)).toThrow(/the number of rows/);
    expect(() => freshLoss([good], 1000, 0.5)).toThrow(/the confidence must lie in \(0.5, 1\): it is 0.5/);
    expect(() => freshLoss([{ ...good, rows: 0 }], 1000, 0.9)).toThrow(RangeError);
    for (const value of [-0.1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => freshLoss([{ ...good, loss: value }], 1000, 0.9)).toThrow(RangeError);
      expect(() => freshLoss([{ ...good, standardError: value }], 1000, 0.9)).toThrow(RangeError);
    }
  });
});

const question: GainQuestion = Object.freeze({
  predictionsPerDay: 20_000,
  valuePerError: 0.05,
  current: Object.freeze({ estimate: 0.12, standardError: 0.004 }),
  fresh: Object.freeze({ estimate: 0.1, standardError: 0.003 }),
  horizonDays: 10,
  rows: 4000,
  confidence: 0.9,
});

describe('expectedGain()', () => {
  test.each(golden.gains)('agrees with the definition', ({ current, fresh, estimate, lower, upper, ...rest }) => {
    const loss = ([value, standardError]: number[]) => ({ estimate: value as number, standardError: standardError as number });
    const gain = expectedGain({ ...rest, current: loss(current), fresh: loss(fresh), rows: 100 });
    const floor = 1e-12 * rest.predictionsPerDay * rest.valuePerError;
    expectRelative(gain.estimate, estimate, 1e-12, floor);
    expectRelative(gain.lower, lower, 1e-12, floor);
    expectRelative(gain.upper, upper, 1e-12, floor);
  });

  test('is evidence with a unit of the value', () => {
    const gain = expectedGain(question);
    expect(evidenceSchema.parse(gain)).toEqual(gain);
    expectRelative(gain.estimate, 200, 1e-12);
    expectRelative(gain.standardError, 50, 1e-12);
  });

  test('a schedule that is due anyway leaves nothing to gain, and a worse fresh model less than nothing', () => {
    expect(expectedGain({ ...question, horizonDays: 0 })).toMatchObject({ estimate: 0, lower: 0, upper: 0 });
    expect(expectedGain({ ...question, fresh: { estimate: 0.2, standardError: 0 } }).estimate).toBeLessThan(0);
  });

  test('refuses what is no amount', () => {
    expect(() => expectedGain({ ...question, horizonDays: -1 })).toThrow(/the horizon must be finite and at least 0: it is -1/);
    expect(() => expectedGain({ ...question, current: { estimate: Number.NaN, standardError: 0 } })).toThrow(
      /a loss must be finite/,
    );
    expect(() => expectedGain({ ...question, fresh: { estimate: 0, standardError: -1 } })).toThrow(/a standard error/);
    expect(() => expectedGain({ ...question, confidence: 1 })).toThrow(/the confidence/);
    expect(() => expectedGain({ ...question, predictionsPerDay: 1e200, valuePerError: 1e200 })).toThrow(/the value at stake/);
  });
});

const worth = Object.freeze({ predictionsPerDay: 100, valuePerError: 1, costPerRun: 40 });
const span = (excess: number, replaced = false, standardError = 0): ServedSpan => ({ days: 1, excess, standardError, replaced });

describe('accountSchedule()', () => {
  test.each(golden.accounts)(
    'agrees with both stories told day by day',
    ({ days, replaced, excess, errors, period, ...wanted }) => {
      const spans = days.map((day, index) =>
        Object.freeze({
          days: day,
          excess: excess[index] as number,
          standardError: errors[index] as number,
          replaced: replaced[index] as boolean,
        }),
      );
      const found = accountSchedule(Object.freeze(spans) as ServedSpan[], period, worth, 0.9);
      expect(found.runs.schedule).toBe(wanted.runs);
      const floor = 1e-10;
      expectRelative(found.saved, wanted.saved, 1e-9, floor);
      expectRelative(found.standardError, wanted.standardError, 1e-9, floor);
      expectRelative(found.lower, wanted.lower, 1e-9, floor);
      expectRelative(found.upper, wanted.upper, 1e-9, floor);
    },
  );

  test('a policy that is the schedule saved nothing, and for certain', () => {
    const spans = Array.from({ length: 30 }, (_, day) => span(0.01 * (day % 5), day % 5 === 4, 0.02));
    const account = accountSchedule(spans, 5, worth, 0.9);
    expect(account.runs).toEqual({ own: 6, schedule: 6 });
    expect(Math.abs(account.saved)).toBeLessThan(1e-9);
    expect(account.standardError).toBeLessThan(1e-9);
  });

  test('in a world at rest the saving is the runs that were not made', () => {
    const account = accountSchedule(
      Array.from({ length: 90 }, () => span(0)),
      7,
      worth,
      0.9,
    );
    expect(account).toMatchObject({ days: 90, runs: { own: 0, schedule: 12 }, saved: 12 * 40, standardError: 0 });
  });

  test('a change that was answered on the same day saves the days until the schedule', () => {
    const spans = Array.from({ length: 14 }, (_, day) => span(day === 2 ? 0.5 : 0, day === 2));
    const account = accountSchedule(spans, 7, worth, 0.9);
    // Days 3 to 7 at 50 a day, and one run more than the policy.
    expectRelative(account.saved, 4 * 50 + 40, 1e-12);
  });

  test('a world twice as dear saves twice as much', () => {
    const spans = fc.array(fc.tuple(fc.double({ min: 0, max: 0.2, noNaN: true }), fc.boolean()), { maxLength: 40 });
    fc.assert(
      fc.property(spans, fc.integer({ min: 1, max: 12 }), (list, period) => {
        const made = list.map(([excess, replaced]) => span(excess, replaced, 0.01));
        const once = accountSchedule(made, period, worth, 0.9);
        const twice = accountSchedule(made, period, { ...worth, valuePerError: 2, costPerRun: 80 }, 0.9);
        expectRelative(twice.saved, 2 * once.saved, 1e-9, 1e-9);
        expectRelative(twice.standardError, 2 * once.standardError, 1e-9, 1e-9);
      }),
    );
  });

  test('nothing observed saves nothing', () => {
    expect(accountSchedule([], 7, worth, 0.9)).toMatchObject({ days: 0, saved: 0, standardError: 0 });
  });

  test('refuses what cannot be accounted for', () => {
    expect(() => accountSchedule([], 0, worth, 0.9)).toThrow(/the period/);
    expect(() => accountSchedule([], 7, { ...worth, costPerRun: -1 }, 0.9)).toThrow(/the cost of a run/);
    expect(() => accountSchedule([span(Number.NaN)], 7, worth, 0.9)).toThrow(/an excess loss must be finite/);
    expect(() => accountSchedule([{ ...span(0), days: 0 }], 7, worth, 0.9)).toThrow(/the days of a span/);
    expect(() => accountSchedule([span(0)], 7, worth, 0.3)).toThrow(/the confidence/);
  });
});
