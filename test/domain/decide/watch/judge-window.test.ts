import { expect, test } from 'vitest';
import type { PerformanceVerdict } from '#domain/contracts/watch.ts';
import { decisionOfPerformance } from '#domain/decide/watch/judge-window.ts';
import { digestOf } from '../../../workflows/pretend-watch.ts';

const ranked = {
  outcome: 'pass' as const,
  reason: 'roc_auc is as it was',
  inequalities: [],
  evidenceIds: ['performance/roc_auc'],
};
const wrong = {
  outcome: 'fail' as const,
  reason: 'p-value 0.001 <= 0.025',
  inequalities: [{ what: 'p-value', left: 0.001, operator: '<=' as const, right: 0.025, holds: true }],
  evidenceIds: ['calibration/p-value in the large'],
};
const measured = (over: Partial<PerformanceVerdict>): PerformanceVerdict => ({
  from: '2026-01-01T00:00:00.000Z' as never,
  to: '2026-01-02T00:00:00.000Z' as never,
  reportSha256: digestOf('1'),
  performance: ranked,
  calibration: null,
  ...over,
});

test('decisionOfPerformance() tells of wrong probabilities before a ranking that holds, with the numbers of both', () => {
  const decision = decisionOfPerformance(measured({ calibration: { remedy: 'recalibrate', verdict: wrong } }));
  expect(decision).toMatchObject({
    action: 'miscalibrated',
    reason: 'p-value 0.001 <= 0.025; roc_auc is as it was',
    inequalities: wrong.inequalities,
    evidenceIds: ['calibration/p-value in the large', 'performance/roc_auc'],
    output: { verdict: ranked, calibration: wrong, remedy: 'recalibrate' },
  });
});

test('decisionOfPerformance() tells of a ranking that failed, whatever its probabilities', () => {
  const lost = { ...ranked, outcome: 'fail' as const, reason: 'roc_auc lost' };
  const verdict = { ...lost, reason: 'the ranking has failed: roc_auc lost' };
  const decision = decisionOfPerformance(measured({ performance: lost, calibration: { remedy: 'retrain', verdict } }));
  expect(decision).toMatchObject({ action: 'breach', reason: 'roc_auc lost', evidenceIds: ['performance/roc_auc'] });
});

test('decisionOfPerformance() of probabilities that are fine tells of the ranking, and keeps what was found', () => {
  const fine = { ...wrong, outcome: 'pass' as const };
  const decision = decisionOfPerformance(measured({ calibration: { remedy: 'none', verdict: fine } }));
  expect(decision).toMatchObject({ action: 'no breach', reason: ranked.reason, output: { calibration: fine, remedy: 'none' } });
  expect(decisionOfPerformance(measured({ performance: null }))).toBeNull();
});
