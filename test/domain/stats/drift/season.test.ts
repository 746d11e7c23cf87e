import { describe, expect, test } from 'vitest';
import { coversSeason, slotOf, slotOfWindow } from '#domain/stats/drift/season.ts';
import { dayMs, hourMs } from '#domain/units.ts';

const monday = Date.UTC(2001, 0, 1);

describe('slotOf()', () => {
  test('counts hours of the week from Monday 00:00 UTC', () => {
    expect(slotOf('hour of week', monday)).toBe(0);
    expect(slotOf('hour of week', monday + 26 * hourMs - 1)).toBe(25);
    expect(slotOf('hour of week', monday - 1)).toBe(167);
  });

  test('counts hours of the day and days of the week', () => {
    expect(slotOf('hour of day', monday + 2 * dayMs + 5 * hourMs)).toBe(5);
    expect(slotOf('day of week', monday + 6 * dayMs + 5)).toBe(6);
  });

  test('holds before 1970, which began on a Thursday', () => {
    expect(slotOf('day of week', 0)).toBe(3);
    expect(slotOf('day of week', -1)).toBe(2);
    expect(slotOf('hour of day', -1)).toBe(23);
  });

  test('is 0 without a season', () => expect(slotOf('none', monday + 1)).toBe(0));
});

describe('slotOfWindow()', () => {
  test('is the slot of a window within it, up to its end', () => {
    expect(slotOfWindow('hour of week', monday, monday + hourMs)).toBe(0);
    expect(slotOfWindow('day of week', monday + dayMs, monday + dayMs + hourMs)).toBe(1);
  });

  test('is null for a window over two slots, also where they have the same number', () => {
    expect(slotOfWindow('hour of week', monday + 1, monday + hourMs + 1)).toBeNull();
    expect(slotOfWindow('hour of day', monday, monday + dayMs + 1)).toBeNull();
  });

  test('is 0 without a season, however long', () => expect(slotOfWindow('none', monday, monday + 90 * dayMs)).toBe(0));
});

describe('coversSeason()', () => {
  test('wants a whole day or week', () => {
    expect(coversSeason('hour of day', monday, monday + dayMs)).toBe(true);
    expect(coversSeason('hour of week', monday, monday + 7 * dayMs - 1)).toBe(false);
    expect(coversSeason('none', monday, monday + 1)).toBe(true);
  });
});
