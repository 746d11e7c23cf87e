import { describe, expect, test } from 'vitest';
import { evidenceSchema } from '#domain/contracts/evidence.ts';
import { performanceWindowSchema } from '#domain/contracts/performance-report.ts';
import { decidePerformance } from '#domain/decide/performance/performance-breach.ts';
import { decideCalibration } from '#domain/decide/performance/recalibrate.ts';
import type { Clusters } from '#domain/stats/comparison/clusters.ts';
import { measureAll } from '#domain/stats/metrics/metrics.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
import {
  type CalibrationRows,
  calibrationEvidence,
  calibrationEvidenceIds,
} from '#domain/stats/performance/calibration-evidence.ts';
import { calibrationPolicy } from '#domain/stats/performance/calibration-policy.ts';
import { performanceEvidenceId } from '#domain/stats/performance/compare-window.ts';
import { compareEstimate } from '#domain/stats/performance/estimate-evidence.ts';
import { compareLabelledShare } from '#domain/stats/performance/labelled-share.ts';
import { estimateLagCurve } from '#domain/stats/performance/lag-curve.ts';
import type { Maturity } from '#domain/stats/performance/maturity.ts';
import { type LabelledWindow, measureWindow } from '#domain/stats/performance/measure-window.ts';
import { measureReference } from '#domain/stats/performance/reference-performance.ts';
import { rateWithoutEvents } from '#domain/stats/performance/zero-events.ts';
import { createRandom } from '#domain/stats/random.ts';
import { studentUpperQuantile } from '#domain/stats/special/student-t.ts';
import { finish } from '#domain/stats/steps.ts';
import { dayMs, type Instant } from '#domain/units.ts';
import golden from '../../../golden/performance.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

/** `bend` 1: scores are true probabilities; `noise` is the share of labels that are drawn without looking at the score. */
const world = (rows: number, seed: number, bend = 1, noise = 0): Scored => {
  const random = createRandom(seed);
  const answers = Array.from({ length: rows }, random);
  const labels = answers.map((answer) => (random() < (random() < noise ? 0.5 : answer ** bend) ? 1 : 0));
  return Object.freeze({ task: 'binary', classes: 2, labels: Object.freeze(labels), answers: Object.freeze(answers) });
};

const windowOf = (scored: Scored): LabelledWindow => ({
  from: '2026-01-01T00:00:00.000Z' as Instant,
  to: '2026-01-02T00:00:00.000Z' as Instant,
  predictions: scored.labels.length + 10,
  scored,
  clusters: null,
  together: null,
  agesMs: Float64Array.from(scored.labels, (_, row) => 100 + row),
});
const matured: Maturity = { kind: 'matured', ageMs: 10, afterMs: 5, by: 'lag' };
const plan = {
  reference: finish(measureReference(world(5000, 51), 1)),
  curve: estimateLagCurve({ waitsMs: [50, 500, 900], arrived: [1, 1, 1] }),
  compare: ['roc_auc', 'brier'] as const,
  confidence: 0.95,
  seed: 9,
};
const breach = { evidenceId: performanceEvidenceId('roc_auc'), tolerated: 0.01, confidence: 0.95 };

const measured = (scored: Scored, maturity: Maturity = matured) =>
  performanceWindowSchema.parse(finish(measureWindow(windowOf(scored), maturity, plan)));

describe('measureWindow()', () => {
  const remedyOf = (scored: Scored) => {
    const window = measured(scored);
    const evidence = window.kind === 'matured' ? window.evidence : [];
    return decideCalibration(decidePerformance(window, breach), evidence, calibrationPolicy).remedy;
  };

  test('a quiet window passes or stays open, and asks for nothing', () => {
    const window = measured(world(3000, 52));
    expect(window).toMatchObject({ kind: 'matured', by: 'lag', labelled: 3000, predictions: 3010 });
    expect(window.metrics).toEqual(measureAll(world(3000, 52)));
    expect(decidePerformance(window, breach).outcome).not.toBe('fail');
    expect(remedyOf(world(3000, 52))).toBe('none');
  });

  test('labels that the model no longer knows are a breach, and ask for training', () => {
    expect(decidePerformance(measured(world(3000, 53, 1, 0.4)), breach).outcome).toBe('fail');
    expect(remedyOf(world(3000, 53, 1, 0.4))).toBe('retrain');
  });

  test('probabilities that are bent under the same ranking ask for a new calibrator only', () => {
    expect(remedyOf(world(3000, 54, 1.4))).toBe('recalibrate');
  });

  test('a younger window is weighted by age and carries no evidence', () => {
    const provisional: Maturity = { kind: 'provisional', ageMs: 100, afterMs: 900, arrivedShare: 1 / 3 };
    const window = measured(world(600, 55), provisional);
    expect(window).toMatchObject({ kind: 'provisional', arrivedShare: 1 / 3 });
    expect(window).not.toHaveProperty('evidence');
    expect(decidePerformance(window, breach).outcome).toBe('inconclusive');
    // Rows younger than 500 weigh three, the others one and a half.
    const { labels, answers } = world(600, 55);
    let [right, all] = [0, 0];
    for (let row = 0; row < labels.length; row++) {
      const weight = 100 + row < 500 ? 3 : 1.5;
      all += weight;
      if ((answers[row] as number) >= 0.5 === (labels[row] === 1)) right += weight;
    }
    expectRelative(window.metrics['accuracy'] as number, right / all, 1e-3);
  });

  test('no rows are no metrics and insufficient evidence', () => {
    const none: Scored = { task: 'binary', classes: 2, labels: [], answers: [] };
    const window = measured(none);
    expect(window.metrics).toEqual({});
    expect(window.kind === 'matured' && window.evidence.every((one) => one.kind === 'insufficient')).toBe(true);
  });
});

