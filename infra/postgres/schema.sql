-- Written from the catalog by `node infra/postgres/dump-schema.ts`; compared in the tests. Do not edit.
create schema perennial;

create function perennial.refuse_change() returns trigger language plpgsql as $$
    begin raise exception 'the audit log is append-only'; end $$;

create table perennial.arm_tallies (
  server_id text not null,
  epoch text not null,
  pipeline text not null,
  generation bigint not null,
  arm text not null,
  model_sha256 text not null,
  sequence bigint not null,
  tally jsonb not null,
  heard_at timestamp with time zone not null default now(),
  constraint arm_tallies_pkey PRIMARY KEY (server_id, epoch, pipeline, generation, arm, model_sha256),
  constraint arm_tallies_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name),
  constraint arm_tallies_arm_check CHECK ((arm = ANY (ARRAY['champion'::text, 'candidate'::text]))),
  constraint arm_tallies_sequence_check CHECK ((sequence > 0))
);
comment on table perennial.arm_tallies is 'Requests, units, events and latencies of an arm at one generation, by each life of a server; cumulative';
CREATE INDEX arm_tallies_by_generation ON perennial.arm_tallies USING btree (pipeline, generation);

create table perennial.audit_log (
  id bigint generated always as identity not null,
  at timestamp with time zone not null default now(),
  actor text not null,
  action text not null,
  subject text not null,
  detail jsonb not null,
  previous_sha256 text not null,
  sha256 text not null,
  constraint audit_log_pkey PRIMARY KEY (id),
  constraint audit_log_sha256_key UNIQUE (sha256)
);
comment on table perennial.audit_log is 'Append-only record of decisions; each row holds the digest of the one before';
CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE ON perennial.audit_log FOR EACH ROW EXECUTE FUNCTION perennial.refuse_change();
CREATE TRIGGER audit_log_never_emptied BEFORE TRUNCATE ON perennial.audit_log FOR EACH STATEMENT EXECUTE FUNCTION perennial.refuse_change();

create table perennial.counter_gaps (
  server_id text not null,
  epoch text not null,
  pipeline text not null,
  model_sha256 text not null,
  logged bigint not null,
  counted bigint not null,
  found_at timestamp with time zone not null default now(),
  constraint counter_gaps_pkey PRIMARY KEY (server_id, epoch, pipeline, model_sha256),
  constraint counter_gaps_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name)
);
comment on table perennial.counter_gaps is 'Predictions in the log of a server that ended without telling its last counters: at most one flush';

create table perennial.decisions (
  id bigint generated always as identity not null,
  key text not null,
  pipeline text not null,
  kind text not null,
  subject text not null,
  at timestamp with time zone not null,
  action text not null,
  reason text not null,
  record jsonb not null,
  recorded_at timestamp with time zone not null default now(),
  constraint decisions_pkey PRIMARY KEY (id),
  constraint decisions_key_key UNIQUE (key),
  constraint decisions_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name),
  constraint decisions_kind_check CHECK ((kind = ANY (ARRAY['drift'::text, 'performance'::text, 'quality'::text, 'retrain'::text, 'rollout'::text])))
);
comment on table perennial.decisions is 'Every decision of watches and rollouts, also every "no", with what it was made from';
CREATE INDEX decisions_by_pipeline ON perennial.decisions USING btree (pipeline, kind, id DESC);

create table perennial.definitions (
  sha256 text not null,
  pipeline text not null,
  file jsonb not null,
  code_version text not null,
  created_at timestamp with time zone not null default now(),
  capture jsonb default ((file -> 'serve'::text) -> 'capture'::text),
  constraint definitions_pkey PRIMARY KEY (sha256),
  constraint definitions_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name)
);
comment on table perennial.definitions is 'Every version of a pipeline file that was applied or run, by the digest of its canonical form';

create table perennial.deployments (
  pipeline text not null,
  generation bigint not null,
  champion_version integer,
  model_sha256 text,
  updated_at timestamp with time zone not null default now(),
  rollout jsonb,
  constraint deployments_pkey PRIMARY KEY (pipeline),
  constraint deployments_pipeline_champion_version_fkey FOREIGN KEY (pipeline, champion_version) REFERENCES perennial.model_versions(pipeline, version),
  constraint deployments_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name)
);
comment on table perennial.deployments is 'What should be served; servers follow it and refuse a lower generation';

