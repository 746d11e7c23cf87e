/** Data arrive: what a champion looks up is as new as they are, and nobody trains. On real steps. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { PipelineName } from '#domain/units.ts';
import { hourMs } from '#domain/units.ts';
import { tellWatch } from '../../infra/temporal/watch.ts';
import { applyPipeline } from '../../workers/cli/spec/apply-pipeline.ts';
import { startRun } from '../../workers/cli/start-run.ts';
import { refreshViewsWorkflowId, watchDriftWorkflowId } from '../../workflows/names.ts';
import type { refreshViews } from '../../workflows/refresh-views.ts';
import { describeWithServers, testDatabase, testFolder, testStore, testTemporal } from '../support/servers.ts';
import { openRealPlace, type RealPlace } from './real.ts';
import { openWorld, type World } from './world.ts';

vi.setConfig({ testTimeout: 120_000 });

const trips = 'trips' as PipelineName;
const start = Date.parse('2001-01-01T00:00:00Z');
const row = (hour: number, delay: number, origin: string): string =>
  `${new Date(start + hour * hourMs).toISOString().slice(0, 19).replace('T', ' ')},${delay},${origin}\n`;

/** Thirty days of flights, each hour one from each of two airports; those from B are late more often. */
const flights = (): string =>
  Array.from(
    { length: 30 * 24 },
    (_, hour) => row(hour, hour % 4 === 0 ? 30 : 0, 'A') + row(hour, hour % 3 === 0 ? 0 : 30, 'B'),
  ).join('');

const pipelineFile = `
name: trips
data:
  source: trips.csv
  event_time: date
  label: { name: late, sql: delay > 15, known_after: 1d }
  columns:
    date:   { type: timestamp }
    delay:  { type: integer, role: outcome }
    origin: { type: category }
  checks:
    - { name: no flight is a day late, sql: max(delay) < 1440, severity: fail }
features:
  views:
    origin_7d: { entity: origin, window: 7d, values: { late_rate: avg(late), flights: count(*) } }
  inputs:
    origin_7d.late_rate: { impute: 0.2 }
training:
  trainer: reference
  holdout: 7d
gate:
  metric: roc_auc
  minimum: { roc_auc: 0.5 }
`;

describeWithServers('refreshViews', () => {
  let world: World;
  let place: RealPlace;
  let home: string;
  let environment: Record<string, string>;
  const closing: (() => unknown)[] = [];

  beforeAll(async () => {
    const [database, store, made] = [await testDatabase(), testStore(), testFolder()];
    home = join(made.folder, 'trips');
    mkdirSync(home);
    writeFileSync(join(home, 'trips.csv'), `date,delay,origin\n${flights()}`);
    writeFileSync(join(home, 'pipeline.yaml'), pipelineFile);
    place = openRealPlace({ databaseUrl: database.url, store: store.config }, made.folder, async () => 1);
    world = await openWorld(place, testTemporal());
    if (store.config.kind !== 'directory') throw new Error('Expected a directory store');
    environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: world.address,
      PERENNIAL_STORE: store.config.folder,
      PERENNIAL_STATE_DIR: join(made.folder, 'state'),
    };
    closing.push(made.close, store.close, database.close, place.close, world.close);
  }, 120_000);
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  });

  const perennial = async (...words: string[]) => {
    const child = spawn(resolve(import.meta.dirname, '../../workers/cli/perennial'), words, { env: environment });
    let stdout = '';
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString();
    });
    const [exit] = await once(child, 'close');
    return { exit, said: JSON.parse(stdout) as unknown };
  };

  let deliveries = 0;
  /** As the control plane tells of a webhook, and what became of it. */
  const arrive = async () => {
    deliveries += 1;
    const told = { source: 'events', deliveryId: `d${deliveries}`, pipeline: trips };
    await tellWatch(world.client, { ...told, arrival: { kind: 'data arrived', text: 'a file' } });
    return world.client.workflow.getHandle<typeof refreshViews>(refreshViewsWorkflowId(trips)).result();
  };
  const lateRate = async (origin: string) => {
    const { rows } = await place.context.onlineFeatures.load(trips);
    return rows.find(({ entity }) => entity.includes(origin))?.values['late_rate'];
  };
  const runs = async () => (await place.context.runs.list({ pipeline: trips, limit: 10 })).length;

  test('publishes the newest values of what serves, once for each state of the data, and trains nothing', async () => {
    await applyPipeline(place.context, home);
    expect(await arrive()).toMatchObject({ kind: 'nothing', reason: 'No version that serves looks up a view' });
    const trigger = { kind: 'command', by: 'ada', reason: 'a test' } as const;
    const run = await startRun(place.context, world.client, { pipeline: trips, overrides: [], trigger });
    expect(await run.outcome()).toMatchObject({ verdict: 'promoted' });
    expect(await lateRate('A')).toBeCloseTo(0.25, 2);

    // Eight days in which everything from A is late; the outcomes of the last day are not known yet.
    appendFileSync(
      join(home, 'trips.csv'),
      Array.from({ length: 8 * 24 }, (_, hour) => row(30 * 24 + hour, 30, 'A') + row(30 * 24 + hour, 0, 'B')).join(''),
    );
    const refreshed = await arrive();
    expect(refreshed).toMatchObject({ kind: 'published', rows: 3 });
    expect([await lateRate('A'), await lateRate('B')]).toEqual([1, 0]);
    expect(await arrive()).toEqual(refreshed);
    expect(await runs()).toBe(1);
    expect((await place.context.deployments.get(trips)).generation).toBe(1);
    // What was trained on is older than what was published.
    const newest = await place.context.snapshots.list(trips);
    expect([newest.length, (await place.context.snapshots.lastTrained(trips))?.sha256]).toEqual([2, newest[1]?.sha256]);
    expect((await world.client.workflow.getHandle(watchDriftWorkflowId(trips)).describe()).status.name).toBe('RUNNING');
  });

  test('publishes nothing of data that break a check, and goes on with the next', async () => {
    const before = await lateRate('A');
    const whole = `date,delay,origin\n${flights()}`;
    writeFileSync(join(home, 'trips.csv'), `${whole}${row(31 * 24, 5000, 'A')}`);
    expect(await arrive()).toMatchObject({ kind: 'refused', reason: expect.stringContaining('no flight is a day late') });
    expect(await lateRate('A')).toBe(before);
    expect(await perennial('data', 'publish', 'trips', '--json')).toMatchObject({ exit: 3, said: { kind: 'refused' } });
    writeFileSync(join(home, 'trips.csv'), whole);
    const published = { pipeline: trips, kind: 'published', rows: 3 };
    expect(await perennial('data', 'publish', 'trips', '--json')).toMatchObject({ exit: 0, said: published });
    expect(await lateRate('A')).toBeCloseTo(0.25, 2);
    expect(await perennial('data', 'gc', '--json')).toMatchObject({ exit: 0, said: { isForReal: false, problems: [] } });
  });
});