describe('calibrationEvidence()', () => {
  const rowsOf = (
    { labels, answers }: Pick<Scored, 'labels' | 'answers'>,
    clusters: Clusters | null = null,
  ): CalibrationRows => ({
    labels,
    probabilities: answers,
    clusters,
  });
  const evidence = (rows: CalibrationRows, asked = rows) =>
    calibrationEvidence(rows, asked, 1).map((one) => evidenceSchema.parse(one));
  const daysOf = (rows: number, days: number): Clusters => ({
    by: 'day',
    ids: Uint32Array.from({ length: rows }, (_, row) => row % days),
    count: days,
  });

  test('is evidence of every kind on calibration', () => {
    const every = Object.values(calibrationEvidenceIds).toSorted();
    const { errorTest, inTheLarge } = calibrationEvidenceIds;
    const idsOf = (clusters: Clusters | null) =>
      evidence(rowsOf(world(500, 56), clusters))
        .map(({ id }) => id)
        .toSorted();
    expect(idsOf(null)).toEqual(every.filter((id) => id !== inTheLarge));
    expect(idsOf(daysOf(500, 7))).toEqual(every.filter((id) => id !== errorTest));
    expect(idsOf(daysOf(500, 8))).toEqual(every);
  });

  test('leaves out what does not exist', () => {
    const halves = { labels: Array.from({ length: 40 }, (_, row) => row % 2), answers: new Array<number>(40).fill(0.5) };
    for (const clusters of [null, daysOf(40, 5)]) {
      const found = evidence(rowsOf(halves, clusters));
      expect(found.some(({ id }) => id === calibrationEvidenceIds.spiegelhalter)).toBe(false);
    }
    const hard = evidence(rowsOf({ labels: halves.labels, answers: halves.labels }, daysOf(40, 5)));
    expect(hard.filter(({ kind }) => kind === 'p-value')).toMatchObject([{ id: calibrationEvidenceIds.errorTest, pValue: 1 }]);
    expect(evidence(rowsOf({ labels: [1], answers: [0.5] }))).toMatchObject([{ kind: 'insufficient', rows: 1 }]);
  });

  test('one day is no test of how days differ, and asks for nothing; a week that is asked with it is', () => {
    const bent = world(600, 57, 1.6);
    const alone = evidence(rowsOf(bent, daysOf(600, 1)));
    expect(alone.filter(({ kind }) => kind !== 'measurement')).toMatchObject([
      { kind: 'insufficient', reason: 'clusters by day 1 >= 5 does not hold' },
    ]);
    expect(alone).toHaveLength(6);
    const passed = decidePerformance(measured(world(3000, 52)), { ...breach, tolerated: 1 });
    expect(decideCalibration(passed, alone, calibrationPolicy)).toMatchObject({
      remedy: 'none',
      verdict: { outcome: 'inconclusive', reason: 'clusters by day 1 >= 5 does not hold' },
    });
    const week = evidence(rowsOf(bent, daysOf(600, 1)), rowsOf(world(4200, 58, 1.6), daysOf(4200, 7)));
    expect(week.filter(({ kind }) => kind === 'p-value')).toMatchObject([
      { rows: 4200, test: 'positives against promised over 7 clusters by day' },
      { rows: 4200, test: 'Spiegelhalter over 7 clusters by day' },
    ]);
    expect(decideCalibration(passed, week, calibrationPolicy)).toMatchObject({
      remedy: 'recalibrate',
      verdict: { reason: expect.stringMatching(/^0\.\d+ positives came for each that was promised: calibration error beyond /) },
    });
  });
});

