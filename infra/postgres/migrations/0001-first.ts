import { type Kysely, sql } from 'kysely';

/** Written for PostgreSQL 15 and newer. Every effect of a step has a unique constraint here or a content address. */
const statements = [
  `create table perennial.pipelines (
    name text primary key,
    definition_sha256 text,
    folder text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  )`,
  `create table perennial.definitions (
    sha256 text primary key,
    pipeline text not null references perennial.pipelines(name),
    file jsonb not null,
    code_version text not null,
    created_at timestamptz not null default now()
  )`,
  `alter table perennial.pipelines add foreign key (definition_sha256) references perennial.definitions(sha256)`,
  `create table perennial.runs (
    run_key text primary key,
    pipeline text not null references perennial.pipelines(name),
    workflow_id text not null unique,
    definition_sha256 text not null references perennial.definitions(sha256),
    code_version text not null,
    listing_sha256 text not null,
    cutoff timestamptz,
    trigger_kind text not null,
    trigger_by text not null,
    trigger_reason text not null,
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    outcome text check (outcome in ('promoted', 'rejected', 'inconclusive', 'held', 'failed')),
    result jsonb
  )`,
  `create index runs_by_pipeline on perennial.runs (pipeline, started_at desc)`,
  `create table perennial.run_stages (
    run_key text not null references perennial.runs(run_key),
    stage text not null,
    state text not null check (state in ('started', 'done', 'waiting')),
    summary text not null,
    started_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (run_key, stage)
  )`,
  `create table perennial.run_metrics (
    run_key text not null references perennial.runs(run_key),
    name text not null,
    step bigint not null,
    value double precision not null,
    recorded_at timestamptz not null default now(),
    primary key (run_key, name, step)
  )`,
  `create table perennial.step_results (
    key text primary key,
    step text not null,
    result jsonb not null,
    recorded_at timestamptz not null default now()
  )`,
  `create table perennial.parts (
    sha256 text primary key,
    bytes bigint not null,
    rows bigint not null,
    first_arrived_at timestamptz not null default now()
  )`,
  `create table perennial.snapshots (
    sha256 text primary key,
    pipeline text not null references perennial.pipelines(name),
    rows bigint not null,
    bytes bigint not null,
    part_count integer not null,
    first_event_at timestamptz,
    last_event_at timestamptz,
    created_at timestamptz not null default now()
  )`,
  `create index snapshots_by_pipeline on perennial.snapshots (pipeline, created_at desc)`,
  `create table perennial.evaluations (
    run_key text not null references perennial.runs(run_key),
    sha256 text not null,
    pipeline text not null references perennial.pipelines(name),
    verdict text not null check (verdict in ('pass', 'fail', 'inconclusive', 'error')),
    reason text not null,
    decision jsonb not null,
    created_at timestamptz not null default now(),
    primary key (run_key, sha256)
  )`,
  `create table perennial.model_versions (
    pipeline text not null references perennial.pipelines(name),
    version integer not null check (version > 0),
    stage text not null check (stage in ('registered', 'champion', 'retired', 'rejected')),
    model_sha256 text not null,
    onnx_sha256 text not null,
    training_key text not null,
    definition_sha256 text references perennial.definitions(sha256),
    code_version text not null,
    snapshot_sha256 text references perennial.snapshots(sha256),
    feature_set_sha256 text not null,
    trainer text not null,
    parameters jsonb not null,
    metrics jsonb not null,
    run_key text references perennial.runs(run_key),
    created_at timestamptz not null default now(),
    primary key (pipeline, version),
    unique (pipeline, training_key)
  )`,
  `create unique index one_champion on perennial.model_versions (pipeline) where stage = 'champion'`,
  `create table perennial.deployments (
    pipeline text primary key references perennial.pipelines(name),
    generation bigint not null,
    champion_version integer,
    model_sha256 text,
    updated_at timestamptz not null default now(),
    foreign key (pipeline, champion_version) references perennial.model_versions (pipeline, version)
  )`,
  `create table perennial.promotions (
    pipeline text not null references perennial.pipelines(name),
    generation bigint not null,
    kind text not null check (kind in ('promote', 'rollback')),
    version integer,
    previous_version integer,
    operation_key text not null unique,
    actor text not null,
    reason text not null,
    promoted_at timestamptz not null default now(),
    primary key (pipeline, generation)
  )`,
  `create table perennial.server_reports (
    server_id text not null,
    pipeline text not null,
    generation bigint not null,
    model_sha256 text,
    state text not null check (state in ('loading', 'serving', 'refused')),
    reason text,
    reported_at timestamptz not null default now(),
    primary key (server_id, pipeline)
  )`,
  `create table perennial.online_features (
    pipeline text not null references perennial.pipelines(name),
    view text not null,
    entity text not null,
    "values" jsonb not null,
    known_at timestamptz not null,
    publication text not null,
    primary key (pipeline, view, entity)
  )`,
  `create table perennial.publications (
    pipeline text primary key references perennial.pipelines(name),
    publication text not null,
    rows bigint not null,
    published_at timestamptz not null default now()
  )`,
  `create table perennial.audit_log (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    subject text not null,
    detail jsonb not null,
    previous_sha256 text not null,
    sha256 text not null unique
  )`,
  `create function perennial.refuse_change() returns trigger language plpgsql as $$
    begin raise exception 'the audit log is append-only'; end $$`,
  `create trigger audit_log_append_only before update or delete on perennial.audit_log
    for each row execute function perennial.refuse_change()`,
  `create trigger audit_log_never_emptied before truncate on perennial.audit_log
    for each statement execute function perennial.refuse_change()`,
];

/** What each table is for, kept in the database for whoever opens it with another tool. */
const comments = {
  migrations: 'Which migrations were applied; kept by the migrator',
  migration_lock: 'Lets one migrator work at a time; kept by the migrator',
  pipelines: 'A pipeline, with the definition that is applied now',
  definitions: 'Every version of a pipeline file that was applied or run, by the digest of its canonical form',
  runs: 'One row a run: what it was asked to do and how it ended',
  run_stages: 'How far a run came, for status and console; the history in Temporal is the full record',
  run_metrics: 'Numbers that a trainer reported on the way, by step',
  step_results: 'Result of a step by its idempotency key; the first one stands',
  parts: 'Objects of datasets with the instant of their first arrival (the second of the two times)',
  snapshots: 'Frozen datasets; the digest of the manifest is the data version',
  evaluations: 'What the gate decided in a run, with the digest of the report it decided on',
  model_versions: 'Registered models with their lineage: one row a training key, at most one champion a pipeline',
  deployments: 'What should be served; servers follow it and refuse a lower generation',
  promotions: 'Every change of champion; the operation key makes a repeated one a no-op',
  server_reports: 'What each server says that it serves now',
  online_features: 'Newest value of each view per entity, as the servers look them up',
  publications: 'Which set of online features is published',
  audit_log: 'Append-only record of decisions; each row holds the digest of the one before',
};

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
  for (const [table, comment] of Object.entries(comments)) {
    await sql`comment on table ${sql.id('perennial', table)} is ${sql.lit(comment)}`.execute(db);
  }
};
