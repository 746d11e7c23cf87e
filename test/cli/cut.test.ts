import { expect, test } from 'vitest';
import { cut } from '../../workers/cli/cut.ts';

test.each([
  ['errors 1 < 2', 12, 'errors 1 < 2'],
  ['errors 1 < 2; latency_p95 17.25 < 20', 30, 'errors 1 < 2; latency_p95 …'],
  ['errors 1 < 2; latency_p95 17.25 < 20', 20, 'errors 1 < 2; …'],
  ['candidate loses 0.0123456', 22, 'candidate loses …'],
  ['abcdefghijkl', 5, 'abcd…'],
])('of "%s" keeps at most %d characters and no half of a number', (text, width, expected) => {
  expect(cut(text, width)).toBe(expected);
  expect(expected.length).toBeLessThanOrEqual(width);
});
