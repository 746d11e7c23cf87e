import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CronSchedule, nextTimes, parseCron } from '#domain/cron.ts';

const scheduleOf = (text: string): CronSchedule => {
  const parsed = parseCron(text);
  if (parsed.kind === 'wrong') throw new Error(parsed.reason);
  return parsed.schedule;
};
const next = (text: string, after: string, count = 3): string[] =>
  nextTimes(scheduleOf(text), Date.parse(after), count).map((at) => new Date(at).toISOString().slice(0, 16));
const all = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('parseCron()', () => {
  it('reads values, lists, ranges, steps and names', () => {
    expect(scheduleOf('0,30 8-10 */10 jan,JUL *')).toEqual({
      minutes: [0, 30],
      hours: [8, 9, 10],
      daysOfMonth: [1, 11, 21, 31],
      months: [1, 7],
      daysOfWeek: all(0, 6),
    });
    expect(scheduleOf('5-59/20 0 * * mon-fri').minutes).toEqual([5, 25, 45]);
    expect(scheduleOf('0 0 * * 0,7').daysOfWeek).toEqual([0]);
    expect(scheduleOf('0 0 * * 5-7').daysOfWeek).toEqual([0, 5, 6]);
  });

  it.each(['@hourly', '@daily', '@weekly', '@monthly', '@yearly', ' 0  3 * * 1 '])('takes "%s"', (text) => {
    expect(parseCron(text).kind).toBe('schedule');
  });

  it.each([
    ['', 'one field'],
    ['daily', 'one field, not five'],
    ['@every 1h', '2 fields'],
    ['0 3 * *', '4 fields'],
    ['0 0 3 * * 1', '6 fields'],
    ['60 3 * * 1', '"60" is no minute, which is 0 to 59'],
    ['0 25 * * 1', '"25" is no hour, which is 0 to 23'],
    ['0 3 0 * *', '"0" is no day of month'],
    ['0 3 * 13 *', '"13" is no month'],
    ['0 3 * * 8', '"8" is no day of week'],
    ['0 3 * * montag', '"montag" is no day of week'],
    ['*/0 3 * * *', '"*/0" is no minute'],
    ['5/10 3 * * *', '"5/10" is no minute'],
    ['30-10 3 * * *', '"30-10" is no minute'],
    ['1-2-3 3 * * *', '"1-2-3" is no minute'],
    ['1, 3 * * *', '"" is no minute'],
    ['-1 3 * * *', '"-1" is no minute'],
    ['0 3 13 * 5', 'name one of them'],
    ['0 3 30 2 *', 'never comes'],
    ['0 3 31 4,6,9,11 *', 'never comes'],
  ])('refuses "%s": %s', (text, reason) => {
    expect(parseCron(text)).toEqual({ kind: 'wrong', reason: expect.stringContaining(reason) });
  });

  it('answers any text, and does not throw', () => {
    fc.assert(fc.property(fc.string(), (text) => ['schedule', 'wrong'].includes(parseCron(text).kind)));
  });
});

describe('nextTimes()', () => {
  it('gives the first instants after one, never that one itself', () => {
    expect(next('0 3 * * 1', '2026-11-21T00:00:00Z')).toEqual(['2026-11-23T03:00', '2026-11-30T03:00', '2026-12-07T03:00']);
    expect(next('30 23 * * *', '2026-12-31T23:30:00Z', 1)).toEqual(['2027-01-01T23:30']);
    expect(next('30 23 * * *', '2026-12-31T23:29:59Z', 1)).toEqual(['2026-12-31T23:30']);
    expect(next('0 0 29 2 *', '2096-03-01T00:00:00Z', 1)).toEqual(['2104-02-29T00:00']);
  });

  it('gives instants that match every field, ascending, and none between that would match too', () => {
    const field = (from: number, to: number) =>
      fc.uniqueArray(fc.integer({ min: from, max: to }), { minLength: 1, maxLength: 3 });
    const made = fc.tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12));
    fc.assert(
      fc.property(made, fc.integer({ min: 0, max: 4e12 }), ([minute, hour, day, month], after) => {
        const schedule = scheduleOf([minute, hour, day, month, '*'].join(' '));
        const times = nextTimes(schedule, after, 5);
        expect(times).toHaveLength(5);
        let before = after;
        for (const at of times) {
          expect(at).toBeGreaterThan(before);
          expect(nextTimes(schedule, before, 1)).toEqual([at]);
          const found = new Date(at);
          expect(
            [minute, hour, day, month].map((values, index) =>
              values.includes(
                [found.getUTCMinutes(), found.getUTCHours(), found.getUTCDate(), found.getUTCMonth() + 1][index] as number,
              ),
            ),
          ).toEqual([true, true, true, true]);
          before = at;
        }
      }),
      { numRuns: 100 },
    );
  });
});
