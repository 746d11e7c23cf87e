import { describe, expect, test } from 'vitest';
import { slotOf } from '#domain/stats/drift/season.ts';
import { dayMs, hourMs } from '#domain/units.ts';
import { chooseSeason, groupOf, isQuiet, planWindows, slotOfNumber } from '../../../infra/profile/season.ts';

const weeks = (count: number): number => count * 7 * dayMs;

describe('chooseSeason()', () => {
  test.each([
    ['an hour over four weeks', hourMs, weeks(4), 'hour of week'],
    ['a quarter of an hour over four weeks', hourMs / 4, weeks(4), 'hour of week'],
    ['an hour over a little less', hourMs, weeks(4) - 1, 'hour of day'],
    ['an hour over a day and a half', hourMs, 1.5 * dayMs, 'none'],
    ['a day over two weeks', dayMs, weeks(2), 'day of week'],
    ['six hours over two weeks', 6 * hourMs, weeks(2), 'day of week'],
    ['a day over less than two weeks', dayMs, weeks(2) - 1, 'none'],
    ['a week over a year', weeks(1), weeks(52), 'none'],
    ['windows that would reach over two slots: 45 minutes', 0.75 * hourMs, weeks(1), 'none'],
    ['36 hours', 1.5 * dayMs, weeks(52), 'none'],
  ] as const)('%s', (_, windowMs, spanMs, slot) => {
    expect(chooseSeason(windowMs, spanMs)).toBe(slot);
  });
});

describe('groupOf()', () => {
  const first = Date.UTC(2001, 0, 1, 5);
  const plan = planWindows(hourMs, first, first + weeks(10));

  test('keeps the last 500 windows apart, and puts older ones to the slot that they lie in', () => {
    expect(plan).toMatchObject({ slot: 'hour of week', period: 168, last: (first + weeks(10)) / hourMs });
    expect(plan.last - plan.recentFrom).toBe(499);
    for (let hour = 0; hour <= 1680; hour += 1) {
      const instant = first + hour * hourMs + 17;
      const group = groupOf(plan, instant);
      expect(slotOfNumber(plan, group)).toBe(slotOf('hour of week', instant));
      if (hour > 1680 - 500) expect(group).toBe(Math.floor(instant / hourMs));
      else expect(group).toBeLessThan(plan.recentFrom);
    }
  });

  test('takes instants before 1970', () => {
    const early = planWindows(dayMs, -weeks(3), -1);
    expect(groupOf(early, -1)).toBe(-1);
    expect(slotOfNumber(early, -1)).toBe(slotOf('day of week', -1));
  });

  test('counts neither the first nor the last window as quiet: they are seldom whole', () => {
    const short = planWindows(dayMs, 0, 4 * dayMs);
    expect([0, 1, 2, 3, 4].filter((window) => isQuiet(short, window))).toEqual([1, 2, 3]);
    expect(isQuiet(plan, plan.recentFrom - 1)).toBe(false);
  });
});
