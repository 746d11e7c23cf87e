/** The only place that names a metric and the only one that knows the metrics library. */
import { Counter, Gauge, Histogram, type Registry as LibraryRegistry, Registry } from 'prom-client';

type MetricSpec = {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Values come from closed sets, or are names of pipelines, versions and views; never from a request. */
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
};

/** OpenTelemetry's advice for HTTP, with three finer ones in front because one inference takes well under 5 ms. */
const requestSeconds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const;
const loadSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

/** Every metric of Perennial's servers, by name. Temporal's SDK and server expose their own on their own ports. */
export const metricSpecs = {
  http_server_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from the arrival of a request to its answer',
    labels: ['http_request_method', 'http_route', 'http_response_status_code'],
    buckets: requestSeconds,
  },
  perennial_serving_requests_total: {
    type: 'counter',
    help: 'Prediction requests by the model version that answered; version is empty where none did',
    labels: ['route', 'pipeline', 'version', 'status'],
  },
  perennial_serving_latency_seconds: {
    type: 'histogram',
    help: 'Time of prediction requests from arrival to answer',
    labels: ['route', 'pipeline', 'version', 'status'],
    buckets: requestSeconds,
  },
  perennial_serving_rows_total: {
    type: 'counter',
    help: 'Rows that were predicted',
    labels: ['pipeline', 'version'],
  },
  perennial_serving_shed_total: {
    type: 'counter',
    help: 'Requests that were refused because the server had too much to do',
    labels: ['reason'],
  },
  perennial_serving_ready: {
    type: 'gauge',
    help: '1 while every deployed pipeline has a model in memory, else 0',
    labels: [],
  },
  perennial_model_info: {
    type: 'gauge',
    help: '1 for the model version that is served, with its digest',
    labels: ['pipeline', 'version', 'model_sha256'],
  },
  perennial_model_generation: {
    type: 'gauge',
    help: 'Generation of the deployment that is served',
    labels: ['pipeline'],
  },
  perennial_model_swapped_timestamp_seconds: {
    type: 'gauge',
    help: 'When the served model was put in place',
    labels: ['pipeline'],
  },
  perennial_model_loads_total: {
    type: 'counter',
    help: 'Models that were fetched, checked, warmed up and put in place',
    labels: ['pipeline'],
  },
  perennial_model_load_failures_total: {
    type: 'counter',
    help: 'Attempts to load a model that failed, by error code; the model before it kept serving',
    labels: ['pipeline', 'code'],
  },
  perennial_model_load_seconds: {
    type: 'histogram',
    help: 'Time to fetch, check and warm up a model',
    labels: ['pipeline'],
    buckets: loadSeconds,
  },
  perennial_generations_refused_total: {
    type: 'counter',
    help: 'Times that a deployment of a lower generation than the one known was refused',
    labels: ['pipeline'],
  },
  perennial_rollout_share: {
    type: 'gauge',
    help: 'Share of the units that the candidate of a rollout answers here; 0 without a rollout',
    labels: ['pipeline'],
  },
  perennial_shadow_dropped_total: {
    type: 'counter',
    help: 'Rows that the candidate of a shadow was not asked about, as it could not keep up',
    labels: ['pipeline'],
  },
  perennial_capture_records_total: { type: 'counter', help: 'Lines that were written to the log of predictions', labels: [] },
  perennial_capture_lost_total: {
    type: 'counter',
    help: 'Lines that could not be written to the log of predictions; their requests were answered',
    labels: [],
  },
  perennial_capture_uncounted_rows_total: {
    type: 'counter',
    help: 'Rows that no window counter has, as too many windows were open at once and these lay farthest from most rows',
    labels: ['pipeline'],
  },
  perennial_capture_flushes_total: {
    type: 'counter',
    help: 'Tellings of counters by how they went: recorded, refused, or failed and told again with the next',
    labels: ['outcome'],
  },
  perennial_capture_shipped_rows_total: {
    type: 'counter',
    help: 'Lines of the log of predictions that were shipped to the object store',
    labels: ['pipeline'],
  },
  perennial_capture_ship_failures_total: {
    type: 'counter',
    help: 'Times that the log of predictions could not be shipped; it stays on disk and is tried again',
    labels: [],
  },
  perennial_labels_total: {
    type: 'counter',
    help: 'Labels that were handed in over HTTP: accepted, corrected, duplicates',
    labels: ['pipeline', 'outcome'],
  },
  perennial_online_entities: {
    type: 'gauge',
    help: 'Entities whose published feature values are in memory',
    labels: ['pipeline', 'view'],
  },
  perennial_online_imputed_total: {
    type: 'counter',
    help: 'Rows for which a view had no value of the entity (missing, unseen) or a stale one, so that it was filled as in training',
    labels: ['pipeline', 'view', 'reason'],
  },
  perennial_deployments_unreachable_seconds: {
    type: 'gauge',
    help: 'Time since the wanted deployments could last be read; the last good models keep serving',
    labels: [],
  },
  perennial_webhook_deliveries_total: {
    type: 'counter',
    help: 'Webhooks by the kind of their sender and what became of them',
    labels: ['source', 'outcome'],
  },
  perennial_webhook_waiting: {
    type: 'gauge',
    help: 'Accepted webhooks that Temporal has not taken yet',
    labels: [],
  },
  perennial_webhook_oldest_seconds: {
    type: 'gauge',
    help: 'How long the oldest accepted webhook waits for Temporal; 0 where none waits',
    labels: [],
  },
  perennial_webhook_attempts_total: {
    type: 'counter',
    help: 'Attempts to hand a webhook to Temporal',
    labels: ['outcome'],
  },
  perennial_notices_total: {
    type: 'counter',
    help: 'Attempts to tell people of something: delivered, failed and to be tried again, given up',
    labels: ['event', 'outcome'],
  },
  perennial_notices_waiting: { type: 'gauge', help: 'Notices that are not delivered yet', labels: [] },
  perennial_notices_oldest_seconds: {
    type: 'gauge',
    help: 'How long the oldest notice waits for its receiver; 0 where none waits',
    labels: [],
  },
  perennial_drift_psi: {
    type: 'gauge',
    help: 'PSI less its noise of the ten variables that moved most in the newest closed window',
    labels: ['pipeline', 'variable'],
  },
  perennial_watch_verdict: {
    type: 'gauge',
    help: '1 for the newest verdict on drift and on performance, in the words of the watch',
    labels: ['pipeline', 'kind', 'verdict'],
  },
  perennial_performance_gain: {
    type: 'gauge',
    help: 'Change of the metric of the newest matured window against the reference, more is better, with its bounds',
    labels: ['pipeline', 'metric', 'bound'],
  },
  perennial_quarantined_windows: {
    type: 'gauge',
    help: 'Newest windows in a row whose data are broken and that nobody released: 0 once the feed is sound again',
    labels: ['pipeline'],
  },
  perennial_watch_due_timestamp_seconds: {
    type: 'gauge',
    help: 'When the watch means to look again; long past while it does not look',
    labels: ['pipeline'],
  },
  perennial_data_timestamp_seconds: {
    type: 'gauge',
    help: 'Data time: the newest event time that servers counted',
    labels: ['pipeline'],
  },
  perennial_label_timestamp_seconds: {
    type: 'gauge',
    help: 'When the label that arrived last became known',
    labels: ['pipeline'],
  },
  perennial_rollout_wanted_share: {
    type: 'gauge',
    help: 'Share of the units that the candidate of a running rollout should answer; absent without a rollout',
    labels: ['pipeline'],
  },
  perennial_rollout_started_timestamp_seconds: {
    type: 'gauge',
    help: 'When the running rollout began; absent without a rollout',
    labels: ['pipeline'],
  },
  perennial_rollout_deadline_timestamp_seconds: {
    type: 'gauge',
    help: 'When the running rollout must have ended, or be held; absent without a rollout',
    labels: ['pipeline'],
  },
  perennial_rollout_held: {
    type: 'gauge',
    help: '1 while the running rollout is held, 0 while it goes on; absent without a rollout',
    labels: ['pipeline'],
  },
  perennial_rollout_evidence: {
    type: 'gauge',
    help: 'Evidence of harm at the newest recorded look of the running rollout, over what rolls it back: 1 does',
    labels: ['pipeline', 'guardrail'],
  },
  perennial_rollout_requests: {
    type: 'gauge',
    help: 'Requests since the running rollout began, by the arm that answered',
    labels: ['pipeline', 'arm'],
  },
  perennial_decisions_total: {
    type: 'counter',
    help: 'Recorded decisions of watches and rollouts, also every no, by what was decided',
    labels: ['pipeline', 'kind', 'action'],
  },
  perennial_retention_deleted_total: {
    type: 'counter',
    help: 'What has outlived its retention and was deleted: predictions, labels, snapshots whose data were given up, runs',
    labels: ['pipeline', 'what'],
  },
  perennial_retrain_budget_left: {
    type: 'gauge',
    help: 'Retrains that the budget still allows, as of the newest decision about a retrain',
    labels: ['pipeline'],
  },
  perennial_retrain_backed_off: {
    type: 'gauge',
    help: '1 while the watch backs off as retraining was not the cure, as of the newest decision about a retrain',
    labels: ['pipeline'],
  },
  perennial_counter_gap_predictions: {
    type: 'gauge',
    help: 'Predictions in the logs of killed servers that were never counted',
    labels: ['pipeline'],
  },
  perennial_pipeline_paused: { type: 'gauge', help: '1 while the pipeline is paused, else 0', labels: ['pipeline'] },
  perennial_champion_promoted_timestamp_seconds: {
    type: 'gauge',
    help: 'When the version that serves was promoted; absent without a champion',
    labels: ['pipeline'],
  },
  perennial_servers_reporting: {
    type: 'gauge',
    help: 'Servers that reported lately: following what is wanted, behind it, or refusing it',
    labels: ['pipeline', 'state'],
  },
  perennial_runs_waiting: {
    type: 'gauge',
    help: 'Runs that wait at a stage: for a worker that trains, or for a person who approves',
    labels: ['pipeline', 'stage'],
  },
  perennial_loop_read_timestamp_seconds: {
    type: 'gauge',
    help: 'When the metrics of the loop were last read from PostgreSQL; 0 where they never were',
    labels: [],
  },
  perennial_event_loop_lag_seconds: {
    type: 'gauge',
    help: 'Delay of the event loop since the last scrape',
    labels: ['quantile'],
  },
  process_resident_memory_bytes: { type: 'gauge', help: 'Resident memory of the process', labels: [] },
  process_start_time_seconds: { type: 'gauge', help: 'When the process started', labels: [] },
} as const satisfies Readonly<Record<string, MetricSpec>>;

