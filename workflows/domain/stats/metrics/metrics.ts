/** Every metric that a pipeline file can name, in one table. */
import type { MetricName } from '../../contracts/pipeline-spec/training.ts';
import { prepareAveragePrecision } from './average-precision.ts';
import { checkScored } from './check-scored.ts';
import { prepareAccuracy, prepareF1, preparePrecision, prepareRecall } from './confusion.ts';
import { prepareMedianAbsoluteError, prepareR2 } from './regression.ts';
import { prepareRocAuc } from './roc-auc.ts';
import { prepareBrier, prepareLogLoss, prepareMae, prepareRmse } from './row-losses.ts';
import { everyRowOnce, oneAgainstRest, type Scored, type WeightedMetric } from './scored.ts';

type Metric = {
  /** Which way is better. */
  readonly better: 'higher' | 'lower';
  readonly of: 'classes' | 'numbers';
  readonly prepare: (scored: Scored) => WeightedMetric;
};

/** Class 1 for two classes; for more, the plain mean over each class against the rest, null where one has no meaning. */
const overEachClass =
  (prepare: (labels: Uint8Array, scores: Float64Array) => WeightedMetric) =>
  (scored: Scored): WeightedMetric => {
    const targets = scored.task === 'binary' ? [1] : Array.from({ length: scored.classes }, (_, target) => target);
    const each = targets.map((target) => {
      const { labels, scores } = oneAgainstRest(scored, target);
      return prepare(labels, scores);
    });
    return (weights) => {
      let sum = 0;
      for (const metric of each) {
        const value = metric(weights);
        if (value === null) return null;
        sum += value;
      }
      return sum / each.length;
    };
  };

export const metricTable = {
  roc_auc: { better: 'higher', of: 'classes', prepare: overEachClass(prepareRocAuc) },
  pr_auc: { better: 'higher', of: 'classes', prepare: overEachClass(prepareAveragePrecision) },
  accuracy: { better: 'higher', of: 'classes', prepare: prepareAccuracy },
  log_loss: { better: 'lower', of: 'classes', prepare: prepareLogLoss },
  brier: { better: 'lower', of: 'classes', prepare: prepareBrier },
  precision: { better: 'higher', of: 'classes', prepare: preparePrecision },
  recall: { better: 'higher', of: 'classes', prepare: prepareRecall },
  f1: { better: 'higher', of: 'classes', prepare: prepareF1 },
  rmse: { better: 'lower', of: 'numbers', prepare: prepareRmse },
  mae: { better: 'lower', of: 'numbers', prepare: prepareMae },
  r2: { better: 'higher', of: 'numbers', prepare: prepareR2 },
  median_absolute_error: { better: 'lower', of: 'numbers', prepare: prepareMedianAbsoluteError },
} as const satisfies Readonly<Record<MetricName, Metric>>;

/** Whether a metric can be computed for a task. */
export const fitsTask = (name: MetricName, task: Scored['task']): boolean =>
  (metricTable[name].of === 'numbers') === (task === 'regression');

/** One metric over all rows; null where it does not exist. */
export const measure = (name: MetricName, scored: Scored): number | null =>
  metricTable[name].prepare(scored)(everyRowOnce(scored.labels.length));

/**
 * All metrics of the task that exist for these rows; those that do not are left out, never zero. No rows, no metrics.
 * Throws RangeError for labels and answers that are none (`checkScored`).
 *
 * Agrees with: test/golden/metrics.json, `sklearn.metrics`, 1e-11.
 */
export const measureAll = (scored: Scored): Partial<Record<MetricName, number>> => {
  checkScored(scored);
  const names = (Object.keys(metricTable) as MetricName[]).filter((name) => fitsTask(name, scored.task));
  const found = names.map((name) => [name, measure(name, scored)] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== null));
};
