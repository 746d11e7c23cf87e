/**
 * What the steps need of the world, as narrow interfaces. `workers/` composes them from `infra/`;
 * tests pass real servers. Nothing here reads the environment.
 */

import type { DecisionRecord } from '#domain/contracts/decision.ts';
import type { Evidence } from '#domain/contracts/evidence.ts';
import type { Deployment, ModelVersion, ServerReport } from '#domain/contracts/model-version.ts';
import type { Notice } from '#domain/contracts/notice.ts';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import type { RetrainOutcome, RetrainRequest, StageName } from '#domain/contracts/retrain.ts';
import type { Harmed, RolloutRecord } from '#domain/contracts/rollout.ts';
import type { Verdict } from '#domain/contracts/verdict.ts';
import type { Instant, PipelineName, RunKey, Sha256, VersionNumber } from '#domain/units.ts';
import type { ContentStore } from '../infra/objects/store.ts';
import type { NewRollout } from '../infra/postgres/rollout-begin.ts';
import type { RolloutEnd, UndoneRollout } from '../infra/postgres/rollout-end.ts';
import type { RolloutEffect } from '../infra/postgres/rollout-rows.ts';
import type { Shift } from '../infra/postgres/rollout-shift.ts';
import type { ArmTotal } from '../infra/postgres/tally-totals.ts';
import type { RetentionReport } from '../infra/retention/apply-retention.ts';
import type { TrainerLaunch } from '../infra/trainer/launch.ts';
import type { WatchDeps } from './watch/watch-deps.ts';

/** Remembers the result of a step under its idempotency key; the first result wins. */
export interface StepLedger {
  /** null where nothing is recorded. */
  find(key: string): Promise<unknown>;
  /** Records a result, or returns the one that was already there. */
  record(key: string, step: string, result: unknown): Promise<unknown>;
}

export interface Definitions {
  /** The definition as its file says it; null for an unknown digest. */
  find(sha256: Sha256): Promise<{
    pipeline: PipelineName;
    file: unknown;
    codeVersion: string;
    /** Where the pipeline was applied from, for a trainer that lies beside its file; null where nobody said. */
    folder?: string | null;
  } | null>;
  /** The definition that is applied now; null for a pipeline without one. */
  current(pipeline: PipelineName): Promise<{
    readonly sha256: Sha256;
    readonly file: unknown;
    readonly codeVersion: string;
    readonly folder: string | null;
  } | null>;
}

export interface Runs {
  begin(request: RetrainRequest, workflowId: string): Promise<void>;
  recordStage(runKey: RunKey, stage: StageName, state: 'started' | 'done' | 'waiting', summary: string): Promise<void>;
  recordMetrics(runKey: RunKey, points: readonly { name: string; step: number; value: number }[]): Promise<void>;
  finish(outcome: RetrainOutcome): Promise<void>;
}

export interface Snapshots {
  /** Notes parts that arrived; returns how many were new. Parts seen before keep their first arrival. */
  recordParts(parts: readonly { sha256: Sha256; bytes: number; rows: number }[]): Promise<number>;
  /** Records a snapshot; false where it was there. */
  record(snapshot: {
    sha256: Sha256;
    pipeline: PipelineName;
    rows: number;
    bytes: number;
    partCount: number;
    firstEventAt: Instant | null;
    lastEventAt: Instant | null;
  }): Promise<boolean>;
  /** Newest first. */
  list(pipeline: PipelineName): Promise<
    readonly {
      readonly sha256: Sha256;
      readonly rows: number;
      readonly lastEventAt: Instant | null;
      readonly createdAt: Instant;
    }[]
  >;
  /** The newest that a run brought, which ended, or that is of a model version; what was frozen only to be published is none. Null before the first. */
  lastTrained(pipeline: PipelineName): Promise<{ readonly rows: number; readonly lastEventAt: Instant | null } | null>;
}

export type NewModelVersion = Omit<ModelVersion, 'version' | 'stage' | 'createdAt'>;

export interface Registry {
  /** Version, lineage and audit in one transaction; a second call with the same training key returns the first version. */
  register(candidate: NewModelVersion, actor: string): Promise<ModelVersion>;
  get(pipeline: PipelineName, version: VersionNumber): Promise<ModelVersion | null>;
  /** Reports that the gate decided on in a run, newest first. */
  evaluations(runKey: RunKey): Promise<readonly { readonly sha256: Sha256 }[]>;
  /** Registered by runs that have no end yet. */
  ofOpenRuns(pipeline: PipelineName): Promise<readonly ModelVersion[]>;
  /**
   * Counts candidates that were compared on a hold-out, from 1; the same candidate again has the same number, so that
   * attempts and repeated runs are one use.
   */
  useHoldout(use: {
    pipeline: PipelineName;
    holdout: { newestDay: string } | { kept: string };
    trainingKey: Sha256;
  }): Promise<{ holdout: string; number: number }>;
  /** Every change of champion, newest first. */
  promotions(pipeline: PipelineName): Promise<
    readonly {
      readonly generation: number;
      readonly kind: 'promote' | 'rollback';
      readonly version: VersionNumber | null;
      readonly actor: string;
      readonly reason: string;
    }[]
  >;
  recordEvaluation(evaluation: {
    sha256: Sha256;
    pipeline: PipelineName;
    runKey: RunKey;
    verdict: Verdict;
    decision: unknown;
  }): Promise<void>;
}

