import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../../../infra/postgres/pool.ts';
import { createWatchLooks } from '../../../infra/postgres/watch-looks.ts';
import { observeLoop } from '../../../infra/telemetry/loop-metrics.ts';
import { createMetrics, type Metrics } from '../../../infra/telemetry/metrics.ts';
import { type StoredStory, storeStory } from '../../support/loop/store.ts';
import { flights } from '../../support/loop/world.ts';

let stored: StoredStory;
let metrics: Metrics;
let failures: unknown[];

beforeAll(async () => {
  stored = await storeStory();
  // As if recorded a while ago: those of this very second are left for the next scrape.
  await stored.db
    .updateTable('decisions')
    .set({ recorded_at: new Date(Date.now() - 60_000) })
    .execute();
});
afterAll(() => stored.close());
beforeEach(() => {
  failures = [];
  metrics = createMetrics();
  observeLoop(metrics, stored.db, (error) => failures.push(error));
});

const scrape = async (): Promise<Map<string, number>> => {
  const { text } = await metrics.exposition();
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
};
const countWhere = (samples: ReadonlyMap<string, number>, start: string): number =>
  [...samples.keys()].filter((name) => name.startsWith(start)).length;

describe('observeLoop()', () => {
  test('tells drift, performance, rollout and lag of a pipeline as it stands', async () => {
    const samples = await scrape();
    expect(failures).toEqual([]);
    const newest = stored.story.days.at(-1)?.report;
    const carrier = newest?.features.find(({ name }) => name === 'carrier')?.debiasedPsi;
    expect(samples.get('perennial_drift_psi{pipeline="flights",variable="carrier"}')).toBe(carrier);
    expect(samples.get('perennial_watch_verdict{pipeline="flights",kind="drift",verdict="alarm"}')).toBe(1);
    expect(samples.get('perennial_performance_gain{pipeline="flights",metric="roc_auc",bound="upper"}')).toBeLessThan(-0.02);
    expect(samples.get('perennial_quarantined_windows{pipeline="flights"}')).toBe(0);
    expect(samples.get('perennial_data_timestamp_seconds{pipeline="flights"}')).toBe(Date.UTC(2001, 1, 11, 23, 59) / 1000);
    expect(samples.get('perennial_rollout_held{pipeline="flights"}')).toBe(0);
    const [started, deadline] = ['started', 'deadline'].map((what) =>
      samples.get(`perennial_rollout_${what}_timestamp_seconds{pipeline="flights"}`),
    );
    expect((deadline as number) - (started as number)).toBeCloseTo(3_600, 3);
    expect(samples.get('perennial_rollout_wanted_share{pipeline="flights"}')).toBe(0.1);
    const evidence = samples.get('perennial_rollout_evidence{pipeline="flights",guardrail="errors"}') as number;
    expect(evidence).toBeGreaterThan(0);
    expect(evidence).toBeLessThan(1);
    expect(samples.get('perennial_servers_reporting{pipeline="flights",state="following"}')).toBe(0);
    expect(samples.get('perennial_pipeline_paused{pipeline="flights"}')).toBe(0);
  });

  test('counts every decision once, however often it is asked', async () => {
    const alarm = 'perennial_decisions_total{pipeline="flights",kind="drift",action="alarm"}';
    const wanted = stored.story.days.filter(({ decision }) => decision.action === 'alarm').length;
    expect((await scrape()).get(alarm)).toBe(wanted);
    expect((await scrape()).get(alarm)).toBe(wanted);
  });

  test('shares one look between scrapes at once, and forgets what is gone', async () => {
    const [first, second] = await Promise.all([scrape(), scrape()]);
    expect(first).toEqual(second);
    await stored.db.updateTable('rollouts').set({ state: 'promoted' }).where('id', '=', 'flights/4/third').execute();
    const later = createMetrics();
    observeLoop(later, stored.db, (error) => failures.push(error));
    metrics = later;
    expect(countWhere(await scrape(), 'perennial_rollout_held')).toBe(0);
    await stored.db.updateTable('rollouts').set({ state: 'running' }).where('id', '=', 'flights/4/third').execute();
  });

  test('counts broken windows while they are the newest, and none once a sound one came', async () => {
    const sound = stored.db.updateTable('watch_reports').where('kind', '=', 'drift').where('outcome', '=', 'measured');
    const broken = '2001-02-08T00:00:00.000Z';
    await sound.set({ outcome: 'broken' }).where('window_to', '>', new Date(broken)).execute();
    expect((await scrape()).get('perennial_quarantined_windows{pipeline="flights"}')).toBe(1);
    const back = stored.db.updateTable('watch_reports').where('kind', '=', 'drift').where('window_to', '>', new Date(broken));
    await back.set({ outcome: 'measured' }).execute();
  });

  test('tells until when each watch meant to look again, and nothing of a pipeline that none looked at', async () => {
    const due = 'perennial_watch_due_timestamp_seconds{';
    expect(countWhere(await scrape(), due)).toBe(0);
    const beforeMs = Date.now();
    await createWatchLooks(stored.db).looked(flights, 1_000);
    await createWatchLooks(stored.db).looked(flights, 3_600_000);
    metrics = createMetrics();
    observeLoop(metrics, stored.db, (error) => failures.push(error));
    const samples = await scrape();
    expect(countWhere(samples, due)).toBe(1);
    const inSeconds = (samples.get(`${due}pipeline="flights"}`) as number) - beforeMs / 1_000;
    expect(inSeconds).toBeGreaterThan(3_599);
    expect(inSeconds).toBeLessThan(3_660);
  });

  test('leaves deleted pipelines out', async () => {
    await stored.db.updateTable('pipelines').set({ deleted_at: new Date() }).where('name', '=', flights).execute();
    expect(countWhere(await scrape(), 'perennial_quarantined_windows{')).toBe(0);
    await stored.db.updateTable('pipelines').set({ deleted_at: null }).where('name', '=', flights).execute();
  });

  test('still answers a scrape while the database does not, and says so', async () => {
    const gone = openDatabase('postgres://nobody@127.0.0.1:1/none');
    metrics = createMetrics();
    observeLoop(metrics, gone.db, (error) => failures.push(error));
    const samples = await scrape();
    expect(failures).toHaveLength(1);
    expect(samples.get('perennial_loop_read_timestamp_seconds')).toBe(0);
    await gone.close();
  });
});
