import { describe, expect, test } from 'vitest';
import type { MetricName } from '#domain/contracts/pipeline-spec/training.ts';
import {
  calibrationErrorByMass,
  calibrationErrorByWidth,
  observedOverExpected,
  spiegelhalterTest,
} from '#domain/stats/metrics/calibration.ts';
import { fitsTask, measure, measureAll, metricTable } from '#domain/stats/metrics/metrics.ts';
import { rocAuc } from '#domain/stats/metrics/roc-auc.ts';
import { everyRowOnce, predictedClasses, type Scored, takeRows } from '#domain/stats/metrics/scored.ts';
import golden from '../../golden/metrics.json' with { type: 'json' };
import vectors from '../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from './tolerance.ts';

const scoredOf = (one: (typeof golden.metrics)[number]): Scored =>
  Object.freeze({
    task: one.task as Scored['task'],
    classes: one.classes,
    labels: Object.freeze(one.labels) as number[],
    answers: Object.freeze(one.answers) as number[],
  });

describe('metrics agree with scikit-learn', () => {
  test.each(golden.metrics)('$task, $name', (one) => {
    const scored = scoredOf(one);
    const weights = 'weights' in one && one.weights ? Uint32Array.from(one.weights) : everyRowOnce(one.labels.length);
    for (const [name, wanted] of Object.entries(one.expected) as [MetricName, number | null][]) {
      const found = metricTable[name].prepare(scored)(weights);
      if (wanted === null) expect(found, name).toBeNull();
      else expectRelative(found as number, wanted, name === 'r2' ? 1e-9 : 1e-11, 1e-12);
    }
  });

  test('the expected names are all that fit the task', () => {
    for (const one of golden.metrics) {
      const fitting = (Object.keys(metricTable) as MetricName[]).filter((name) => fitsTask(name, one.task as Scored['task']));
      expect(Object.keys(one.expected).sort()).toEqual(fitting.sort());
    }
  });
});

describe('metrics agree with the design', () => {
  const { p, y, ...wanted } = vectors.calibration;
  const scored: Scored = { task: 'binary', classes: 2, labels: y, answers: p };

  test('brier() and logLoss()', () => {
    expectRelative(measure('brier', scored) as number, wanted.brier, 1e-9);
    expectRelative(measure('log_loss', scored) as number, wanted.log_loss, 1e-9);
  });

  test('calibration error, observed over expected, Spiegelhalter', () => {
    expectRelative(calibrationErrorByWidth(y, p, 5), wanted.ece_equal_width_5, 1e-9);
    expectRelative(calibrationErrorByMass(y, p, 5), wanted.ece_equal_mass_5, 1e-9);
    expectRelative(observedOverExpected(y, p) as number, wanted.observed_over_expected, 1e-9);
    expectRelative(spiegelhalterTest(y, p)?.z as number, wanted.spiegelhalter_z, 1e-9);
    expectRelative(spiegelhalterTest(y, p)?.pValue as number, wanted.spiegelhalter_p, 1e-9);
  });
});

describe('metrics without an answer', () => {
  const none: Scored = { task: 'binary', classes: 2, labels: [], answers: [] };

  test('no rows have no metrics, whatever the task', () => {
    expect(measureAll(none)).toEqual({});
    expect(measureAll({ ...none, task: 'multiclass', classes: 3 })).toEqual({});
    expect(measureAll({ ...none, task: 'regression', classes: 0 })).toEqual({});
    expect(calibrationErrorByMass([], [], 5)).toBe(0);
    expect(observedOverExpected([], [])).toBeNull();
    expect(spiegelhalterTest([1], [0.5])).toBeNull();
  });

  test('one class has no ROC AUC but an accuracy', () => {
    const found = measureAll({ task: 'binary', classes: 2, labels: [0, 0], answers: [0.1, 0.2] });
    expect(found).toMatchObject({ accuracy: 1 });
    expect(found).not.toHaveProperty('roc_auc');
    expect(found).not.toHaveProperty('precision');
  });

  test('a constant label has no R2', () => {
    expect(measureAll({ task: 'regression', classes: 0, labels: [3, 3], answers: [2, 4] })).toEqual({
      rmse: 1,
      mae: 1,
      median_absolute_error: 1,
    });
  });
});

describe('metrics have the symmetries of their definition', () => {
  const labels = golden.metrics[40]?.labels as number[];
  const scores = golden.metrics[40]?.answers as number[];

  test('rocAuc() by ranks is rocAuc() by weights', () => {
    for (const one of golden.metrics.filter((each) => each.task === 'binary' && !('weights' in each))) {
      expect(rocAuc(one.labels, one.answers)).toBe(measure('roc_auc', scoredOf(one)));
    }
  });

  test('turning scores and labels round leaves rocAuc()', () => {
    const turned = rocAuc(
      labels.map((label) => 1 - label),
      scores.map((score) => -score),
    );
    expectRelative(turned as number, rocAuc(labels, scores) as number, 1e-14);
  });

  test('a growing map of the scores leaves rocAuc()', () => {
    expect(
      rocAuc(
        labels,
        scores.map((score) => Math.exp(3 * score)),
      ),
    ).toBe(rocAuc(labels, scores));
  });

  test('a weight of two is the row twice', () => {
    const scored: Scored = { task: 'binary', classes: 2, labels: [0, 1, 1, 0], answers: [0.2, 0.7, 0.4, 0.6] };
    const twice = takeRows(scored, Uint32Array.from([0, 1, 1, 2, 3]));
    for (const name of Object.keys(metricTable).filter((each) => fitsTask(each as MetricName, 'binary')) as MetricName[]) {
      expectRelative(
        metricTable[name].prepare(scored)(Uint32Array.of(1, 2, 1, 1)) as number,
        measure(name, twice) as number,
        1e-14,
      );
    }
  });

  test('takeRows() keeps the columns of more than two classes together', () => {
    const scored: Scored = { task: 'multiclass', classes: 3, labels: [0, 2], answers: [0.7, 0.2, 0.1, 0.1, 0.3, 0.6] };
    const taken = takeRows(scored, Uint32Array.from([1]));
    expect([...Array.from(taken.answers)]).toEqual([0.1, 0.3, 0.6]);
    expect(predictedClasses(taken)).toEqual(Int32Array.from([2]));
  });
});
