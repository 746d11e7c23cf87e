import { describe, expect, test } from 'vitest';
import { qualityBreachSchema } from '#domain/contracts/drift-report.ts';
import type { Evidence } from '#domain/contracts/evidence.ts';
import { type PerformanceWindow, performanceWindowSchema } from '#domain/contracts/performance-report.ts';
import { type Verdict, verdictSchema } from '#domain/contracts/verdict.ts';
import { decideEstimate } from '#domain/decide/performance/estimate-breach.ts';
import { findLabelledShareBreach } from '#domain/decide/performance/labelled-share-breach.ts';
import { decideGain, decidePerformance } from '#domain/decide/performance/performance-breach.ts';
import { decideCalibration } from '#domain/decide/performance/recalibrate.ts';

const id = 'performance/roc_auc/window against reference';
const what = 'roc_auc, window minus reference';

const interval = (lower: number, upper: number, confidence = 0.95): Evidence => ({
  id,
  what,
  kind: 'interval',
  estimate: (lower + upper) / 2,
  lower,
  upper,
  confidence,
  sides: 'one',
  standardError: 0.01,
  method: 'DeLong',
  rows: 2000,
});

const window = (...evidence: Evidence[]): PerformanceWindow =>
  performanceWindowSchema.parse({
    kind: 'matured',
    from: '2026-01-01T00:00:00.000Z',
    to: '2026-01-02T00:00:00.000Z',
    predictions: 2100,
    labelled: 2000,
    by: 'lag',
    metrics: { roc_auc: 0.87 },
    evidence,
  });

const policy = Object.freeze({ evidenceId: id, tolerated: 0.01, confidence: 0.95 });

const checked = (verdict: Verdict): Verdict => verdictSchema.parse(verdict);

describe('decidePerformance()', () => {
  test('a loss that is certainly more than tolerated is a breach, with the inequality in the reason', () => {
    const verdict = checked(decidePerformance(window(interval(-0.04, -0.012)), policy));
    expect(verdict).toMatchObject({ outcome: 'fail', evidenceIds: [id] });
    expect(verdict.reason).toBe(`${what} -0.026: upper 95% bound -0.012 < -0.01, on 2000 rows`);
    expect(verdict.inequalities.map((one) => one.holds)).toEqual([false, true]);
  });

  test('a loss that is certainly less than tolerated passes', () => {
    const verdict = checked(decidePerformance(window(interval(-0.009, 0.02)), policy));
    expect(verdict).toMatchObject({ outcome: 'pass', reason: `${what} 0.0055: lower 95% bound -0.009 > -0.01, on 2000 rows` });
  });

  test('says of what a share is tolerated', () => {
    const shared = { ...policy, toleratedWords: ' (5% of 0.2)' };
    expect(decidePerformance(window(interval(-0.04, -0.012)), shared).reason).toContain('bound -0.012 < -0.01 (5% of 0.2), on');
    expect(decidePerformance(window(interval(-0.009, 0.02)), shared).reason).toContain('bound -0.009 > -0.01 (5% of 0.2), on');
    expect(decidePerformance(window(interval(-0.02, 0.005)), shared).reason).toContain('> -0.01 (5% of 0.2) does not hold');
  });

  test('between the two nothing is decided; a bound on the limit is between', () => {
    expect(decidePerformance(window(interval(-0.02, 0.005)), policy).outcome).toBe('inconclusive');
    expect(decidePerformance(window(interval(-0.01, 0.005)), policy).outcome).toBe('inconclusive');
    expect(decidePerformance(window(interval(-0.03, -0.01)), policy).outcome).toBe('inconclusive');
    expect(decideGain(interval(Number.NaN, Number.NaN), policy).outcome).toBe('inconclusive');
  });

  test('a loss that is certain but small is no breach, unless nothing is tolerated', () => {
    expect(decidePerformance(window(interval(-0.015, -0.001)), policy).outcome).toBe('inconclusive');
    expect(decidePerformance(window(interval(-0.015, -0.001)), { ...policy, tolerated: 0 }).outcome).toBe('fail');
  });

  test('a provisional window decides nothing, however bad it looks', () => {
    const provisional = performanceWindowSchema.parse({
      kind: 'provisional',
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-01-02T00:00:00.000Z',
      predictions: 2100,
      labelled: 300,
      arrivedShare: 0.2,
      metrics: { roc_auc: 0.4 },
    });
    expect(checked(decidePerformance(provisional, policy))).toMatchObject({
      outcome: 'inconclusive',
      reason: 'the window is provisional: 300 of 2100 rows have a label',
    });
  });

  test('too few labels are inconclusive; what is not as it was agreed is an error', () => {
    const few: Evidence = { id, what, kind: 'insufficient', reason: 'labelled rows 12 >= 30 does not hold', rows: 12 };
    expect(checked(decidePerformance(window(few), policy))).toMatchObject({
      outcome: 'inconclusive',
      reason: `${what}: labelled rows 12 >= 30 does not hold`,
    });
    expect(decidePerformance(window(), policy)).toMatchObject({ outcome: 'error', reason: `${id} is missing` });
    expect(decidePerformance(window(interval(-1, 1, 0.9)), policy)).toMatchObject({
      outcome: 'error',
      reason: 'bounds must be at 95%: they are at 90%',
    });
    expect(decidePerformance(window(interval(-1, 1)), { ...policy, tolerated: -0.1 }).outcome).toBe('error');
    const wrong: Evidence = { id, what, kind: 'measurement', value: 1, rows: 1 };
    expect(decidePerformance(window(wrong), policy).outcome).toBe('error');
  });
});

