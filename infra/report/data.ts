/** What a drift report shows: data, no drawing. Every list is bounded by whoever reads it, so that the file stays small. */
import type { Comparator, QualityBreach, VariableDrift } from '#domain/contracts/drift-report.ts';
import type { Instant, PipelineName, VersionNumber } from '#domain/units.ts';

export type Verdict = { readonly outcome: string; readonly reason: string };

/** One closed window of live traffic; a mean or a share is null where nothing was counted. */
export type WindowPoint = {
  readonly from: Instant;
  readonly to: Instant;
  readonly rows: number;
  readonly scoreMean: number | null;
  readonly positiveShare: number | null;
  readonly outcome: string;
  readonly quarantined: boolean;
  /** What it was measured against: where it changes, another version serves. */
  readonly profileSha256: string;
};
export type VariableRow = Pick<
  VariableDrift,
  'name' | 'critical' | 'rows' | 'sufficient' | 'psi' | 'debiasedPsi' | 'psiUpperLimit' | 'adjustedPValue'
> & { readonly kind: 'feature' | 'prediction'; readonly state: string; readonly reason: string };

/** A cell of the reference profile with the shares of both: what lies in it before, and now. */
export type Cell = {
  readonly label: string;
  readonly reference: number;
  readonly current: number;
  /** Upper end of a cell of numbers; absent for a category, and for the last cell, which is open. */
  readonly edge?: number;
};
export type Distribution = {
  readonly row: VariableRow;
  /** What is broken in its data; null where nothing is. */
  readonly breach: string | null;
  readonly cells: readonly Cell[];
  readonly referenceRows: number;
  readonly rows: number;
};

export type PerformancePoint = {
  readonly from: Instant;
  readonly to: Instant;
  readonly kind: 'matured' | 'provisional';
  readonly predictions: number;
  readonly labelled: number;
  readonly value: number | null;
  /** Against the reference, more is better; null where too few labels came. */
  readonly gain: {
    readonly estimate: number;
    readonly lower: number;
    readonly upper: number;
    readonly confidence: number;
  } | null;
  readonly outcome: string;
};
export type CalibrationPoint = {
  readonly from: Instant;
  readonly to: Instant;
  readonly observedOverExpected: number | null;
  readonly brier: number | null;
  readonly error: number | null;
  /** Of the error, and the least p-value of the tests: both may be about windows before it too; null where it is too early to tell. */
  readonly excess: number | null;
  readonly pValue: number | null;
  readonly outcome: string;
};
export type Performance = {
  readonly metric: string;
  readonly reference: number | null;
  /** A loss beyond it is a breach. */
  readonly tolerated: number | null;
  readonly points: readonly PerformancePoint[];
  /** Of the window that is shown in full; null where none of its labels were measured. */
  readonly shown: PerformancePoint | null;
  /** Of matured windows; empty where answers are no probabilities of two classes. */
  readonly calibration: readonly CalibrationPoint[];
};

export type Look = { readonly elapsedMs: number; readonly share: number; readonly eValues: Readonly<Record<string, number>> };
export type RolloutStory = {
  readonly id: string;
  readonly version: VersionNumber;
  readonly championVersion: VersionNumber | null;
  readonly strategy: string;
  readonly state: string;
  readonly reason: string;
  readonly startedAt: Instant;
  readonly endedAt: Instant | null;
  readonly harmed: { readonly requests: number; readonly events: number; readonly above: number } | null;
  /** By guardrail: harm is shown from 1/alpha on. */
  readonly alphas: Readonly<Record<string, number>>;
  readonly looks: readonly Look[];
};
export type DecisionPoint = {
  readonly id: number;
  /** Data time, of rollouts wall time. */
  readonly at: Instant;
  /** Where it stands among the decisions of the watch, on the axis of data time. */
  readonly drawnAt: Instant;
  readonly kind: string;
  readonly action: string;
  readonly subject: string;
  readonly reason: string;
};

export type PipelineReport = {
  readonly pipeline: PipelineName;
  readonly champion: { readonly version: VersionNumber; readonly promotedAt: Instant } | null;
  /** The window that is shown in full: the newest that was measured, or the one that was asked for. */
  readonly window: {
    readonly from: Instant;
    readonly to: Instant;
    readonly rows: number;
    readonly comparator: Comparator;
    readonly verdict: Verdict;
    readonly breaches: readonly QualityBreach[];
    readonly warnings: readonly string[];
  } | null;
  /** PSI from which a change is drift, where it is known. */
  readonly driftLevel: number | null;
  readonly variables: readonly VariableRow[];
  readonly distributions: readonly Distribution[];
  readonly reference: { readonly scoreMean: number | null; readonly positiveShare: number | null };
  /** Each window once, as it was measured last; oldest first. */
  readonly windows: readonly WindowPoint[];
  readonly performance: Performance | null;
  /** Newest first. */
  readonly rollouts: readonly RolloutStory[];
  /** Newest first. */
  readonly decisions: readonly DecisionPoint[];
  /** Distributions worth drawing that were left out to keep the file small. */
  readonly notDrawn: number;
};
export type ReportData = { readonly title: string; readonly madeAt: Instant; readonly pipelines: readonly PipelineReport[] };