create table perennial.evaluations (
  run_key text not null,
  sha256 text not null,
  pipeline text not null,
  verdict text not null,
  reason text not null,
  decision jsonb not null,
  created_at timestamp with time zone not null default now(),
  constraint evaluations_pkey PRIMARY KEY (run_key, sha256),
  constraint evaluations_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name),
  constraint evaluations_run_key_fkey FOREIGN KEY (run_key) REFERENCES perennial.runs(run_key),
  constraint evaluations_verdict_check CHECK ((verdict = ANY (ARRAY['pass'::text, 'fail'::text, 'inconclusive'::text, 'error'::text])))
);
comment on table perennial.evaluations is 'What the gate decided in a run, with the digest of the report it decided on';

create table perennial.holdout_uses (
  pipeline text not null,
  holdout text not null,
  training_key text not null,
  number integer not null,
  first_used_at timestamp with time zone not null default now(),
  constraint holdout_uses_pkey PRIMARY KEY (pipeline, holdout, training_key),
  constraint holdout_uses_pipeline_holdout_number_key UNIQUE (pipeline, holdout, number),
  constraint holdout_uses_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name),
  constraint holdout_uses_number_check CHECK ((number > 0))
);
comment on table perennial.holdout_uses is 'Which candidates were compared with a champion on a hold-out, numbered: each further one must be surer';

create table perennial.labels (
  pipeline text not null,
  subject text not null,
  label jsonb not null,
  known_at timestamp with time zone not null,
  arrived_at timestamp with time zone not null default now(),
  corrected_at timestamp with time zone,
  corrections integer not null default 0,
  constraint labels_pkey PRIMARY KEY (pipeline, subject),
  constraint labels_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name)
);
comment on table perennial.labels is 'The newest label of each subject: a prediction by its id, or what the key columns name; kept from its first arrival';
CREATE INDEX labels_by_arrival ON perennial.labels USING btree (pipeline, arrived_at);

create table perennial.migration_lock (
  id character varying(255) not null,
  is_locked integer not null default 0,
  constraint migration_lock_pkey PRIMARY KEY (id)
);
comment on table perennial.migration_lock is 'Lets one migrator work at a time; kept by the migrator';

create table perennial.migrations (
  name character varying(255) not null,
  "timestamp" character varying(255) not null,
  constraint migrations_pkey PRIMARY KEY (name)
);
comment on table perennial.migrations is 'Which migrations were applied; kept by the migrator';

create table perennial.model_versions (
  pipeline text not null,
  version integer not null,
  stage text not null,
  model_sha256 text not null,
  onnx_sha256 text not null,
  training_key text not null,
  definition_sha256 text,
  code_version text not null,
  snapshot_sha256 text,
  feature_set_sha256 text not null,
  trainer text not null,
  parameters jsonb not null,
  metrics jsonb not null,
  run_key text,
  created_at timestamp with time zone not null default now(),
  profile_sha256 text,
  constraint model_versions_pkey PRIMARY KEY (pipeline, version),
  constraint model_versions_pipeline_training_key_key UNIQUE (pipeline, training_key),
  constraint model_versions_definition_sha256_fkey FOREIGN KEY (definition_sha256) REFERENCES perennial.definitions(sha256),
  constraint model_versions_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name),
  constraint model_versions_run_key_fkey FOREIGN KEY (run_key) REFERENCES perennial.runs(run_key),
  constraint model_versions_snapshot_sha256_fkey FOREIGN KEY (snapshot_sha256) REFERENCES perennial.snapshots(sha256),
  constraint model_versions_stage_check CHECK ((stage = ANY (ARRAY['registered'::text, 'champion'::text, 'retired'::text, 'rejected'::text]))),
  constraint model_versions_version_check CHECK ((version > 0))
);
comment on table perennial.model_versions is 'Registered models with their lineage: one row a training key, at most one champion a pipeline';
CREATE UNIQUE INDEX one_champion ON perennial.model_versions USING btree (pipeline) WHERE (stage = 'champion'::text);

