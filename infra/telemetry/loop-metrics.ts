/** Where the loop stands, as metrics: read from PostgreSQL when somebody scrapes, so that any control plane tells the same. */
import { z } from 'zod';
import { canaryObservationSchema, canaryPolicySchema } from '#domain/contracts/canary.ts';
import { retrainPolicySchema, retrainStateSchema } from '#domain/contracts/retrain-policy.ts';
import type { RolloutRecord } from '#domain/contracts/rollout.ts';
import type { PipelineName } from '#domain/units.ts';
import { createLoopCounts } from '../postgres/loop-counts.ts';
import type { Db } from '../postgres/pool.ts';
import { readStandings, type Standing } from '../postgres/standings.ts';
import { createTallies } from '../postgres/tally-totals.ts';
import type { NewestReport } from '../postgres/watch-views.ts';
import type { MetricName, Metrics } from './metrics.ts';

/** Scrapes of several Prometheus servers share one look. */
const freshMs = 5_000;
/** Servers renew their reports each second; three missed ones are a hiccup. */
const reportMaxAgeMs = 10_000;

/** What is set anew at each look: what is not set again is gone. */
const gauges = [
  'perennial_drift_psi',
  'perennial_watch_verdict',
  'perennial_watch_due_timestamp_seconds',
  'perennial_performance_gain',
  'perennial_quarantined_windows',
  'perennial_data_timestamp_seconds',
  'perennial_label_timestamp_seconds',
  'perennial_rollout_wanted_share',
  'perennial_rollout_started_timestamp_seconds',
  'perennial_rollout_deadline_timestamp_seconds',
  'perennial_rollout_held',
  'perennial_rollout_evidence',
  'perennial_rollout_requests',
  'perennial_retrain_budget_left',
  'perennial_retrain_backed_off',
  'perennial_counter_gap_predictions',
  'perennial_pipeline_paused',
  'perennial_champion_promoted_timestamp_seconds',
  'perennial_servers_reporting',
  'perennial_runs_waiting',
] as const satisfies readonly MetricName[];

const seconds = (instant: string): number => Date.parse(instant) / 1000;

const driftSummary = z.object({ debiasedPsi: z.record(z.string(), z.number()) });
const gainSummary = z.object({ metric: z.string(), estimate: z.number(), lower: z.number(), upper: z.number() });

const showReport = (metrics: Metrics, pipeline: PipelineName, { kind, summary }: NewestReport): void => {
  const psi = kind === 'drift' ? (driftSummary.safeParse(summary).data?.debiasedPsi ?? {}) : {};
  for (const [variable, value] of Object.entries(psi)) metrics.set('perennial_drift_psi', { pipeline, variable }, value);
  const gain = kind === 'performance' ? gainSummary.safeParse(summary).data : undefined;
  if (gain === undefined) return;
  for (const bound of ['estimate', 'lower', 'upper'] as const)
    metrics.set('perennial_performance_gain', { pipeline, metric: gain.metric, bound }, gain[bound]);
};

const retrainRecord = z.object({
  input: z.object({ policy: retrainPolicySchema, nowMs: z.number() }),
  output: z.object({ state: retrainStateSchema }),
});

const showRetrain = (metrics: Metrics, pipeline: PipelineName, record: unknown): void => {
  const found = retrainRecord.safeParse(record).data;
  if (found === undefined) return;
  const { policy, nowMs } = found.input;
  const { startsMs, backOffUntilMs } = found.output.state;
  const spent = startsMs.filter((at) => at > nowMs - policy.budget.perMs).length;
  metrics.set('perennial_retrain_budget_left', { pipeline }, Math.max(0, policy.budget.runs - spent));
  metrics.set('perennial_retrain_backed_off', { pipeline }, backOffUntilMs !== null && backOffUntilMs > nowMs ? 1 : 0);
};

const lookRecord = z.object({ input: z.object({ policy: canaryPolicySchema, observation: canaryObservationSchema }) });

/** The e-value over the one that rolls back, 1/alpha: so one line in a chart holds for every guardrail. */
const showEvidence = (metrics: Metrics, pipeline: PipelineName, record: unknown): void => {
  const found = lookRecord.safeParse(record).data?.input;
  if (found?.observation.kind !== 'counted') return;
  for (const { name, harm } of found.observation.assessment.guardrails) {
    const alpha = found.policy.guardrails.find((one) => one.name === name)?.alpha;
    if (alpha === undefined || harm.kind !== 'e-value') continue;
    metrics.set('perennial_rollout_evidence', { pipeline, guardrail: name }, harm.eValue * alpha);
  }
};

const planSchema = z.object({ policy: z.object({ deadlineMs: z.number() }) });

type Newest = { readonly subject: string; readonly action: string; readonly record: unknown } | undefined;