describe('decideEstimate()', () => {
  const estimate = { ...policy, largestCalibrationError: 0.03 };

  test('is believed where probabilities are', () => {
    const verdict = checked(decideEstimate(interval(-0.05, -0.02), 0.02, estimate));
    expect(verdict.outcome).toBe('fail');
    expect(verdict.inequalities[0]).toMatchObject({ what: 'calibration error', left: 0.02, right: 0.03, holds: true });
    expect(decideEstimate(interval(-0.005, 0.01), 0.02, estimate).outcome).toBe('pass');
  });

  test('decides nothing where they are not, or where that is not known', () => {
    expect(checked(decideEstimate(interval(-0.05, -0.02), 0.04, estimate))).toMatchObject({
      outcome: 'inconclusive',
      reason: 'calibration error 0.04 <= 0.03 does not hold: an estimate without labels is not believed',
    });
    expect(decideEstimate(interval(-0.05, -0.02), null, estimate).outcome).toBe('inconclusive');
    expect(decideEstimate(interval(-0.05, -0.02), Number.NaN, estimate).outcome).toBe('inconclusive');
    expect(decideEstimate(undefined, 0.01, estimate).outcome).toBe('error');
  });
});

describe('findLabelledShareBreach()', () => {
  const share = (lower: number, upper: number): Evidence => ({
    ...(interval(lower, upper) as Extract<Evidence, { kind: 'interval' }>),
    id: 'performance/labelled share',
    what: 'labelled share, window minus earlier windows',
  });

  test('finds a feed that has certainly lost labels, and quarantines for it', () => {
    const breach = findLabelledShareBreach(share(-0.3, -0.1));
    expect(qualityBreachSchema.parse(breach)).toEqual({
      check: 'labelled share',
      variable: null,
      statement: 'labelled share, window minus earlier windows -0.2: upper 95% bound -0.1 < -0.05, on 2000 rows',
    });
  });

  test('finds none where the fall is small, uncertain or unknown', () => {
    expect(findLabelledShareBreach(share(-0.2, -0.04))).toBeNull();
    expect(findLabelledShareBreach(share(-0.2, -0.04), 0.03)).not.toBeNull();
    expect(findLabelledShareBreach({ id, what, kind: 'insufficient', reason: 'none', rows: 0 })).toBeNull();
  });
});

describe('decideCalibration()', () => {
  const verdict = (outcome: Verdict['outcome']): Verdict => ({ outcome, reason: 'as it is', inequalities: [], evidenceIds: [] });
  const rules = { testIds: ['error', 'z'], excessId: 'excess', ratioId: 'ratio', level: 0.05, tolerated: 0.01 };
  const evidence = (excess: number, error: number, z: number): Evidence[] => [
    { id: 'excess', what: 'calibration error beyond chance', kind: 'measurement', value: excess, rows: 2000 },
    { id: 'error', what: 'true', kind: 'p-value', pValue: error, test: 'one', rows: 2000 },
    { id: 'z', what: 'true', kind: 'p-value', pValue: z, test: 'other', rows: 2000 },
    { id: 'brier', what: 'Brier score', kind: 'measurement', value: 0.2, rows: 2000 },
  ];

  test('recalibrates where only calibration has moved', () => {
    const found = decideCalibration(verdict('pass'), evidence(0.02, 0.001, 0.4), rules);
    expect(found.remedy).toBe('recalibrate');
    expect(checked(found.verdict)).toMatchObject({ outcome: 'fail', evidenceIds: ['excess', 'error', 'z'] });
    expect(found.verdict.reason).toContain('calibration error beyond chance 0.02 > 0.01');
    expect(decideCalibration(verdict('inconclusive'), evidence(0.02, 0.4, 0.001), rules).remedy).toBe('recalibrate');
  });

  test('retrains where the ranking has failed, whatever the calibration', () => {
    const found = decideCalibration(verdict('fail'), evidence(0.02, 0.001, 0.001), rules);
    expect(found).toMatchObject({ remedy: 'retrain', verdict: { outcome: 'fail', reason: 'the ranking has failed: as it is' } });
  });

  test('does nothing about what is small, or may be chance', () => {
    expect(decideCalibration(verdict('pass'), evidence(0.005, 1e-9, 1e-9), rules)).toMatchObject({
      remedy: 'none',
      verdict: { outcome: 'pass' },
    });
    // 0.03 is below the level of one test and above that of each of two.
    expect(decideCalibration(verdict('pass'), evidence(0.02, 0.03, 0.03), rules).remedy).toBe('none');
  });

  test('asks for nothing where it cannot see', () => {
    const few: Evidence = { id: 'excess', what: 'calibration error', kind: 'insufficient', reason: 'few rows', rows: 3 };
    expect(decideCalibration(verdict('pass'), [few], rules)).toMatchObject({
      remedy: 'none',
      verdict: { outcome: 'inconclusive' },
    });
    expect(decideCalibration(verdict('pass'), [], rules)).toMatchObject({ remedy: 'none', verdict: { outcome: 'error' } });
  });
});