create table perennial.notices (
  key text not null,
  target text not null,
  pipeline text not null,
  event text not null,
  notice jsonb not null,
  delivery jsonb not null,
  created_at timestamp with time zone not null default now(),
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone not null default now(),
  last_error text,
  delivered_at timestamp with time zone,
  given_up_at timestamp with time zone,
  constraint notices_pkey PRIMARY KEY (key, target),
  constraint notices_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name)
);
comment on table perennial.notices is 'What people should be told, until it is delivered: an outbox';
CREATE INDEX notices_waiting ON perennial.notices USING btree (next_attempt_at) WHERE ((delivered_at IS NULL) AND (given_up_at IS NULL));

create table perennial.online_features (
  pipeline text not null,
  view text not null,
  entity text not null,
  "values" jsonb not null,
  known_at timestamp with time zone not null,
  publication text not null,
  constraint online_features_pkey PRIMARY KEY (pipeline, view, entity),
  constraint online_features_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name)
);
comment on table perennial.online_features is 'Newest value of each view per entity, as the servers look them up';

create table perennial.parts (
  sha256 text not null,
  bytes bigint not null,
  rows bigint not null,
  first_arrived_at timestamp with time zone not null default now(),
  constraint parts_pkey PRIMARY KEY (sha256)
);
comment on table perennial.parts is 'Objects of datasets with the instant of their first arrival (the second of the two times)';

create table perennial.pipelines (
  name text not null,
  definition_sha256 text,
  folder text,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  paused_at timestamp with time zone,
  paused_by text,
  paused_reason text,
  deleted_at timestamp with time zone,
  constraint pipelines_pkey PRIMARY KEY (name),
  constraint pipelines_definition_sha256_fkey FOREIGN KEY (definition_sha256) REFERENCES perennial.definitions(sha256)
);
comment on table perennial.pipelines is 'A pipeline, with the definition that is applied now';

create table perennial.prediction_parts (
  pipeline text not null,
  hour timestamp with time zone not null,
  server_id text not null,
  epoch text not null,
  segment integer not null,
  sha256 text not null,
  rows bigint not null,
  bytes bigint not null,
  first_event_at timestamp with time zone,
  last_event_at timestamp with time zone,
  shipped_at timestamp with time zone not null default now(),
  constraint prediction_parts_pkey PRIMARY KEY (pipeline, hour, server_id, epoch, segment),
  constraint prediction_parts_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name)
);
comment on table perennial.prediction_parts is 'Shipped logs of predictions: one Parquet object for each log segment, pipeline and hour of the answer';
CREATE INDEX prediction_parts_by_event ON perennial.prediction_parts USING btree (pipeline, last_event_at);

create table perennial.promotions (
  pipeline text not null,
  generation bigint not null,
  kind text not null,
  version integer,
  previous_version integer,
  operation_key text not null,
  actor text not null,
  reason text not null,
  promoted_at timestamp with time zone not null default now(),
  constraint promotions_pkey PRIMARY KEY (pipeline, generation),
  constraint promotions_operation_key_key UNIQUE (operation_key),
  constraint promotions_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name),
  constraint promotions_kind_check CHECK ((kind = ANY (ARRAY['promote'::text, 'rollback'::text])))
);
comment on table perennial.promotions is 'Every change of champion; the operation key makes a repeated one a no-op';

create table perennial.publication_log (
  id bigint generated always as identity not null,
  pipeline text not null,
  publication text not null,
  snapshot_sha256 text not null,
  began_at timestamp with time zone not null,
  published_at timestamp with time zone not null,
  constraint publication_log_pkey PRIMARY KEY (id),
  constraint publication_log_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name)
);
comment on table perennial.publication_log is 'Every change of the published features, with the snapshot that they were computed from';
CREATE INDEX publication_log_by_pipeline ON perennial.publication_log USING btree (pipeline, id DESC);

create table perennial.publications (
  pipeline text not null,
  publication text not null,
  rows bigint not null,
  published_at timestamp with time zone not null default now(),
  constraint publications_pkey PRIMARY KEY (pipeline),
  constraint publications_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name)
);
comment on table perennial.publications is 'Which set of online features is published';

create table perennial.quarantined_windows (
  pipeline text not null,
  profile_sha256 text not null,
  window_from timestamp with time zone not null,
  window_to timestamp with time zone not null,
  breaches jsonb not null,
  rows bigint not null,
  quarantined_at timestamp with time zone not null default now(),
  released_at timestamp with time zone,
  constraint quarantined_windows_pkey PRIMARY KEY (pipeline, profile_sha256, window_from, window_to),
  constraint quarantined_windows_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name)
);
comment on table perennial.quarantined_windows is 'Windows whose data are broken: they count for no drift and no performance';

