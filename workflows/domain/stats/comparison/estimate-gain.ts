import type { Comparison } from '../../contracts/evaluation-report.ts';
import type { GateSpec, MetricName } from '../../contracts/pipeline-spec/training.ts';
import type { Scored } from '../metrics/scored.ts';
import type { Steps } from '../steps.ts';
import { type Clusters, effectiveClusters, tooFewClusters } from './clusters.ts';
import { gainByResampling } from './gain-by-resampling.ts';
import { gainOfAccuracy } from './gain-of-accuracy.ts';
import { gainOfRocAuc } from './gain-of-roc-auc.ts';
import type { Bounds, Difference } from './non-inferiority.ts';

/** Two models on the same rows, and what is asked of their difference. */
export type Contest = {
  readonly metric: MetricName;
  readonly slice: Comparison['slice'];
  /** Both models' answers for the same rows in the same order. */
  readonly candidate: Scored;
  readonly champion: Scored;
  /** Which rows belong together; null: each row is evidence of its own. */
  readonly clusters: Clusters | null;
  /** At the confidence that this use of the hold-out may still spend. */
  readonly policy: GateSpec['champion'];
  /** For resampling; the same seed gives the same report. */
  readonly seed: number;
  /** Share of cases in which `rows-for-power` are to be enough; absent: 0.8. */
  readonly power?: number;
};

export type DifferenceTest = {
  readonly role: 'difference' | 'difference-mid-p';
  readonly pValue: number;
  readonly test: string;
};

/** A gain with its one-sided bounds; more is better whatever the metric. */
export type Gain = Difference &
  Bounds & {
    readonly kind: 'gain';
    readonly method: string;
    /** By what `pBetter` was found, where that is another test than the bounds'. */
    readonly testOfBetter: string;
    /** Two-sided tests of no difference, where the metric has them. */
    readonly differences: readonly DifferenceTest[];
    /** Whether a kind of disagreement never occurred, so that its rate is bounded only by the number of rows. */
    readonly unseen: boolean;
    /** Of Student's t; infinite where the standard error is as good as known. */
    readonly degreesOfFreedom: number;
  };
export type NoGain = { readonly kind: 'insufficient'; readonly reason: string };

/**
 * Fewest rows that are compared at all, and fewest of each class for a ranking. Fewer, and normal or resampled bounds are
 * too narrow to be believed; more, and small pipelines could never compare.
 */
const fewestRows = 30;

/**
 * Estimates the gain by the test that fits metric and rows. Independent rows: DeLong for the ROC AUC of two classes,
 * paired proportions with McNemar for accuracy, a paired bootstrap for anything else. Rows in clusters: Obuchowski's
 * form of DeLong, a clustered mean, and the jackknife or bootstrap of clusters, with Student's t by what the clusters are
 * worth. Insufficient with fewer than 30 rows, 10 of a class, or too few clusters.
 *
 * Source: of each test, in the files of this folder.
 */
export function* estimateGain(contest: Contest): Steps<Gain | NoGain> {
  const rows = contest.candidate.labels.length;
  if (rows < fewestRows) return { kind: 'insufficient', reason: `rows ${rows} >= ${fewestRows} does not hold` };
  const { clusters } = contest;
  const tooFew = clusters === null ? null : tooFewClusters(clusters);
  if (tooFew !== null) return { kind: 'insufficient', reason: tooFew };
  const degreesOfFreedom = clusters === null ? Number.POSITIVE_INFINITY : effectiveClusters(clusters) - 1;
  if (contest.metric === 'roc_auc' && contest.candidate.task === 'binary') return gainOfRocAuc(contest, degreesOfFreedom);
  if (contest.metric === 'accuracy') return gainOfAccuracy(contest, degreesOfFreedom);
  return yield* gainByResampling(contest, degreesOfFreedom);
}
