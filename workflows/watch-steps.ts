/** What the watch asks of its surroundings; see `steps.ts` for what every step promises. */
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import type { RetrainRequest } from '#domain/contracts/retrain.ts';
import type { RunOutcome } from '#domain/contracts/verdict.ts';
import type { WatchCursor, WatchMeasurement, WatchPlan } from '#domain/contracts/watch.ts';
import type { Instant, PipelineName, RunKey, Sha256 } from '#domain/units.ts';
import type { RetrainAnswer } from './messages.ts';

export type WatchOpened = {
  readonly plan: WatchPlan;
  /** Where a watch that begins goes on: what was reported before is not judged again. */
  readonly cursor: WatchCursor;
};

export type MeasureWatchInput = {
  readonly pipeline: PipelineName;
  readonly definitionSha256: Sha256;
  readonly cursor: WatchCursor;
  /** Data time of the look before: it never runs backwards. */
  readonly dataTime: Instant | null;
  /** The run whose end the watch waits for. */
  readonly run: { readonly workflowId: string; readonly runKey: RunKey } | null;
};

export type PrepareRetrainInput = {
  readonly pipeline: PipelineName;
  readonly by: string;
  readonly reason: string;
};

/** `same`: these data, this code and this definition were run before, and how that ended. */
export type PreparedRetrain =
  | { readonly kind: 'new'; readonly workflowId: string; readonly request: RetrainRequest }
  | { readonly kind: 'same'; readonly workflowId: string; readonly runKey: RunKey; readonly outcome: RunOutcome };

export interface WatchSteps {
  /**
   * Reads by what a watch goes: the definition that is applied now, or the one that is named. Reads only.
   * Final errors: PRN_DEFINITION_UNKNOWN where the digest is of no definition of this pipeline, PRN_SPEC_INVALID.
   */
  openWatch(input: { readonly pipeline: PipelineName; readonly definitionSha256: Sha256 | null }): Promise<WatchOpened>;

  /**
   * Looks once: measures windows that closed (some at a time; `more` says whether there are others), what labels say, and
   * reads which runs ended. Key: profile and window; a window that was reported is not measured again. Notes that the watch
   * looked, so that one that is gone is missed. Heartbeats.
   */
  measureWatch(input: MeasureWatchInput): Promise<WatchMeasurement>;

  /** Keeps decisions for good, in their order. Key: each record's own; a second record with it changes nothing. */
  recordDecisions(input: { readonly decisions: readonly DecisionRecord[] }): Promise<void>;

  /**
   * Lists the sources and names the run, as `perennial run` does before it starts one. Key: the run key. Final errors:
   * PRN_CONFLICT where the pipeline is paused or deleted, PRN_DEFINITION_UNKNOWN, PRN_SOURCE_MISSING.
   */
  prepareRetrain(input: PrepareRetrainInput): Promise<PreparedRetrain>;

  /** Asks a pipeline's watch for a retrain in the name of its schedule. Key: the id of the asking workflow run. */
  askWatch(input: { readonly pipeline: PipelineName; readonly key: string; readonly reason: string }): Promise<RetrainAnswer>;
}
