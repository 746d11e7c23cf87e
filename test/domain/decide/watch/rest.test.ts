import { expect, test } from 'vitest';
import { isPause, pauseMs, restText } from '../../../../workflows/domain/decide/watch/rest.ts';

const dayMs = 86_400_000;
const now = Date.parse('2026-01-02T00:00:00.000Z');

test('a snooze has an end that is told, a pause has none', () => {
  expect(restText({ by: 'ada', untilMs: now + dayMs }, now)).toBe('snoozed by ada until 2026-01-03T00:00:00.000Z');
  expect(restText({ by: 'ada', untilMs: now + pauseMs }, now)).toBe('paused by ada');
});

test.each([
  [0, true],
  [4 * 365, true],
  [6 * 365, false],
])('a pause of %d days is known as one: %s', (days, known) => {
  expect(isPause(now + pauseMs, now + days * dayMs)).toBe(known);
});
