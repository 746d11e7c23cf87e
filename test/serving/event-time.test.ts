import { describe, expect, test } from 'vitest';
import { eventMsOf } from '../../serving/predict/event-time.ts';

const nowMs = Date.parse('2001-05-01T10:00:00.000Z');
const at = (value: unknown): number => eventMsOf({ eventTime: 'date' }, { date: value } as never, nowMs);

describe('the event time of a row', () => {
  test('is its own, in whole milliseconds, or now', () => {
    expect(at(1_000.7)).toBe(1_000);
    expect(at(-1)).toBe(-1);
    expect([at(null), at('2001'), at(Number.NaN)]).toEqual([nowMs, nowMs, nowMs]);
    expect(eventMsOf({ eventTime: null }, { date: 5 } as never, nowMs)).toBe(nowMs);
  });

  test.each([
    ['hour', 3_600_000],
    ['week', 7 * 86_400_000],
    ['month', 31 * 86_400_000],
  ])('lies in a %s that has four digits of a year at both ends, whatever a client says', (_name, windowMs) => {
    const said = [-8.64e15, 8.64e15, '0001-01-01', '0002-01-01', '9998-12-31T23:59:59.999', '9999-12-31T23:59:59.999'];
    for (const one of said) {
      const eventMs = at(typeof one === 'string' ? Date.parse(one.length > 10 ? `${one}Z` : one) : one);
      const from = Math.floor(eventMs / windowMs) * windowMs;
      for (const edge of [from, from + windowMs]) expect(new Date(edge).toISOString()).toMatch(/^(?!0000)\d{4}-/);
    }
  });
});
