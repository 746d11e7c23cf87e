/** What is asked of the labels of a model that serves, and what they answer. */
import type { QualityBreach } from '#domain/contracts/drift-report.ts';
import type { ModelVersion } from '#domain/contracts/model-version.ts';
import type { PerformanceReport } from '#domain/contracts/performance-report.ts';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import type { MetricName } from '#domain/contracts/pipeline-spec/training.ts';
import type { Verdict } from '#domain/contracts/verdict.ts';
import type { LabelFeed } from '#domain/contracts/watch.ts';
import type { CalibrationDecision } from '#domain/decide/performance/recalibrate.ts';
import type { Instant, Sha256 } from '#domain/units.ts';
import type { Labels } from '../../infra/postgres/labels.ts';
import type { PredictionParts } from '../../infra/postgres/prediction-parts.ts';
import type { Tallies } from '../../infra/postgres/tally-totals.ts';
import type { CpuDeps } from '../deps.ts';

export type Span = { readonly from: Instant; readonly to: Instant };

export type PerformanceDeps = Pick<CpuDeps, 'content' | 'scratch' | 'limits'> & {
  readonly tallies: Pick<Tallies, 'windows'>;
  readonly predictionParts: Pick<PredictionParts, 'select'>;
  readonly labels: Pick<Labels, 'read'>;
};

export type PerformanceQuestion = {
  /** The version that serves; without a profile there is nothing to compare with, and the answer is null. */
  readonly version: ModelVersion;
  readonly spec: PipelineSpec;
  /** Ages and maturity go by it. */
  readonly dataTime: Instant;
  /** Matured windows that end at or before it were told already; null: none was. */
  readonly maturedUntil: Instant | null;
  /** The same of windows that were estimated without labels. */
  readonly estimatedUntil: Instant | null;
  /** Labelled rows from here on are new: where the data of the last training end. Null: all of them. */
  readonly labelsSince: Instant | null;
  /** Windows whose data are broken. */
  readonly quarantined: readonly Span[];
};

export type PerformanceMeasurement = {
  readonly report: PerformanceReport;
  /** Of the report, in the content store; null where nothing in it is new, and nothing is kept. */
  readonly reportSha256: Sha256 | null;
  readonly metric: MetricName;
  /** Newly matured, oldest first. Calibration is asked of two classes only. */
  readonly windows: readonly (Span & { readonly performance: Verdict; readonly calibration: CalibrationDecision | null })[];
  /** Without labels, of the newest closed window; null where none is new, and where no estimate is to be had. */
  readonly estimate:
    | (Span & { readonly verdict: Verdict; readonly calibrationError: number; readonly calibrationLimit: number })
    | null;
  /** Of the feed of labels. */
  readonly breaches: readonly QualityBreach[];
  readonly labelFeed: LabelFeed | null;
  readonly labels: LabelCounts;
};

export type LabelCounts = {
  /** Rows of matured windows since `labelsSince` whose label is settled, of every version. */
  readonly newRows: number;
  /** Those of the rarest class; null for regression. */
  readonly newRareRows: number | null;
  /** Predictions that were looked at, and those with a label. */
  readonly predictions: number;
  readonly labelled: number;
  /** Labels for ids that no shipped prediction has, though later ones were shipped. */
  readonly unknownIds: number;
  /** Labels that came after their window had matured. */
  readonly late: number;
  /** Shipped parts that are lost or damaged: what they hold counts nowhere. */
  readonly unreadableParts: number;
};