export interface Deployments {
  get(pipeline: PipelineName): Promise<Deployment>;
  /** Fenced by `expectedGeneration`; the same `operationKey` again returns the first effect. Throws PRN_DEPLOY_CONFLICT. */
  promote(promotion: {
    pipeline: PipelineName;
    kind: 'promote' | 'rollback';
    version: VersionNumber | null;
    expectedGeneration: number;
    operationKey: string;
    actor: string;
    reason: string;
  }): Promise<{ generation: number; previousVersion: VersionNumber | null }>;
  /** Reports no older than `maxAgeMs` by the database's clock. */
  serverReports(pipeline: PipelineName, maxAgeMs: number): Promise<readonly ServerReport[]>;
}

/** See `infra/postgres/rollouts.ts` for what each promises. */
export interface Rollouts {
  begin(wanted: NewRollout): Promise<RolloutEffect>;
  shift(wanted: Shift): Promise<RolloutEffect>;
  end(wanted: RolloutEnd): Promise<RolloutEffect>;
  undoPromotion(wanted: UndoneRollout): Promise<RolloutEffect>;
  recordHarm(id: string, harmed: Harmed): Promise<void>;
  get(id: string): Promise<RolloutRecord | null>;
  running(pipeline: PipelineName): Promise<RolloutRecord | null>;
  /** Newest first. */
  list(pipeline: PipelineName, limit?: number): Promise<readonly RolloutRecord[]>;
  /** Servers whose counters were heard of within so long. */
  countingServers(pipeline: PipelineName, maxAgeMs: number): Promise<readonly string[]>;
}

/** Counters of arms, all servers and their lives added up. */
export interface ArmTallies {
  arms(pipeline: PipelineName, generations: readonly number[]): Promise<readonly ArmTotal[]>;
}

/** Gain of a rollout's candidate over its champion on labels: an interval that holds at all times, or `insufficient`. */
export type CompareArmsOnLabels = (rollout: RolloutRecord, alpha: number) => Promise<Evidence>;

export interface OnlineFeatures {
  /**
   * Replaces a pipeline's published values by this set, in one transaction, but for views that are still needed and not
   * among it; the same publication twice changes nothing.
   */
  publish(
    pipeline: PipelineName,
    publication: string,
    rows: AsyncIterable<OnlineFeatureRow>,
    /** What they were computed from. */
    snapshotSha256: Sha256,
    needed: () => Promise<readonly string[]>,
  ): Promise<number>;
  /** Which snapshots were published and when, newest first. */
  history(
    pipeline: PipelineName,
  ): Promise<readonly { readonly snapshotSha256: Sha256; readonly beganAt: Instant; readonly publishedAt: Instant }[]>;
}
export type OnlineFeatureRow = {
  view: string;
  entity: string;
  values: Readonly<Record<string, number | string | null>>;
  knownAt: Instant;
};

/** Deletes what has outlived the retention of its pipeline, and objects that nobody names. */
export type ApplyRetention = (options: {
  readonly isForReal: true;
  readonly signal: AbortSignal;
  readonly heartbeat: (detail: unknown) => void;
}) => Promise<RetentionReport>;

/** Does a piece of work that ends in rows which name objects: none of them is collected as garbage before. */
export type BesideCollection = <T>(work: () => Promise<T>) => Promise<T>;

export interface Decisions {
  /** The same key again changes nothing. */
  record(decision: DecisionRecord): Promise<void>;
}

export interface Notices {
  put(notice: Notice, deliveries: readonly { to: string; as: 'webhook' | 'slack'; secret: string | null }[]): Promise<void>;
}

/** Where a step may keep files while it runs; everything below is deleted afterwards. */
export interface Scratch {
  /** Makes a private folder (mode 0700), runs the work, removes the folder. */
  withFolder<T>(name: string, work: (folder: string) => Promise<T>): Promise<T>;
}

export type Limits = {
  /** For DuckDB, such as 256 (MiB); the worker's resident memory was seen at up to 2.2 times it. */
  readonly memoryMiB: number;
  readonly threads: number;
};

export type CpuDeps = {
  readonly ledger: StepLedger;
  readonly definitions: Definitions;
  readonly runs: Runs;
  readonly snapshots: Snapshots;
  readonly registry: Registry;
  readonly deployments: Deployments;
  readonly rollouts: Rollouts;
  readonly tallies: ArmTallies;
  readonly compareArmsOnLabels: CompareArmsOnLabels;
  readonly onlineFeatures: OnlineFeatures;
  readonly decisions: Decisions;
  readonly notices: Notices;
  readonly watch: WatchDeps;
  readonly applyRetention: ApplyRetention;
  readonly besideCollection: BesideCollection;
  readonly content: ContentStore;
  readonly scratch: Scratch;
  readonly limits: Limits;
  /** Folder of the admission child process and the like; see infra/onnx. */
  readonly countPollers: (queue: string) => Promise<number>;
  readonly openSource: OpenSource;
};

/**
 * Reads a source object by the address in its listing: a local path as it is, s3:// through the scratch folder.
 * `etag` and `bytes` are what was read, to be compared with the listing. Throws PRN_SOURCE_MISSING.
 */
export type OpenSource = (
  address: string,
  key: string,
  folder: string,
) => Promise<{ readonly file: string; readonly etag: string; readonly bytes: number }>;

export type GpuDeps = Pick<CpuDeps, 'ledger' | 'definitions' | 'content' | 'scratch' | 'runs'> & {
  /** Finds a trainer by its name in the pipeline file, sets its environment up once, and says how to launch it. */
  readonly resolveTrainer: (name: string, pipelineFolder: string | null) => Promise<TrainerLaunch>;
  /** Kept over attempts: checkpoints by training key. */
  readonly checkpointRoot: string;
  readonly threads: number;
};

export type { PipelineSpec, TrainerLaunch };