create table perennial.retention_log (
  id bigint generated always as identity not null,
  pipeline text not null,
  what text not null,
  before timestamp with time zone,
  items bigint not null,
  rows bigint not null,
  deleted_at timestamp with time zone not null default now(),
  constraint retention_log_pkey PRIMARY KEY (id),
  constraint retention_log_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name),
  constraint retention_log_items_check CHECK ((items > 0)),
  constraint retention_log_what_check CHECK ((what = ANY (ARRAY['predictions'::text, 'labels'::text, 'snapshots'::text, 'runs'::text])))
);
comment on table perennial.retention_log is 'What the retention of pipelines deleted, written with each deletion';

create table perennial.rollouts (
  id text not null,
  pipeline text not null,
  version integer not null,
  champion_version integer,
  strategy text not null,
  workflow_id text not null,
  policy jsonb not null,
  state text not null,
  segments jsonb not null,
  started_by text not null,
  reason text not null,
  harmed jsonb,
  started_at timestamp with time zone not null default now(),
  ended_at timestamp with time zone,
  constraint rollouts_pkey PRIMARY KEY (id),
  constraint rollouts_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name),
  constraint rollouts_pipeline_version_fkey FOREIGN KEY (pipeline, version) REFERENCES perennial.model_versions(pipeline, version),
  constraint rollouts_state_check CHECK ((state = ANY (ARRAY['running'::text, 'promoted'::text, 'rolled back'::text])))
);
comment on table perennial.rollouts is 'Candidates that were rolled out, with their shares by generation; one at a time for each pipeline';
CREATE UNIQUE INDEX one_rollout ON perennial.rollouts USING btree (pipeline) WHERE (state = 'running'::text);

create table perennial.run_metrics (
  run_key text not null,
  name text not null,
  step bigint not null,
  value double precision not null,
  recorded_at timestamp with time zone not null default now(),
  constraint run_metrics_pkey PRIMARY KEY (run_key, name, step),
  constraint run_metrics_run_key_fkey FOREIGN KEY (run_key) REFERENCES perennial.runs(run_key)
);
comment on table perennial.run_metrics is 'Numbers that a trainer reported on the way, by step';

create table perennial.run_stages (
  run_key text not null,
  stage text not null,
  state text not null,
  summary text not null,
  started_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint run_stages_pkey PRIMARY KEY (run_key, stage),
  constraint run_stages_run_key_fkey FOREIGN KEY (run_key) REFERENCES perennial.runs(run_key),
  constraint run_stages_state_check CHECK ((state = ANY (ARRAY['started'::text, 'done'::text, 'waiting'::text])))
);
comment on table perennial.run_stages is 'How far a run came, for status and console; the history in Temporal is the full record';

create table perennial.runs (
  run_key text not null,
  pipeline text not null,
  workflow_id text not null,
  definition_sha256 text not null,
  code_version text not null,
  listing_sha256 text not null,
  cutoff timestamp with time zone,
  trigger_kind text not null,
  trigger_by text not null,
  trigger_reason text not null,
  started_at timestamp with time zone not null default now(),
  ended_at timestamp with time zone,
  outcome text,
  result jsonb,
  constraint runs_pkey PRIMARY KEY (run_key),
  constraint runs_workflow_id_key UNIQUE (workflow_id),
  constraint runs_definition_sha256_fkey FOREIGN KEY (definition_sha256) REFERENCES perennial.definitions(sha256),
  constraint runs_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name),
  constraint runs_outcome_check CHECK ((outcome = ANY (ARRAY['promoted'::text, 'rejected'::text, 'inconclusive'::text, 'held'::text, 'failed'::text])))
);
comment on table perennial.runs is 'One row a run: what it was asked to do and how it ended';
CREATE INDEX runs_by_pipeline ON perennial.runs USING btree (pipeline, started_at DESC);

