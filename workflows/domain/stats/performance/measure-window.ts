import type { Evidence } from '../../contracts/evidence.ts';
import type { PerformanceWindow } from '../../contracts/performance-report.ts';
import type { MetricName } from '../../contracts/pipeline-spec/training.ts';
import type { ReferencePerformance } from '../../contracts/reference-profile.ts';
import { confidenceOfEach } from '../../decide/performance/performance-breach.ts';
import type { Instant } from '../../units.ts';
import type { Clusters } from '../comparison/clusters.ts';
import { checkScored } from '../metrics/check-scored.ts';
import { fitsTask, measureAll, metricTable } from '../metrics/metrics.ts';
import type { RowWeights, Scored } from '../metrics/scored.ts';
import type { Steps } from '../steps.ts';
import { type CalibrationRows, calibrationEvidence } from './calibration-evidence.ts';
import { compareTogether, compareWindow } from './compare-window.ts';
import type { LagCurve } from './lag-curve.ts';
import { type Maturity, provisionalWeights } from './maturity.ts';

/** The labelled rows of a window. Where no label means negative, rows without one have label 0 once the window is matured. */
export type LabelledWindow = {
  readonly from: Instant;
  readonly to: Instant;
  readonly predictions: number;
  readonly scored: Scored;
  /** Which of the labelled rows belong together; null: each is evidence of its own. */
  readonly clusters: Clusters | null;
  /** The labelled rows of this window and of those before it; null where there are none before it, or it needs none. */
  readonly together: { readonly scored: Scored; readonly clusters: Clusters } | null;
  /** Age of each labelled row, in milliseconds. */
  readonly agesMs: ArrayLike<number>;
};

export type WindowPlan = {
  readonly reference: ReferencePerformance;
  readonly curve: LagCurve;
  /** Metrics to be compared, besides all being measured. */
  readonly compare: readonly MetricName[];
  readonly confidence: number;
  readonly seed: number;
};

/**
 * A window as the report has it. A matured one: its metrics, each asked one against the reference and, for two classes, its
 * calibration. A younger one: metrics weighted by age, and no evidence at all, so that nothing can be decided by it.
 *
 * Metrics that do not exist for the labelled rows are left out. Throws RangeError as `compareWindow` does, and for ages
 * that are not as many as the rows.
 *
 * Source: of the parts.
 */
export function* measureWindow(window: LabelledWindow, maturity: Maturity, plan: WindowPlan): Steps<PerformanceWindow> {
  const { from, to, predictions, scored } = window;
  checkScored(scored);
  checkAges(window);
  const span = { from, to, predictions, labelled: scored.labels.length };
  if (maturity.kind === 'provisional') {
    const metrics = weightedMetrics(scored, provisionalWeights(window.agesMs, plan.curve));
    return { kind: 'provisional', ...span, arrivedShare: maturity.arrivedShare, metrics };
  }
  const evidence = scored.task === 'binary' ? calibrationOf(window, plan.seed) : [];
  const { clusters, together } = window;
  const confidence = together === null ? plan.confidence : confidenceOfEach(plan.confidence);
  for (const metric of plan.compare) {
    const question = { ...plan, confidence, metric };
    evidence.push(yield* compareWindow({ ...question, window: scored, clusters }));
    if (together === null) continue;
    evidence.push(yield* compareTogether({ ...question, window: together.scored, clusters: together.clusters }));
  }
  return { kind: 'matured', ...span, by: maturity.by, metrics: measureAll(scored), evidence };
}

/** A window of few clusters is asked together with those before it. */
const calibrationOf = (window: LabelledWindow, seed: number): Evidence[] => {
  const rowsOf = ({ scored, clusters }: Pick<LabelledWindow, 'scored' | 'clusters'>): CalibrationRows => ({
    labels: scored.labels,
    probabilities: scored.answers,
    clusters,
  });
  return calibrationEvidence(rowsOf(window), rowsOf(window.together ?? window), seed);
};

const checkAges = ({ scored, agesMs }: LabelledWindow): void => {
  if (agesMs.length === scored.labels.length) return;
  throw new RangeError(
    `Cannot measure a window as there must be an age for each of ${scored.labels.length} rows: there are ${agesMs.length}`,
  );
};

const weightedMetrics = (scored: Scored, weights: RowWeights): Record<string, number> => {
  const names = (Object.keys(metricTable) as MetricName[]).filter((name) => fitsTask(name, scored.task));
  const found = names.map((name) => [name, metricTable[name].prepare(scored)(weights)] as const);
  return Object.fromEntries(found.filter((pair): pair is readonly [MetricName, number] => pair[1] !== null));
};