type Specs = typeof metricSpecs;
export type MetricName = keyof Specs;
type LabelsOf<Name extends MetricName> = { readonly [label in Specs[Name]['labels'][number]]: string | number };
type NameOf<Type extends MetricSpec['type']> = {
  [Name in MetricName]: Specs[Name]['type'] extends Type ? Name : never;
}[MetricName];

export type Metrics = {
  count<Name extends NameOf<'counter'>>(name: Name, labels: LabelsOf<Name>, amount?: number): void;
  set<Name extends NameOf<'gauge'>>(name: Name, labels: LabelsOf<Name>, value: number): void;
  observe<Name extends NameOf<'histogram'>>(name: Name, labels: LabelsOf<Name>, value: number): void;
  /** Forgets the series of a gauge that have these labels, so that what is gone is no longer shown. */
  forget<Name extends NameOf<'gauge'>>(name: Name, labels: Partial<LabelsOf<Name>>): void;
  /** Runs before each exposition, for values that are looked at rather than told. */
  beforeExposition(look: () => void | Promise<void>): void;
  exposition(): Promise<{ contentType: string; text: string }>;
};

type Instrument = Counter<string> | Gauge<string> | Histogram<string>;

const createInstrument = (name: string, spec: MetricSpec, registers: LibraryRegistry[]): Instrument => {
  const common = { name, help: spec.help, labelNames: [...spec.labels], registers };
  if (spec.type === 'counter') return new Counter(common);
  if (spec.type === 'gauge') return new Gauge(common);
  return new Histogram({ ...common, buckets: [...(spec.buckets ?? requestSeconds)] });
};

