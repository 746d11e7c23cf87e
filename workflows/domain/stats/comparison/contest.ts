import type { Comparison } from '../../contracts/evaluation-report.ts';
import type { GateSpec, MetricName } from '../../contracts/pipeline-spec/training.ts';
import type { Scored } from '../metrics/scored.ts';
import type { Clusters } from './clusters.ts';
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
  readonly policy: Omit<GateSpec['champion'], 'margin'> & {
    /** In the unit of the metric. */
    readonly margin: number;
  };
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
