import { expect, test } from 'vitest';
import { tellWatch } from '../../workers/cli/watch/tell-watch.ts';
import { pauseMs } from '../../workflows/domain/decide/watch/rest.ts';
import type { WatchStatus } from '../../workflows/messages.ts';

const now = Date.parse('2026-01-02T12:00:00.000Z');
const status: WatchStatus = {
  pipeline: 'churn',
  phase: 'snoozed',
  snoozedUntil: new Date(now + pauseMs).toISOString(),
  dataTime: null,
  championVersion: null,
  run: null,
  windowsJudged: 2,
  drift: null,
  performance: null,
  openBreaches: 0,
  lastDecision: null,
  alertsSeen: 0,
  nextLookAt: null,
  problem: null,
};

test('names the kind of each decision, and an instant once', () => {
  const at = '2026-01-02T00:00:10.000Z';
  const lines = tellWatch(
    status,
    [
      { at, decision: 'alarm', reason: 'drift', sentence: 'psi 0.3 > 0.25' },
      { at, decision: 'wait', reason: 'retrain', sentence: 'Waiting' },
      { at: '2026-01-01T00:00:10.000Z', decision: 'no alarm', reason: 'drift', sentence: 'psi 0' },
    ],
    now,
  ).split('\n');
  expect(lines.slice(-4)).toEqual([
    'data time         about    decided   because',
    '2026-01-02 00:00  drift    alarm     psi 0.3 > 0.25',
    '                  retrain  wait      Waiting',
    '2026-01-01 00:00  drift    no alarm  psi 0',
  ]);
});

test('of a pause it says how it is ended, of a snooze when it ends', () => {
  expect(tellWatch(status, [], now)).toMatch(/^paused +until `perennial resume churn --reason …`$/m);
  const snoozed = { ...status, snoozedUntil: '2026-01-03T12:00:00.000Z' };
  expect(tellWatch(snoozed, [], now)).toMatch(/^snoozed until +2026-01-03T12:00:00.000Z$/m);
});
