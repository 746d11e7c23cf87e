import { describe, expect, test } from 'vitest';
import { missedAfter } from '#domain/stats/performance/usual-wait.ts';

describe('missedAfter()', () => {
  test('is twice the wait of nearly all labels that came, however many never did', () => {
    const waitsMs = [...Array.from({ length: 101 }, (_, n) => n), ...new Array<number>(500).fill(9_999)];
    const arrived = waitsMs.map((_, row) => (row < 101 ? 1 : 0));
    expect(missedAfter({ waitsMs, arrived })).toBe(190);
  });

  test('misses nothing while labels take longer than predictions are known for', () => {
    for (const known of [5, 10, 15]) {
      // Labels take up to 30 days, evenly; a row of each age asks for each wait.
      const rows = Array.from({ length: known * 10 }, (_, age) => Array.from({ length: 300 }, (_, lag) => ({ age, lag }))).flat();
      const waitsMs = rows.map(({ age, lag }) => Math.min(age, lag));
      const arrived = rows.map(({ age, lag }) => (lag <= age ? 1 : 0));
      expect(missedAfter({ waitsMs, arrived }), `${known} days`).toBeGreaterThan(known * 10);
    }
  });

  test('is not known of few labels', () => {
    expect(missedAfter({ waitsMs: new Array<number>(29).fill(1), arrived: new Array<number>(29).fill(1) })).toBeNull();
    expect(missedAfter({ waitsMs: [], arrived: [] })).toBeNull();
  });
});
