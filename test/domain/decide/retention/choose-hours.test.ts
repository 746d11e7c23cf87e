import { describe, expect, it } from 'vitest';
import { agingTime, chooseHours, type Need, type ShippedHour } from '#domain/decide/retention/choose-hours.ts';
import { chooseSnapshots } from '#domain/decide/retention/choose-snapshots.ts';
import { newestKept } from '#domain/kept-snapshots.ts';
import { dayMs, hourMs } from '#domain/units.ts';

const hour = (day: number, lastEventMs: number | null = day * dayMs): ShippedHour => ({
  fromMs: day * dayMs,
  lastEventMs,
  parts: 2,
  rows: 10,
  bytes: 100,
});
const keepMs = 90 * dayMs;
const ask = (hours: readonly ShippedHour[], nowMs: number, needs: readonly Need[] = [], wallMs = nowMs) =>
  chooseHours(hours, { keepMs, nowMs, wallMs, needs });
const daysOf = (hours: readonly ShippedHour[]): number[] => hours.map(({ fromMs }) => fromMs / dayMs);

describe('chooseHours()', () => {
  it('takes hours whose newest event is older, to the millisecond, and no other', () => {
    const hours = [hour(1), hour(2), hour(3)];
    expect(daysOf(ask(hours, 92 * dayMs).expired)).toEqual([1]);
    expect(daysOf(ask(hours, 92 * dayMs + 1).expired)).toEqual([1, 2]);
    expect(ask([], 92 * dayMs)).toEqual({ expired: [], held: [] });
  });

  it('goes by the time of the data, however long ago it was answered', () => {
    const replayed = { ...hour(1_000, 5 * dayMs) };
    expect(ask([replayed], 50 * dayMs, [], 20_000 * dayMs).expired).toEqual([]);
    expect(daysOf(ask([replayed], 96 * dayMs, [], 1_001 * dayMs).expired)).toEqual([1_000]);
  });

  it('does not keep an hour for a row whose event lies years ahead', () => {
    expect(daysOf(ask([hour(1, 5_000 * dayMs)], 91 * dayMs + 2 * hourMs + 1).expired)).toEqual([1]);
  });

  it('asks the clock of the servers where an hour holds refusals alone', () => {
    expect(ask([hour(1, null)], 500 * dayMs, [], 91 * dayMs + hourMs).expired).toEqual([]);
    expect(daysOf(ask([hour(1, null)], 0, [], 91 * dayMs + hourMs + 1).expired)).toEqual([1]);
  });

  it('holds what is still to be read, by events or by answers, and says why', () => {
    const hours = [hour(1), hour(2), hour(3)];
    const labels: Need = { of: 'events', fromMs: 2 * dayMs, why: 'labels may come' };
    const arms: Need = { of: 'answers', fromMs: 3 * dayMs + 1, why: 'arms are compared' };
    const { expired, held } = ask(hours, 500 * dayMs, [arms, labels]);
    expect(daysOf(expired)).toEqual([1]);
    expect(held).toEqual([
      { why: 'labels may come', hours: 1, rows: 10 },
      { why: 'arms are compared', hours: 1, rows: 10 },
    ]);
  });
});

describe('agingTime()', () => {
  it('goes on at the pace of the wall from when something was heard last, and never beyond it', () => {
    expect(agingTime(10, 100, 100)).toBe(10);
    expect(agingTime(10, 100, 160)).toBe(70);
    expect(agingTime(10, 200, 160)).toBe(10);
    expect(agingTime(500, 100, 160)).toBe(160);
  });
});

describe('chooseSnapshots()', () => {
  it('leaves the newest and the named ones', () => {
    const newestFirst = ['e', 'd', 'c', 'b', 'a'];
    expect(chooseSnapshots(newestFirst, 2, new Set(['b']))).toEqual(['c', 'a']);
    expect(chooseSnapshots(newestFirst, 9, new Set())).toEqual([]);
  });

  it('reads how many from the pipeline file', () => {
    expect(newestKept('champions and 10 newest')).toBe(10);
    for (const wrong of ['champions and 0 newest', '10 newest', 'champions and 1.5 newest', ''])
      expect(() => newestKept(wrong)).toThrow(RangeError);
  });
});
