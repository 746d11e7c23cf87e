/**
 * The port: every step that a workflow can take, with what it promises. Workflows proxy this interface,
 * activities implement it, and nothing else crosses. Names are frozen once deployed: they stand in histories.
 *
 * Every step may run more than once with the same input, also while an earlier attempt is still alive;
 * its effect happens once. Payloads are references: digests of objects in the store, never rows.
 */
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import type { ModelVersion } from '#domain/contracts/model-version.ts';
import type { Notice } from '#domain/contracts/notice.ts';
import type { RetrainOutcome, RetrainPlan, StageName } from '#domain/contracts/retrain.ts';
import type { Verdict } from '#domain/contracts/verdict.ts';
import type { Instant, PipelineName, Sha256, VersionNumber } from '#domain/units.ts';
import type { PublishSteps } from './publish-steps.ts';
import type { RetentionSteps } from './retention-steps.ts';
import type { RolloutSteps } from './rollout-steps.ts';
import type { RunRef } from './run-ref.ts';
import type { WatchSteps } from './watch-steps.ts';

export type IngestInput = RunRef & { readonly listingSha256: Sha256; readonly cutoff: Instant | null };
export type IngestSummary = {
  readonly batchSha256: Sha256;
  readonly rows: number;
  readonly rejectedRows: number;
  readonly parts: number;
  readonly newParts: number;
};

export type ValidateSummary = {
  readonly reportSha256: Sha256;
  readonly rows: number;
  readonly rejectedRows: number;
  readonly quarantinedRows: number;
  /** Statements of the checks of severity "fail" that do not hold, at most 10. */
  readonly failures: readonly string[];
  readonly warnings: number;
};

export type FreezeSummary = {
  readonly snapshotSha256: Sha256;
  readonly rows: number;
  readonly bytes: number;
  readonly sharedParts: number;
  readonly newParts: number;
};

export type FeaturesSummary = {
  readonly frameSha256: Sha256;
  readonly featureSetSha256: Sha256;
  readonly trainRows: number;
  readonly holdoutRows: number;
  readonly columns: number;
};

export type TrainInput = RunRef & { readonly frameSha256: Sha256; readonly timeoutMs: number };
export type TrainSummary = {
  readonly trainingKey: Sha256;
  readonly resultSha256: Sha256;
  readonly onnxSha256: Sha256;
  readonly durationMs: number;
};

/** Numbers that the gate compares; the whole report lies behind `reportSha256`. */
export type EvaluateSummary = {
  readonly reportSha256: Sha256;
  readonly modelSha256: Sha256;
  /** Champion at the time of evaluation; promotion is refused if another one serves by then. */
  readonly championVersion: VersionNumber | null;
  readonly championGeneration: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly verdict: Verdict;
};

export type RegisterInput = RunRef & {
  readonly codeVersion: string;
  readonly snapshotSha256: Sha256;
  readonly frameSha256: Sha256;
  readonly trainingResultSha256: Sha256;
  readonly evaluationSha256: Sha256;
  readonly modelSha256: Sha256;
};
export type RegisterSummary = { readonly version: VersionNumber; readonly stage: ModelVersion['stage'] };

export type PromoteInput = RunRef & {
  readonly version: VersionNumber;
  readonly expectedGeneration: number;
  readonly by: string;
  readonly reason: string;
};
export type PromoteSummary = { readonly generation: number; readonly previousChampion: VersionNumber | null };

/** What a confirmation saw: `servers` that report themselves alive, those that serve the wanted digest, those that refuse it. */
export type ConfirmSummary = {
  readonly confirmed: boolean;
  readonly servers: number;
  readonly serving: number;
  readonly refused: number;
  readonly reason: string;
};

export interface RetrainSteps {
  /**
   * Parses the workflow's input with its schema and records the run; the only door for unparsed values.
   * Idempotency key: run key. Final errors: PRN_INPUT_INVALID, PRN_DEFINITION_UNKNOWN, PRN_TRAINER_UNKNOWN.
   */
  admitRetrain(input: unknown): Promise<RetrainPlan>;

  /**
   * Turns the listed source objects into typed, sorted Parquet parts in the store; bad rows are kept aside.
   * Same listing, same digests; parts already there are not written again. Memory is bounded at any size.
   * Heartbeats with the source object in work. Final errors: PRN_SOURCE_*, PRN_DATA_*.
   */
  ingestSources(input: IngestInput): Promise<IngestSummary>;

