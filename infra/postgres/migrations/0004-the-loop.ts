import { type Kysely, sql } from 'kysely';

/** Servers, and what they count. */
const serving = [
  `alter table perennial.deployments add column rollout jsonb`,
  `alter table perennial.server_reports add column candidate_sha256 text`,
  `alter table perennial.server_reports add column share double precision not null default 0`,
  `create table perennial.window_tallies (
    server_id text not null,
    epoch text not null,
    arm text not null,
    model_sha256 text not null,
    profile_sha256 text not null,
    window_from timestamptz not null,
    window_to timestamptz not null,
    pipeline text not null references perennial.pipelines(name),
    sequence bigint not null check (sequence > 0),
    rows bigint not null,
    tally jsonb not null,
    heard_at timestamptz not null default now(),
    primary key (server_id, epoch, arm, model_sha256, profile_sha256, window_from, window_to)
  )`,
  `comment on table perennial.window_tallies is
    'What each life of a server counted into a window of a reference profile; cumulative, the highest sequence holds'`,
  `create index window_tallies_by_window on perennial.window_tallies (pipeline, profile_sha256, window_from)`,
  `create table perennial.arm_tallies (
    server_id text not null,
    epoch text not null,
    pipeline text not null references perennial.pipelines(name),
    generation bigint not null,
    arm text not null check (arm in ('champion', 'candidate')),
    model_sha256 text not null,
    sequence bigint not null check (sequence > 0),
    tally jsonb not null,
    heard_at timestamptz not null default now(),
    primary key (server_id, epoch, pipeline, generation, arm, model_sha256)
  )`,
  `comment on table perennial.arm_tallies is
    'Requests, units, events and latencies of an arm at one generation, by each life of a server; cumulative'`,
  `create index arm_tallies_by_generation on perennial.arm_tallies (pipeline, generation)`,
  `create table perennial.counter_gaps (
    server_id text not null,
    epoch text not null,
    pipeline text not null references perennial.pipelines(name),
    model_sha256 text not null,
    logged bigint not null,
    counted bigint not null,
    found_at timestamptz not null default now(),
    primary key (server_id, epoch, pipeline, model_sha256)
  )`,
  `comment on table perennial.counter_gaps is
    'Predictions in the log of a server that ended without telling its last counters: at most one flush'`,
];

/** Predictions and the truth about them. */
const truth = [
  `create table perennial.prediction_parts (
    pipeline text not null references perennial.pipelines(name),
    hour timestamptz not null,
    server_id text not null,
    epoch text not null,
    segment integer not null,
    sha256 text not null,
    rows bigint not null,
    bytes bigint not null,
    first_event_at timestamptz,
    last_event_at timestamptz,
    shipped_at timestamptz not null default now(),
    primary key (pipeline, hour, server_id, epoch, segment)
  )`,
  `comment on table perennial.prediction_parts is
    'Shipped logs of predictions: one Parquet object for each log segment, pipeline and hour of the answer'`,
  `create index prediction_parts_by_event on perennial.prediction_parts (pipeline, last_event_at)`,
  `create table perennial.labels (
    pipeline text not null references perennial.pipelines(name),
    subject text collate "C" not null,
    label jsonb not null,
    known_at timestamptz not null,
    arrived_at timestamptz not null default now(),
    corrected_at timestamptz,
    corrections integer not null default 0,
    primary key (pipeline, subject)
  )`,
  `comment on table perennial.labels is
    'The newest label of each subject: a prediction by its id, or what the key columns name; kept from its first arrival'`,
  `create index labels_by_arrival on perennial.labels (pipeline, arrived_at)`,
];

/** What servers looked up, and when. */
const publications = [
  `create table perennial.publication_log (
    id bigint generated always as identity primary key,
    pipeline text not null references perennial.pipelines(name),
    publication text not null,
    snapshot_sha256 text not null,
    began_at timestamptz not null,
    published_at timestamptz not null
  )`,
  `comment on table perennial.publication_log is
    'Every change of the published features, with the snapshot that they were computed from'`,
  `create index publication_log_by_pipeline on perennial.publication_log (pipeline, id desc)`,
];