create table perennial.server_reports (
  server_id text not null,
  pipeline text not null,
  generation bigint not null,
  model_sha256 text,
  state text not null,
  reason text,
  reported_at timestamp with time zone not null default now(),
  candidate_sha256 text,
  share double precision not null default 0,
  told_until timestamp with time zone,
  constraint server_reports_pkey PRIMARY KEY (server_id, pipeline),
  constraint server_reports_state_check CHECK ((state = ANY (ARRAY['loading'::text, 'serving'::text, 'refused'::text])))
);
comment on table perennial.server_reports is 'What each server says that it serves now';

create table perennial.snapshots (
  sha256 text not null,
  pipeline text not null,
  rows bigint not null,
  bytes bigint not null,
  part_count integer not null,
  first_event_at timestamp with time zone,
  last_event_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  collected_at timestamp with time zone,
  constraint snapshots_pkey PRIMARY KEY (sha256),
  constraint snapshots_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name)
);
comment on table perennial.snapshots is 'Frozen datasets; the digest of the manifest is the data version';
CREATE INDEX snapshots_by_pipeline ON perennial.snapshots USING btree (pipeline, created_at DESC);

create table perennial.step_results (
  key text not null,
  step text not null,
  result jsonb not null,
  recorded_at timestamp with time zone not null default now(),
  constraint step_results_pkey PRIMARY KEY (key)
);
comment on table perennial.step_results is 'Result of a step by its idempotency key; the first one stands';

create table perennial.watch_looks (
  pipeline text not null,
  looked_at timestamp with time zone not null,
  due_at timestamp with time zone not null,
  constraint watch_looks_pkey PRIMARY KEY (pipeline),
  constraint watch_looks_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name)
);
comment on table perennial.watch_looks is 'The last look of each watch that measured all it asked for, and when the next is due: a watch that is gone is overdue';

create table perennial.watch_reports (
  pipeline text not null,
  kind text not null,
  profile_sha256 text not null,
  window_from timestamp with time zone not null,
  window_to timestamp with time zone not null,
  sha256 text not null,
  outcome text not null,
  summary jsonb not null,
  measured_at timestamp with time zone not null default now(),
  constraint watch_reports_pkey PRIMARY KEY (pipeline, kind, profile_sha256, window_from, window_to),
  constraint watch_reports_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name),
  constraint watch_reports_kind_check CHECK ((kind = ANY (ARRAY['drift'::text, 'performance'::text, 'skew'::text])))
);
comment on table perennial.watch_reports is 'Reports of a watch by window; a closed window is measured once';
CREATE INDEX watch_reports_newest ON perennial.watch_reports USING btree (pipeline, kind, window_to DESC);

create table perennial.webhook_deliveries (
  source text not null,
  delivery_id text not null,
  pipeline text not null,
  body_sha256 text not null,
  message jsonb not null,
  received_at timestamp with time zone not null default now(),
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone not null default now(),
  last_error text,
  handed_over_at timestamp with time zone,
  constraint webhook_deliveries_pkey PRIMARY KEY (source, delivery_id)
);
comment on table perennial.webhook_deliveries is 'Webhooks that were accepted, until Temporal has taken them; each id of a source once';
CREATE INDEX webhook_deliveries_of_labels ON perennial.webhook_deliveries USING btree (pipeline, received_at DESC) WHERE (source = 'labels'::text);
CREATE INDEX webhook_deliveries_waiting ON perennial.webhook_deliveries USING btree (next_attempt_at) WHERE (handed_over_at IS NULL);

create table perennial.window_tallies (
  server_id text not null,
  epoch text not null,
  arm text not null,
  model_sha256 text not null,
  profile_sha256 text not null,
  window_from timestamp with time zone not null,
  window_to timestamp with time zone not null,
  pipeline text not null,
  sequence bigint not null,
  rows bigint not null,
  tally jsonb not null,
  heard_at timestamp with time zone not null default now(),
  constraint window_tallies_pkey PRIMARY KEY (server_id, epoch, arm, model_sha256, profile_sha256, window_from, window_to),
  constraint window_tallies_pipeline_fkey FOREIGN KEY (pipeline) REFERENCES perennial.pipelines(name),
  constraint window_tallies_sequence_check CHECK ((sequence > 0))
);
comment on table perennial.window_tallies is 'What each life of a server counted into a window of a reference profile; cumulative, the highest sequence holds';
CREATE INDEX window_tallies_by_window ON perennial.window_tallies USING btree (pipeline, profile_sha256, window_from);