/** Its own registry: two servers in one process, as in tests, do not share counts. */
export const createMetrics = (): Metrics => {
  const registry = new Registry();
  const entries = Object.entries(metricSpecs) as [MetricName, MetricSpec][];
  const instruments = Object.fromEntries(entries.map(([name, spec]) => [name, createInstrument(name, spec, [registry])]));
  const instrument = (name: MetricName) => instruments[name] as Instrument;
  const looks: (() => void | Promise<void>)[] = [];
  /** Series of gauges by their labels' text: the library can list them only later, when new ones may be there. */
  const series = new Map<MetricName, Map<string, Record<string, string | number>>>();
  const seriesOf = (name: MetricName): Map<string, Record<string, string | number>> => {
    const known = series.get(name) ?? new Map<string, Record<string, string | number>>();
    series.set(name, known);
    return known;
  };
  return {
    count: (name, labels, amount = 1) => (instrument(name) as Counter<string>).inc(labels, amount),
    set: (name, labels, value) => {
      seriesOf(name).set(JSON.stringify(labels), labels);
      (instrument(name) as Gauge<string>).set(labels, value);
    },
    observe: (name, labels, value) => (instrument(name) as Histogram<string>).observe(labels, value),
    forget: (name, wanted) => {
      for (const [key, labels] of seriesOf(name)) {
        if (!Object.entries(wanted).every(([label, value]) => labels[label] === value)) continue;
        (instrument(name) as Gauge<string>).remove(labels);
        seriesOf(name).delete(key);
      }
    },
    beforeExposition: (look) => {
      looks.push(look);
    },
    exposition: async () => {
      for (const look of looks) await look();
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
};
