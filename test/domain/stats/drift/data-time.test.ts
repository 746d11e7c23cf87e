import fc from 'fast-check';
import { expect, test } from 'vitest';
import { believedWindows, dataTime, wholeWindows } from '#domain/stats/drift/data-time.ts';
import { windowsToMeasure } from '#domain/stats/drift/windows-to-measure.ts';

const wallMs = 1_000_000_000;
const window = (at: number, rows: number) => ({ fromMs: at * 100, toMs: at * 100 + 100, rows });

test('dataTime() is the newest event time of the newest window with enough rows', () => {
  expect(dataTime([window(0, 50), window(1, 50), window(2, 10)], [250, 220, 80], wallMs)).toBe(250);
});

test('dataTime() without windows, or with empty ones only, is null', () => {
  expect(dataTime([], [5], wallMs)).toBeNull();
  expect(dataTime([window(0, 0)], [5], wallMs)).toBeNull();
});

test('dataTime() is not moved by one row, by a few of many, nor by any number of rows beyond the clock', () => {
  const usual = [window(0, 500), window(1, 500), window(2, 300)];
  const before = dataTime(usual, [230], wallMs);
  expect(before).toBe(230);
  expect(dataTime([...usual, window(9, 1)], [230, 950], wallMs)).toBe(before);
  expect(dataTime([...usual, window(9, 20)], [230, 950], wallMs)).toBe(before);
  expect(
    dataTime([...usual, { fromMs: wallMs + 3_700_000, toMs: wallMs + 3_800_000, rows: 9_000 }], [230, wallMs * 2], wallMs),
  ).toBe(before);
});

test('dataTime() believes a window by all of its rows, whichever versions answered them', () => {
  const usual = [window(0, 500), window(1, 500), window(2, 500)];
  const halves = [window(3, 20), window(3, 15)];
  expect(dataTime(wholeWindows([...usual, ...halves]), [360, 290], wallMs)).toBe(360);
  // Neither half is a twentieth of what windows usually have.
  for (const half of halves) expect(dataTime([...usual, half], [360, 290], wallMs)).toBe(290);
});

test('wholeWindows() loses no row, whatever the order, and leaves one of each span', () => {
  expect(wholeWindows([])).toEqual([]);
  const rows = fc.array(fc.record({ at: fc.nat(5), rows: fc.nat(100) }));
  fc.assert(
    fc.property(rows, (found) => {
      const all = found.map(({ at, rows: count }) => window(at, count));
      const added = wholeWindows(Object.freeze(all));
      const byStart = (left: { fromMs: number }, right: { fromMs: number }) => left.fromMs - right.fromMs;
      expect(added.reduce((sum, one) => sum + one.rows, 0)).toBe(all.reduce((sum, one) => sum + one.rows, 0));
      expect(new Set(added.map(({ fromMs }) => fromMs)).size).toBe(added.length);
      expect([...wholeWindows(all.toReversed())].sort(byStart)).toEqual([...added].sort(byStart));
      expect(wholeWindows(added)).toEqual(added);
    }),
  );
});

test('dataTime() is where the newest window begins while its only process reports nonsense', () => {
  expect(dataTime([window(0, 50), window(1, 50)], [99_999], wallMs)).toBe(100);
});

test('dataTime() never grows by a row of the past, and lies in a window that is believed', () => {
  const rows = fc.array(fc.record({ at: fc.nat(20), rows: fc.nat(100) }), { minLength: 1 });
  fc.assert(
    fc.property(rows, fc.array(fc.nat(2_100)), (found, events) => {
      const windows = [...new Map(found.map(({ at, rows: count }) => [at, window(at, count)])).values()];
      const time = dataTime(windows, events, wallMs);
      const newest = believedWindows(windows, wallMs).at(-1);
      if (newest === undefined) {
        expect(time).toBeNull();
        return;
      }
      expect(time).toBeGreaterThanOrEqual(newest.fromMs);
      expect(time).toBeLessThan(newest.toMs);
    }),
    { examples: [[[{ at: 0, rows: 0 }], []]] },
  );
});

const question = { windowMs: 100, latenessMs: 0, judgedUntilMs: null, wallMs, most: 8 };
const asked = (own: ReturnType<typeof window>[], dataTimeMs: number, over = {}) =>
  windowsToMeasure({ ...question, own, all: own, dataTimeMs, ...over });
const starts = ({ windows }: ReturnType<typeof windowsToMeasure>) => windows.map(({ fromMs }) => fromMs / 100);

test('windowsToMeasure() gives closed windows from the first of the profile, none left out', () => {
  expect(starts(asked([window(3, 50), window(5, 50), window(6, 50)], 650))).toEqual([3, 4, 5]);
});

test('windowsToMeasure() waits for the lateness after the end', () => {
  const own = [window(3, 50), window(4, 50)];
  expect(starts(asked(own, 449, { latenessMs: 50 }))).toEqual([]);
  expect(starts(asked(own, 450, { latenessMs: 50 }))).toEqual([3]);
});

test('windowsToMeasure() goes on where it stopped, some at a time', () => {
  const own = Array.from({ length: 20 }, (_, at) => window(at, 50));
  const first = asked(own, 1950, { most: 8 });
  expect(starts(first)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(first.more).toBe(true);
  const last = asked(own, 1950, { judgedUntilMs: 1600 });
  expect(starts(last)).toEqual([16, 17, 18]);
  expect(last.more).toBe(false);
});

test('windowsToMeasure() looks at three windows of a long gap, and not at a thousand', () => {
  const found = asked([window(0, 50), window(1, 50), window(2000, 50), window(2001, 50)], 200_150);
  expect(starts(found)).toEqual([0, 1, 2, 3, 4, 2000]);
});

test('windowsToMeasure() does not begin with one row of long ago, nor without traffic of the profile', () => {
  expect(starts(asked([window(-5000, 1), window(1, 50), window(2, 50)], 250))).toEqual([1]);
  expect(asked([], 900)).toEqual({ windows: [], more: false });
});