describe('compareLabelledShare()', () => {
  test('agrees with the design', () => {
    const { x_ref, n_ref, x_cur, n_cur, newcombe95_diff } = vectors.props;
    const earlier = { labelled: x_ref, predictions: n_ref };
    const found = compareLabelledShare(earlier, { labelled: x_cur, predictions: n_cur }, 0.975);
    expect(evidenceSchema.parse(found)).toMatchObject({ kind: 'interval', sides: 'one', rows: 1200 });
    if (found.kind !== 'interval') return;
    expectRelative(found.lower, newcombe95_diff[0] as number, 1e-9);
    expectRelative(found.upper, newcombe95_diff[1] as number, 1e-9);
  });

  test('says nothing without predictions, and refuses more labels than predictions', () => {
    const some = { labelled: 1, predictions: 2 };
    expect(compareLabelledShare({ labelled: 0, predictions: 0 }, some, 0.95)).toMatchObject({ kind: 'insufficient' });
    expect(() => compareLabelledShare(some, { labelled: 3, predictions: 2 }, 0.95)).toThrow(RangeError);
    expect(() => compareLabelledShare(some, some, 0.5)).toThrow(RangeError);
  });
});

describe('compareEstimate()', () => {
  const reference = {
    rows: 100,
    metrics: { roc_auc: 0.9, mae: 2 },
    perRowDeviation: { roc_auc: 0.5, mae: 1 },
    calibrator: null,
    calibrationError: null,
  };

  test('is three standard errors either way, turned so that more is better', () => {
    const higher = compareEstimate({ metric: 'roc_auc', value: 0.85, rows: 2500, better: 'higher', windowMs: dayMs }, reference);
    expect(evidenceSchema.parse(higher)).toMatchObject({ kind: 'interval', standardError: 0.01 });
    if (higher.kind === 'interval') {
      expectRelative(higher.lower, -0.08, 1e-12);
      expectRelative(higher.upper, -0.02, 1e-12);
    }
    const lower = compareEstimate({ metric: 'mae', value: 1.5, rows: 400, better: 'lower', windowMs: dayMs }, reference);
    expect(lower).toMatchObject({ estimate: 0.5, standardError: 0.05 });
  });

  test('is insufficient without rows or a reference', () => {
    expect(compareEstimate({ metric: 'f1', value: 1, rows: 9, better: 'higher', windowMs: dayMs }, reference)).toMatchObject({
      kind: 'insufficient',
    });
    expect(compareEstimate({ metric: 'mae', value: 1, rows: 0, better: 'lower', windowMs: dayMs }, reference)).toMatchObject({
      reason: 'rows 0 > 0 does not hold',
    });
  });

  test('where days differ, a day may lie as far from their mean as Student says', () => {
    const each = { roc_auc: { clusters: 7, mean: 0.85, meanError: 0.01, between: 0.03 } };
    const clusters = { unit: 'day' as const, count: 7, effective: 7, error: { roc_auc: 0.02 }, each };
    const of = (windowMs: number) =>
      compareEstimate({ metric: 'roc_auc', value: 0.8, rows: 2500, better: 'higher', windowMs }, { ...reference, clusters });
    const [one, week] = [of(dayMs), of(7 * dayMs)];
    if (one.kind !== 'interval' || week.kind !== 'interval') expect.fail('both must be intervals');
    expectRelative(one.estimate, 0.8 - 0.85, 1e-12);
    expectRelative(one.standardError, Math.hypot(0.01, 0.03, 0.01), 1e-12);
    expectRelative(one.upper - one.estimate, studentUpperQuantile(0.00135, 6) * one.standardError, 1e-9);
    expect(week.estimate).toBeCloseTo(0.8 - (reference.metrics['roc_auc'] as number), 12);
    expectRelative(week.standardError, Math.hypot(0.01, 0.03 / Math.sqrt(7), 0.01), 1e-12);
  });
});

describe('rateWithoutEvents()', () => {
  test('agrees with the design', () => {
    for (const [rows, bound] of Object.entries(vectors.zero_failures.ub95_one_sided)) {
      expectRelative(rateWithoutEvents(Number(rows), 0.95), bound, 1e-9);
    }
  });

  test.each(golden.zeroEvents)('agrees with statsmodels: $rows rows at $confidence', ({ rows, confidence, bound }) =>
    expectRelative(rateWithoutEvents(rows, confidence), bound, 1e-10),
  );

  test('knows nothing without rows, and refuses what is no number of rows', () => {
    expect(rateWithoutEvents(0, 0.95)).toBe(1);
    expect(() => rateWithoutEvents(-1, 0.95)).toThrow('rows must be whole and >= 0: they are -1');
    expect(() => rateWithoutEvents(1.5, 0.95)).toThrow(RangeError);
    expect(() => rateWithoutEvents(5, 1)).toThrow('the confidence must be in (0, 1): it is 1');
  });
});
