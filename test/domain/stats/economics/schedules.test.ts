import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AbruptChanges,
  bearableFalseAlarms,
  bestSchedule,
  costOfSchedule,
  costOfTrigger,
} from '#domain/stats/economics/abrupt-changes.ts';
import { bestPeriodUnderDecay, costUnderDecay } from '#domain/stats/economics/smooth-decay.ts';
import golden from '../../../golden/economics.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const amount = fc.double({ min: 1e-6, max: 1e6, noNaN: true });

describe('bestPeriodUnderDecay()', () => {
  test('agrees with the design', () => {
    const { C, a_per_day2: decay, T_star_days: days, cost_per_day: cost } = vectors.economics.periodic_linear_staleness;
    const best = bestPeriodUnderDecay(Object.freeze({ costPerRun: C, decayPerDay: decay }));
    expectRelative(best.days as number, days, 1e-9);
    expectRelative(best.costPerDay, cost, 1e-9);
  });

  test.each(golden.periods)(
    'agrees with the root of the derivative ($costPerRun, $decayPerDay)',
    ({ days, costPerDay, ...decay }) => {
      const best = bestPeriodUnderDecay(Object.freeze(decay));
      expectRelative(best.days as number, days, 1e-10);
      expectRelative(best.costPerDay, costPerDay, 1e-10);
    },
  );

  test('costs what its period costs, and no other period costs less', () => {
    fc.assert(
      fc.property(amount, amount, fc.double({ min: 0.01, max: 100, noNaN: true }), (costPerRun, decayPerDay, factor) => {
        const best = bestPeriodUnderDecay({ costPerRun, decayPerDay });
        expectRelative(costUnderDecay({ costPerRun, decayPerDay }, best.days as number), best.costPerDay, 1e-12);
        expect(costUnderDecay({ costPerRun, decayPerDay }, (best.days as number) * factor)).toBeGreaterThanOrEqual(
          best.costPerDay * (1 - 1e-12),
        );
      }),
    );
  });

  test('without decay no period is best, and without cost all of them are', () => {
    expect(bestPeriodUnderDecay({ costPerRun: 40, decayPerDay: 0 })).toEqual({ days: null, costPerDay: 0 });
    expect(bestPeriodUnderDecay({ costPerRun: 0, decayPerDay: 1 })).toEqual({ days: 0, costPerDay: 0 });
  });

  test('keeps tiny amounts', () => {
    expectRelative(bestPeriodUnderDecay({ costPerRun: 1e-200, decayPerDay: 1e-200 }).costPerDay, Math.SQRT2 * 1e-200, 1e-12);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', (value) => {
    expect(() => bestPeriodUnderDecay({ costPerRun: value, decayPerDay: 1 })).toThrow(RangeError);
    expect(() => bestPeriodUnderDecay({ costPerRun: 1, decayPerDay: value })).toThrow(RangeError);
    expect(() => costUnderDecay({ costPerRun: 1, decayPerDay: 1 }, value)).toThrow(RangeError);
    expect(() => costUnderDecay({ costPerRun: 1, decayPerDay: 1 }, 0)).toThrow(
      /as the period must be finite and above 0: it is 0/,
    );
  });
});

describe('schedule and trigger under abrupt changes', () => {
  const { C, L_per_day: loss, change_every_days: every, ...wanted } = vectors.economics.abrupt_model;
  const changes: AbruptChanges = Object.freeze({ costPerRun: C, lossPerDay: loss, changesPerDay: 1 / every });

  test('agree with the design', () => {
    const best = bestSchedule(changes);
    expectRelative(best.days as number, wanted.scheduled_T_star, 1e-9);
    expectRelative(best.costPerDay, wanted.scheduled_cost_per_day, 1e-9);
    expectRelative(costOfSchedule(changes, best.days as number), wanted.scheduled_cost_per_day, 1e-9);
    const trigger = costOfTrigger(changes, { delayDays: 2, falseAlarmsPerDay: 1 / 90 });
    expectRelative(trigger, wanted.triggered_delay_2d_false_alarm_every_90d, 1e-9);
  });

  test('a false alarm every day costs the trigger its advantage, and so do frequent changes', () => {
    expect(costOfTrigger(changes, { delayDays: 2, falseAlarmsPerDay: 1 })).toBeGreaterThan(41);
    const frequent = { ...changes, changesPerDay: 1 / 3 };
    expect(costOfTrigger(frequent, { delayDays: 2, falseAlarmsPerDay: 0 })).toBeGreaterThan(bestSchedule(frequent).costPerDay);
  });

  test.each(golden.triggers)(
    'agree with minimum and root',
    ({ delayDays, falseAlarmsPerDay, schedule, trigger, bearable, ...world }) => {
      expectRelative(bestSchedule(world).costPerDay, schedule, 1e-9);
      expectRelative(costOfTrigger(world, { delayDays, falseAlarmsPerDay }), trigger, 1e-12);
      const found = bearableFalseAlarms(world, delayDays);
      if (bearable === null) expect(found).toBeNull();
      else expectRelative(found as number, bearable, 1e-9);
    },
  );

  test('at the bearable rate both cost the same', () => {
    const rate = bearableFalseAlarms(changes, 2) as number;
    expectRelative(costOfTrigger(changes, { delayDays: 2, falseAlarmsPerDay: rate }), bestSchedule(changes).costPerDay, 1e-12);
    expect(bearableFalseAlarms({ ...changes, costPerRun: 0 }, 2)).toBeNull();
  });

  test('refuse what is no amount', () => {
    expect(() => costOfTrigger(changes, { delayDays: -1, falseAlarmsPerDay: 0 })).toThrow(/the delay must be .*: it is -1/);
    expect(() => bestSchedule({ ...changes, changesPerDay: Number.NaN })).toThrow(RangeError);
    expect(() => bestSchedule({ ...changes, lossPerDay: -2 })).toThrow(/the loss per day/);
  });
});