/** What was measured and decided. */
const decisions = [
  `create table perennial.decisions (
    id bigint generated always as identity primary key,
    key text not null unique,
    pipeline text not null references perennial.pipelines(name),
    kind text not null check (kind in ('drift', 'performance', 'quality', 'retrain', 'rollout')),
    subject text not null,
    at timestamptz not null,
    action text not null,
    reason text not null,
    record jsonb not null,
    recorded_at timestamptz not null default now()
  )`,
  `comment on table perennial.decisions is 'Every decision of watches and rollouts, also every "no", with what it was made from'`,
  `create index decisions_by_pipeline on perennial.decisions (pipeline, kind, id desc)`,
  `create table perennial.watch_reports (
    pipeline text not null references perennial.pipelines(name),
    kind text not null check (kind in ('drift', 'performance', 'skew')),
    profile_sha256 text not null,
    window_from timestamptz not null,
    window_to timestamptz not null,
    sha256 text not null,
    outcome text not null,
    summary jsonb not null,
    measured_at timestamptz not null default now(),
    primary key (pipeline, kind, profile_sha256, window_from, window_to)
  )`,
  `comment on table perennial.watch_reports is 'Reports of a watch by window; a closed window is measured once'`,
  `create index watch_reports_newest on perennial.watch_reports (pipeline, kind, window_to desc)`,
  `create table perennial.quarantined_windows (
    pipeline text not null references perennial.pipelines(name),
    profile_sha256 text not null,
    window_from timestamptz not null,
    window_to timestamptz not null,
    breaches jsonb not null,
    rows bigint not null,
    quarantined_at timestamptz not null default now(),
    released_at timestamptz,
    primary key (pipeline, profile_sha256, window_from, window_to)
  )`,
  `comment on table perennial.quarantined_windows is 'Windows whose data are broken: they count for no drift and no performance'`,
  `create table perennial.rollouts (
    id text primary key,
    pipeline text not null references perennial.pipelines(name),
    version integer not null,
    champion_version integer,
    strategy text not null,
    workflow_id text not null,
    policy jsonb not null,
    state text not null check (state in ('running', 'promoted', 'rolled back')),
    segments jsonb not null,
    started_by text not null,
    reason text not null,
    harmed jsonb,
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    foreign key (pipeline, version) references perennial.model_versions(pipeline, version)
  )`,
  `comment on table perennial.rollouts is 'Candidates that were rolled out, with their shares by generation; one at a time for each pipeline'`,
  `create unique index one_rollout on perennial.rollouts (pipeline) where state = 'running'`,
];

/** Ways in and out. */
const ways = [
  `create table perennial.webhook_deliveries (
    source text not null,
    delivery_id text not null,
    pipeline text not null,
    body_sha256 text not null,
    message jsonb not null,
    received_at timestamptz not null default now(),
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default now(),
    last_error text,
    handed_over_at timestamptz,
    primary key (source, delivery_id)
  )`,
  `comment on table perennial.webhook_deliveries is 'Webhooks that were accepted, until Temporal has taken them; each id of a source once'`,
  `create index webhook_deliveries_waiting on perennial.webhook_deliveries (next_attempt_at) where handed_over_at is null`,
  `create index webhook_deliveries_of_labels on perennial.webhook_deliveries (pipeline, received_at desc) where source = 'labels'`,
  `create table perennial.notices (
    key text not null,
    target text not null,
    pipeline text not null references perennial.pipelines(name),
    event text not null,
    notice jsonb not null,
    delivery jsonb not null,
    created_at timestamptz not null default now(),
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default now(),
    last_error text,
    delivered_at timestamptz,
    given_up_at timestamptz,
    primary key (key, target)
  )`,
  `comment on table perennial.notices is 'What people should be told, until it is delivered: an outbox'`,
  `create index notices_waiting on perennial.notices (next_attempt_at) where delivered_at is null and given_up_at is null`,
  `alter table perennial.pipelines add column paused_at timestamptz`,
  `alter table perennial.pipelines add column paused_by text`,
  `alter table perennial.pipelines add column paused_reason text`,
  `alter table perennial.pipelines add column deleted_at timestamptz`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of [...serving, ...truth, ...publications, ...decisions, ...ways]) await sql.raw(statement).execute(db);
};