  /** Computes schema and expectation evidence about a batch and sets quarantined rows aside. Key: batch digest. */
  validateBatch(input: RunRef & { readonly batchSha256: Sha256 }): Promise<ValidateSummary>;

  /** Writes the manifest and its row; the manifest's digest is the data version. Key: that digest. */
  freezeSnapshot(
    input: RunRef & { readonly batchSha256: Sha256; readonly reportSha256: Sha256; readonly cutoff: Instant | null },
  ): Promise<FreezeSummary>;

  /**
   * Computes point-in-time views, fits transforms on the training part only, writes matrix, hold-out and feature set.
   * Key: snapshot, definition. Final errors: PRN_FEATURE_*.
   */
  buildFeatures(input: RunRef & { readonly snapshotSha256: Sha256 }): Promise<FeaturesSummary>;

  /**
   * Scores candidate and champion on the same hold-out rows in the serving runtime and lets `decide/gate` compare.
   * Writes report and model package. Key: frame, model, champion, and the number of this candidate on its hold-out.
   */
  evaluateCandidate(
    input: RunRef & { readonly frameSha256: Sha256; readonly trainingResultSha256: Sha256 },
  ): Promise<EvaluateSummary>;

  /** Writes version, lineage and audit in one transaction. Key: training key; a retry returns the same version. */
  registerCandidate(input: RegisterInput): Promise<RegisterSummary>;

  /**
   * Publishes the newest value of each view per entity to the online feature table, for this candidate and for the versions
   * that serve, by view name and definition. Key: snapshot, feature set, definitions of the views.
   */
  publishFeatures(
    input: RunRef & { readonly snapshotSha256: Sha256; readonly featureSetSha256: Sha256 },
  ): Promise<{ readonly rows: number }>;

  /**
   * Makes a version the champion: fenced by generation, in one transaction with its audit row.
   * A retry of the same promotion returns the same generation. Final error: PRN_DEPLOY_CONFLICT.
   */
  promoteVersion(input: PromoteInput): Promise<PromoteSummary>;

  /** Looks once at whether the servers report the wanted generation: its champion, candidate and share. Reads only. */
  confirmServing(input: { readonly pipeline: PipelineName; readonly generation: number }): Promise<ConfirmSummary>;

  /** Undoes a promotion that the servers refused: the previous champion at a new generation. Key: refused generation. */
  rollBackPromotion(
    input: RunRef & { readonly refusedGeneration: number; readonly to: VersionNumber | null; readonly reason: string },
  ): Promise<PromoteSummary>;

  /** Counts the live workers that poll a queue, for a clear first message. Reads only. */
  countPollers(input: { readonly queue: string }): Promise<{ readonly pollers: number }>;

  /** Records that a run reached a stage (upsert by run key and stage). */
  recordStage(
    input: RunRef & { readonly stage: StageName; readonly state: 'started' | 'done' | 'waiting'; readonly summary: string },
  ): Promise<void>;

  /** Records how a run ended. Key: run key; the first ending wins and a retry returns it. */
  finishRun(input: RetrainOutcome): Promise<void>;
}

/** Steps of every workflow that decides. */
export interface RecordSteps {
  /** Keeps a decision for good. Key: the record's own; a second record with it changes nothing. */
  recordDecision(input: DecisionRecord): Promise<void>;

  /** Puts a notice into the outbox for each address that asked for its event. Key: the notice's own, and the address. */
  sendNotice(input: Notice): Promise<{ readonly addressees: number }>;
}

/** All that the queue `perennial-cpu` does. */
export type CpuSteps = RetrainSteps & RolloutSteps & WatchSteps & RecordSteps & RetentionSteps & PublishSteps;

export interface GpuSteps {
  /**
   * Runs a trainer process by the job contract, with heartbeats from its progress and checkpoints kept over attempts.
   * One successful result per training key, however often it is retried; cancellation reaches the trainer as SIGTERM.
   * Final errors: PRN_TRAINER_BAD_JOB, PRN_TRAINER_BAD_RESULT, PRN_MODEL_REFUSED.
   */
  trainCandidate(input: TrainInput): Promise<TrainSummary>;
}

export type Steps = CpuSteps & GpuSteps;
