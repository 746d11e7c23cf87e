/**
 * Row types of the schema `perennial`, three-way as kysely has them: what is read, inserted, updated.
 * They are not contracts: the modules beside this one map rows to contracts at the edge.
 */
import type { ColumnType, Generated } from 'kysely';

/** All our tables live in this schema, so that a shared database stays tidy. */
export const databaseSchema = 'perennial';

/** Channels of LISTEN and NOTIFY. */
export const channels = { serving: 'perennial_serving' } as const;

/** PostgreSQL sends 64-bit integers as text. */
type BigInteger = ColumnType<string, number | string, number | string>;
type Timestamp = ColumnType<Date, Date | string, Date | string>;
type DefaultTimestamp = ColumnType<Date, Date | string | undefined, Date | string>;
/** Written as JSON text: the driver would take a bare array for a PostgreSQL array. */
type Json = ColumnType<unknown, string, string>;

export type PipelinesTable = {
  name: string;
  definition_sha256: string | null;
  folder: string | null;
  created_at: DefaultTimestamp;
  updated_at: DefaultTimestamp;
  paused_at: Timestamp | null;
  paused_by: string | null;
  paused_reason: string | null;
  deleted_at: Timestamp | null;
};

export type DefinitionsTable = {
  sha256: string;
  pipeline: string;
  file: Json;
  code_version: string;
  created_at: DefaultTimestamp;
  /** Of the file, by the database itself. */
  capture: Generated<unknown>;
};

export type RunsTable = {
  run_key: string;
  pipeline: string;
  workflow_id: string;
  definition_sha256: string;
  code_version: string;
  listing_sha256: string;
  cutoff: Timestamp | null;
  trigger_kind: string;
  trigger_by: string;
  trigger_reason: string;
  started_at: DefaultTimestamp;
  ended_at: Timestamp | null;
  outcome: 'promoted' | 'rejected' | 'inconclusive' | 'held' | 'failed' | null;
  result: Json | null;
};

export type RunStagesTable = {
  run_key: string;
  stage: string;
  state: 'started' | 'done' | 'waiting';
  summary: string;
  started_at: DefaultTimestamp;
  updated_at: DefaultTimestamp;
};

export type RunMetricsTable = {
  run_key: string;
  name: string;
  step: BigInteger;
  value: number;
  recorded_at: DefaultTimestamp;
};

export type StepResultsTable = { key: string; step: string; result: Json; recorded_at: DefaultTimestamp };

export type PartsTable = { sha256: string; bytes: BigInteger; rows: BigInteger; first_arrived_at: DefaultTimestamp };

export type SnapshotsTable = {
  sha256: string;
  pipeline: string;
  rows: BigInteger;
  bytes: BigInteger;
  part_count: number;
  first_event_at: Timestamp | null;
  last_event_at: Timestamp | null;
  created_at: DefaultTimestamp;
  collected_at: Timestamp | null;
};

export type EvaluationsTable = {
  sha256: string;
  pipeline: string;
  run_key: string;
  verdict: 'pass' | 'fail' | 'inconclusive' | 'error';
  reason: string;
  decision: Json;
  created_at: DefaultTimestamp;
};

export type HoldoutUsesTable = {
  pipeline: string;
  holdout: string;
  training_key: string;
  number: number;
  first_used_at: DefaultTimestamp;
};

export type ModelVersionsTable = {
  pipeline: string;
  version: number;
  stage: 'registered' | 'champion' | 'retired' | 'rejected';
  model_sha256: string;
  onnx_sha256: string;
  training_key: string;
  definition_sha256: string | null;
  code_version: string;
  snapshot_sha256: string | null;
  feature_set_sha256: string;
  profile_sha256: string | null;
  trainer: string;
  parameters: Json;
  metrics: Json;
  run_key: string | null;
  created_at: DefaultTimestamp;
};

export type DeploymentsTable = {
  pipeline: string;
  generation: BigInteger;
  champion_version: number | null;
  model_sha256: string | null;
  rollout: Json | null;
  updated_at: DefaultTimestamp;
};

export type PromotionsTable = {
  pipeline: string;
  generation: BigInteger;
  kind: 'promote' | 'rollback';
  version: number | null;
  previous_version: number | null;
  operation_key: string;
  actor: string;
  reason: string;
  promoted_at: DefaultTimestamp;
};

export type ServerReportsTable = {
  server_id: string;
  pipeline: string;
  generation: BigInteger;
  model_sha256: string | null;
  candidate_sha256: string | null;
  share: number;
  state: 'loading' | 'serving' | 'refused';
  reason: string | null;
  reported_at: DefaultTimestamp;
  told_until: Generated<Date | null>;
};

export type WindowTalliesTable = {
  server_id: string;
  epoch: string;
  arm: string;
  model_sha256: string;
  profile_sha256: string;
  window_from: Timestamp;
  window_to: Timestamp;
  pipeline: string;
  sequence: BigInteger;
  rows: BigInteger;
  tally: Json;
  heard_at: DefaultTimestamp;
};

export type ArmTalliesTable = {
  server_id: string;
  epoch: string;
  pipeline: string;
  generation: BigInteger;
  arm: 'champion' | 'candidate';
  model_sha256: string;
  sequence: BigInteger;
  tally: Json;
  heard_at: DefaultTimestamp;
};

