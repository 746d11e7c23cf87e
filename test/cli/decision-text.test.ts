import { expect, test } from 'vitest';
import { createNews, decisionText } from '../../workers/cli/demo/decision-text.ts';
import type { DecisionRecord } from '../../workflows/domain/contracts/decision.ts';
import { inequality } from '../../workflows/domain/decide/judgement.ts';
import type { Instant, PipelineName } from '../../workflows/domain/units.ts';

const record = (given: Partial<DecisionRecord>): DecisionRecord => ({
  format: 1,
  key: 'k',
  pipeline: 'flights' as PipelineName,
  kind: 'performance',
  subject: '2001-02-23T00:00:00.000Z/2001-02-24T00:00:00.000Z',
  at: '2001-02-26T00:00:00.000Z' as Instant,
  action: 'cannot tell',
  reason: 'a reason',
  inequalities: [],
  evidenceIds: [],
  input: null,
  output: null,
  ...given,
});
const what = 'roc_auc, window minus reference';
const open = [
  inequality(`${what}, lower 97.5% bound`, -0.117396, '>', -0.03),
  inequality(`${what}, upper 97.5% bound`, 0.0248177, '<', -0.03),
];

test('says version, day and verdict before any number, and an open interval in one go', () => {
  expect(decisionText(record({ inequalities: open }), 1)).toBe(
    `watch, performance of version 1, 23 February: cannot tell: ${what} lies between -0.117 and 0.0248, and down to -0.03 is tolerated`,
  );
  expect(decisionText(record({ action: 'breach', reason: 'it lost' }), 2)).toBe(
    'watch, performance of version 2, 23 February: breach: it lost',
  );
  expect(decisionText(record({ reason: 'too few rows' }), null)).toBe(
    'watch, performance of 23 February: cannot tell: too few rows',
  );
});

test('says of a "no" what stands against it, and nothing that does not', () => {
  const inequalities = [inequality('performance', 1, '>=', 1), inequality('runs in progress', 1, '<=', 0)];
  const no = record({ kind: 'retrain', subject: 'x', action: 'suppressed', reason: 'Suppressed (performance): …', inequalities });
  expect(decisionText(no, null)).toBe('watch, retrain: Suppressed (performance): runs in progress is 1, not <= 0');
  const yes = record({ kind: 'retrain', subject: 'x', action: 'retrain', reason: 'Retrain (performance): performance 1 >= 1' });
  expect(decisionText(yes, null)).toBe('watch, retrain: Retrain (performance): performance 1 >= 1');
});

test('a version that goes on as before is no news, a breach and another version are', () => {
  const isNews = createNews();
  const told = (
    [
      ['cannot tell', 1],
      ['cannot tell', 1],
      ['no breach', 1],
      ['cannot tell', 1],
      ['no breach', 1],
      ['cannot tell', 2],
      ['breach', 1],
      ['breach', 1],
      ['no breach', 1],
    ] as const
  ).map(([action, version]) => isNews(record({ action }), version));
  expect(told).toEqual([true, false, true, false, false, true, true, true, true]);
});

test('the same "no" is told once, whatever its numbers; what waits is not told', () => {
  const isNews = createNews();
  const no = (reason: string) => isNews(record({ kind: 'retrain', action: 'suppressed', reason }), null);
  expect([no('Suppressed (drift): 1'), no('Suppressed (drift): 2'), no('Suppressed (age): 2')]).toEqual([true, false, true]);
  expect(isNews(record({ kind: 'rollout', action: 'wait' }), null)).toBe(false);
  expect(isNews(record({ kind: 'rollout', action: 'advance' }), null)).toBe(true);
});