const showRollout = async (metrics: Metrics, db: Db, rollout: RolloutRecord, newest: Newest): Promise<void> => {
  const { pipeline, startedAt } = rollout;
  const { segments } = rollout;
  const deadlineMs = planSchema.safeParse(rollout.policy).data?.policy.deadlineMs;
  if (deadlineMs !== undefined)
    metrics.set('perennial_rollout_deadline_timestamp_seconds', { pipeline }, seconds(startedAt) + deadlineMs / 1000);
  metrics.set('perennial_rollout_started_timestamp_seconds', { pipeline }, seconds(startedAt));
  metrics.set('perennial_rollout_wanted_share', { pipeline }, segments.at(-1)?.share ?? 0);
  const own = newest?.subject === rollout.id ? newest : undefined;
  metrics.set('perennial_rollout_held', { pipeline }, own?.action === 'hold' ? 1 : 0);
  showEvidence(metrics, pipeline, own?.record);
  const requests = { champion: 0, candidate: 0 };
  const generations = segments.map(({ generation }) => generation);
  for (const total of await createTallies(db).arms(pipeline, generations)) requests[total.arm] += total.requests;
  for (const arm of ['champion', 'candidate'] as const)
    metrics.set('perennial_rollout_requests', { pipeline, arm }, requests[arm]);
};

/** What metrics show beside where pipelines stand. */
const readCounts = async (db: Db) => {
  const counts = createLoopCounts(db);
  const [servers, waiting, retrains, looks] = await Promise.all([
    counts.servers(reportMaxAgeMs),
    counts.waitingRuns(),
    counts.newestRecords('retrain'),
    counts.newestRecords('rollout'),
  ]);
  return { servers, waiting, retrains, looks };
};
type Counts = Awaited<ReturnType<typeof readCounts>>;

const showInstants = (metrics: Metrics, { pipeline, champion, dataTime, label, look }: Standing): void => {
  if (look !== null) metrics.set('perennial_watch_due_timestamp_seconds', { pipeline }, seconds(look.dueAt));
  if (champion !== null) metrics.set('perennial_champion_promoted_timestamp_seconds', { pipeline }, seconds(champion.promotedAt));
  if (dataTime !== null) metrics.set('perennial_data_timestamp_seconds', { pipeline }, seconds(dataTime));
  if (label !== null) metrics.set('perennial_label_timestamp_seconds', { pipeline }, seconds(label.knownAt));
};

const showPipeline = (metrics: Metrics, standing: Standing): void => {
  const { pipeline, paused, quarantine, gaps, reports, decisions } = standing;
  metrics.set('perennial_pipeline_paused', { pipeline }, paused === null ? 0 : 1);
  metrics.set('perennial_quarantined_windows', { pipeline }, quarantine?.open ?? 0);
  metrics.set('perennial_counter_gap_predictions', { pipeline }, gaps?.predictions ?? 0);
  showInstants(metrics, standing);
  for (const report of reports) showReport(metrics, pipeline, report);
  for (const { kind, action } of decisions)
    if (kind === 'drift' || kind === 'performance')
      metrics.set('perennial_watch_verdict', { pipeline, kind, verdict: action }, 1);
};

/** With a 0 for nobody: an alert on an absent series is written wrong too easily. */
const showServers = (metrics: Metrics, { pipeline, champion }: Standing, servers: Counts['servers']): void => {
  if (champion === null) return;
  for (const state of ['following', 'behind', 'refused']) {
    const found = servers.find((one) => one.pipeline === pipeline && one.state === state);
    metrics.set('perennial_servers_reporting', { pipeline, state }, found?.count ?? 0);
  }
};

const show = async (metrics: Metrics, db: Db, standings: readonly Standing[], counts: Counts): Promise<void> => {
  for (const name of gauges) metrics.forget(name, {});
  for (const standing of standings) {
    const { pipeline, rollout, deleted } = standing;
    showServers(metrics, standing, counts.servers);
    if (rollout !== null) await showRollout(metrics, db, rollout, counts.looks.get(pipeline));
    if (deleted) continue;
    showPipeline(metrics, standing);
    showRetrain(metrics, pipeline, counts.retrains.get(pipeline)?.record);
  }
  for (const { pipeline, stage, count } of counts.waiting) metrics.set('perennial_runs_waiting', { pipeline, stage }, count);
};

/**
 * Shows the loop at each scrape, at most every five seconds. Where the database does not answer, what was read last stays,
 * and its time says how old it is; `onFailure` hears why.
 */
export const observeLoop = (metrics: Metrics, db: Db, onFailure: (error: unknown) => void): void => {
  let readAt = Number.NEGATIVE_INFINITY;
  let lastId = 0;
  let lastDeletion = 0;
  let reading: Promise<void> | null = null;
  const look = async (): Promise<void> => {
    const decided = await createLoopCounts(db).decisionsAfter(lastId);
    const expired = await createLoopCounts(db).deletionsAfter(lastDeletion);
    await show(metrics, db, await readStandings(db), await readCounts(db));
    lastId = decided.lastId;
    lastDeletion = expired.lastId;
    for (const { count, ...labels } of expired.counts) metrics.count('perennial_retention_deleted_total', labels, count);
    for (const { count, ...labels } of decided.counts) metrics.count('perennial_decisions_total', labels, count);
    metrics.set('perennial_loop_read_timestamp_seconds', {}, Date.now() / 1000);
    readAt = performance.now();
  };
  metrics.beforeExposition(async () => {
    if (performance.now() - readAt < freshMs) return;
    reading ??= look()
      .catch(onFailure)
      .finally(() => {
        reading = null;
      });
    await reading;
  });
};