export type CounterGapsTable = {
  server_id: string;
  epoch: string;
  pipeline: string;
  model_sha256: string;
  logged: BigInteger;
  counted: BigInteger;
  found_at: DefaultTimestamp;
};

export type PredictionPartsTable = {
  pipeline: string;
  hour: Timestamp;
  server_id: string;
  epoch: string;
  segment: number;
  sha256: string;
  rows: BigInteger;
  bytes: BigInteger;
  first_event_at: Timestamp | null;
  last_event_at: Timestamp | null;
  shipped_at: DefaultTimestamp;
};

export type LabelsTable = {
  pipeline: string;
  subject: string;
  label: Json;
  known_at: Timestamp;
  arrived_at: DefaultTimestamp;
  corrected_at: Timestamp | null;
  corrections: Generated<number>;
};

export type DecisionsTable = {
  id: Generated<string>;
  key: string;
  pipeline: string;
  kind: 'drift' | 'performance' | 'quality' | 'retrain' | 'rollout';
  subject: string;
  at: Timestamp;
  action: string;
  reason: string;
  record: Json;
  recorded_at: DefaultTimestamp;
};

export type WatchReportsTable = {
  pipeline: string;
  kind: 'drift' | 'performance' | 'skew';
  profile_sha256: string;
  window_from: Timestamp;
  window_to: Timestamp;
  sha256: string;
  outcome: string;
  summary: Json;
  measured_at: DefaultTimestamp;
};

export type QuarantinedWindowsTable = {
  pipeline: string;
  profile_sha256: string;
  window_from: Timestamp;
  window_to: Timestamp;
  breaches: Json;
  rows: BigInteger;
  quarantined_at: DefaultTimestamp;
  released_at: Timestamp | null;
};

export type RolloutsTable = {
  id: string;
  pipeline: string;
  version: number;
  champion_version: number | null;
  strategy: string;
  workflow_id: string;
  policy: Json;
  state: 'running' | 'promoted' | 'rolled back';
  segments: Json;
  started_by: string;
  reason: string;
  harmed: Json | null;
  started_at: DefaultTimestamp;
  ended_at: Timestamp | null;
};

export type WebhookDeliveriesTable = {
  source: string;
  delivery_id: string;
  pipeline: string;
  body_sha256: string;
  message: Json;
  received_at: DefaultTimestamp;
  attempts: Generated<number>;
  next_attempt_at: DefaultTimestamp;
  last_error: string | null;
  handed_over_at: Timestamp | null;
};

export type NoticesTable = {
  key: string;
  target: string;
  pipeline: string;
  event: string;
  notice: Json;
  delivery: Json;
  created_at: DefaultTimestamp;
  attempts: Generated<number>;
  next_attempt_at: DefaultTimestamp;
  last_error: string | null;
  delivered_at: Timestamp | null;
  given_up_at: Timestamp | null;
};

export type OnlineFeaturesTable = {
  pipeline: string;
  view: string;
  entity: string;
  values: Json;
  known_at: Timestamp;
  publication: string;
};

export type PublicationsTable = { pipeline: string; publication: string; rows: BigInteger; published_at: DefaultTimestamp };

export type PublicationLogTable = {
  id: Generated<string>;
  pipeline: string;
  publication: string;
  snapshot_sha256: string;
  began_at: Timestamp;
  published_at: Timestamp;
};

export type RetentionLogTable = {
  id: Generated<string>;
  pipeline: string;
  what: 'predictions' | 'labels' | 'snapshots' | 'runs';
  before: Timestamp | null;
  items: BigInteger;
  rows: BigInteger;
  deleted_at: DefaultTimestamp;
};

export type WatchLooksTable = {
  pipeline: string;
  looked_at: Timestamp;
  due_at: Timestamp;
};

export type AuditLogTable = {
  id: Generated<string>;
  at: Timestamp;
  actor: string;
  action: string;
  subject: string;
  detail: Json;
  previous_sha256: string;
  sha256: string;
};

export type Tables = {
  pipelines: PipelinesTable;
  definitions: DefinitionsTable;
  runs: RunsTable;
  run_stages: RunStagesTable;
  run_metrics: RunMetricsTable;
  step_results: StepResultsTable;
  parts: PartsTable;
  snapshots: SnapshotsTable;
  evaluations: EvaluationsTable;
  holdout_uses: HoldoutUsesTable;
  model_versions: ModelVersionsTable;
  deployments: DeploymentsTable;
  promotions: PromotionsTable;
  server_reports: ServerReportsTable;
  window_tallies: WindowTalliesTable;
  arm_tallies: ArmTalliesTable;
  counter_gaps: CounterGapsTable;
  prediction_parts: PredictionPartsTable;
  labels: LabelsTable;
  decisions: DecisionsTable;
  watch_reports: WatchReportsTable;
  quarantined_windows: QuarantinedWindowsTable;
  rollouts: RolloutsTable;
  webhook_deliveries: WebhookDeliveriesTable;
  notices: NoticesTable;
  online_features: OnlineFeaturesTable;
  publications: PublicationsTable;
  publication_log: PublicationLogTable;
  retention_log: RetentionLogTable;
  watch_looks: WatchLooksTable;
  audit_log: AuditLogTable;
};
