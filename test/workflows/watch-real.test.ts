/** A watch on the real steps: real database, store and runs; only the servers' counters are written by hand. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReferenceProfile, referenceProfileSchema, type WindowCounts } from '#domain/contracts/reference-profile.ts';
import { emptyCounts } from '#domain/stats/summaries/cell-counts.ts';
import { emptyMoments } from '#domain/stats/summaries/moments.ts';
import { shapeOf } from '#domain/stats/summaries/window-counts.ts';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { createDecisions } from '../../infra/postgres/decisions.ts';
import { createLabels } from '../../infra/postgres/labels.ts';
import { createTallySink } from '../../infra/postgres/tallies.ts';
import { countPollers } from '../../infra/temporal/pollers.ts';
import { askForRetrain, createWatchTemporal } from '../../infra/temporal/request-retrain.ts';
import { watchStart } from '../../infra/temporal/watch.ts';
import { applyPipeline } from '../../workers/cli/spec/apply-pipeline.ts';
import { startRun } from '../../workers/cli/start-run.ts';
import { backtestWatch } from '../../workers/cli/watch/backtest.ts';
import { endWatchUpdate, type RetrainAskedFor } from '../../workflows/messages.ts';
import type { watchDrift } from '../../workflows/watch-drift.ts';
import { describeWithServers, testDatabase, testFolder, testStore, testTemporal } from '../support/servers.ts';
import { openRealPlace, type RealPlace, writePipeline } from './real.ts';
import { untilWatch, type WatchHandle } from './watch-story.ts';
import { openWorld, type World } from './world.ts';

const name = 'lived' as PipelineName;
const hour = 3_600_000;
const windowHours = 1;
const ask: RetrainAskedFor = { by: 'grace', reason: 'the tariff changed', trigger: 'person', despite: [] };

describeWithServers('watchDrift, with the real steps', () => {
  let world: World;
  let place: RealPlace;
  let folder: string;
  const closing: (() => unknown)[] = [];

  beforeAll(async () => {
    const [database, store, own] = [await testDatabase(), testStore(), testFolder()];
    folder = own.folder;
    closing.push(own.close, store.close, database.close);
    const temporal = () => createWatchTemporal(world.client);
    place = openRealPlace(
      { databaseUrl: database.url, store: store.config },
      folder,
      (queue) => countPollers(world.connection, 'default', queue),
      {
        isOpen: (id) => temporal().isOpen(id),
        askForSchedule: (pipeline, key, reason) => temporal().askForSchedule(pipeline, key, reason),
      },
    );
    closing.push(place.close);
    world = await openWorld(place, testTemporal());
    closing.push(world.close);
  }, 120_000);
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  });

  const championOf = async (): Promise<{ profile: ReferenceProfile; profileSha256: Sha256; modelSha256: Sha256 }> => {
    const champion = await place.context.registry.champion(name);
    const profileSha256 = champion?.profileSha256 as Sha256;
    const profile = referenceProfileSchema.parse(await place.context.content.getJson(profileSha256));
    return { profile, profileSha256, modelSha256: champion?.modelSha256 as Sha256 };
  };

  /** Rows in the cells of the reference, or almost all in the first one. */
  const counted = ({ layout, reference }: ReferenceProfile['scores'][number], rows: number, moved: boolean) => {
    const counts = emptyCounts(layout);
    const whole = reference.cells.reduce((sum, cell) => sum + cell, 0);
    const cells = reference.cells.map((cell) => Math.floor((cell * rows) / whole));
    cells[0] = (cells[0] as number) + rows - cells.reduce((sum, cell) => sum + cell, 0);
    // Only where the reference has rows: a category that is new would be broken data, and not drift.
    const others = reference.cells.map((cell, at) => (at > 0 && cell > 0 ? 1 : 0));
    const piled = others.map((one, at) => (at === 0 ? rows - others.filter((other) => other === 1).length : one));
    return {
      counts: { ...counts, cells: moved ? piled : cells },
      outside: 0,
      moments: layout.kind === 'numeric' ? emptyMoments : null,
    };
  };

  const live = async (sequence: number, fromMs: number, moved: boolean): Promise<void> => {
    const { profile, profileSha256, modelSha256 } = await championOf();
    // No two windows alike: a feed that repeats itself is broken.
    const rows = 600 + 11 * sequence;
    const window: Omit<WindowCounts, 'profileSha256'> = {
      from: new Date(fromMs).toISOString() as Instant,
      to: new Date(fromMs + windowHours * hour).toISOString() as Instant,
      rows,
      features: profile.features.map((one) => counted(one, rows, moved)),
      scores: profile.scores.map((one) => counted(one, rows, moved)),
      predictions: profile.predictions === null ? null : counted(profile.predictions, rows, moved).counts,
    };
    const process = { serverId: 'here:8080', epoch: 'one', arm: 'champion' as const, modelSha256 };
    const sink = createTallySink(place.context.database.db, async () => shapeOf(profile));
    const receipt = await sink.recordWindows(name, {
      format: 1,
      ...process,
      epoch: `window ${sequence}`,
      profileSha256,
      sequence,
      windows: [window],
    });
    expect(receipt).toEqual({ kind: 'recorded' });
    const lastEventAt = new Date(Math.min(fromMs + windowHours * hour - 1, Date.now())).toISOString() as Instant;
    await sink.recordArms([
      {
        ...process,
        sequence,
        pipeline: name,
        generation: 1,
        requests: rows,
        units: rows,
        events: {},
        lastEventAt,
        latency: { zeros: 0, bins: {} },
        shadow: null,
      },
    ]);
  };

  test('drift in what servers counted is seen; a run, its end, and the same data again are heard', async () => {
    // Looks each 300 ms at windows of an hour.
    const home = writePipeline(folder, name, 600, 1);
    const file = join(home, 'pipeline.yaml');
    const rules = `watch: { every: 300ms, window: ${windowHours}h }\nretrain: { cooldown: 1s, on: [drift] }\n`;
    writeFileSync(file, `${readFileSync(file, 'utf8')}${rules}`);
    await applyPipeline(place.context, home);
    const trigger = { kind: 'command', by: 'ada', reason: 'a test' } as const;
    const first = await (await startRun(place.context, world.client, { pipeline: name, trigger })).outcome();
    expect(first.verdict).toBe('promoted');
    // From here on a gate that no challenger passes, so that nothing is rolled out.
    writeFileSync(file, readFileSync(file, 'utf8').replace('minimum: { roc_auc: 0.6 }', 'minimum: { roc_auc: 0.9999 }'));
    await applyPipeline(place.context, home);

    // Labels are handed in for this pipeline, and none for what it predicts now.
    await createLabels(place.context.database.db).record(name, [{ subject: 'id:of-long-ago', label: true, at: null }]);
    const now = Math.floor(Date.now() / hour) * hour;
    for (const [at, moved] of [false, true, true, true].entries()) await live(at + 1, now - (4 - at) * hour, moved);
    await live(5, now, false);
    const watch: WatchHandle = await world.client.workflow.start<typeof watchDrift>('watchDrift', watchStart(name));
    await untilWatch(watch, 'four windows', ({ windowsJudged }) => windowsJudged === 4, 60_000);
    const status = await untilWatch(watch, 'a run was decided upon', ({ lastDecision }) => lastDecision !== null, 60_000);
    expect(status.problem).toBeNull();
    // No alert has ever come, as where Prometheus is silent: the watch looks by its own timer.
    expect(await place.context.database.db.selectFrom('webhook_deliveries').selectAll().execute()).toEqual([]);
    const decisions = async () =>
      (await createDecisions(place.context.database.db).list(name, { limit: 500 })).map(({ record }) => record);
    // Drift is seen, and without one new label there is nothing to learn from: a person may ask nevertheless.
    const suppressed = async () =>
      (await decisions()).filter(({ action, reason }) => action === 'suppressed' && reason.includes('(drift)'));
    await expect.poll(async () => (await suppressed()).length, { timeout: 60_000 }).toBeGreaterThan(0);
    expect((await suppressed())[0]?.reason).toContain('labelled rows since the last training 0 >= 1 does not hold');
    expect(await askForRetrain(world.client, name, ask)).toMatchObject({ decision: 'retrain' });
    await untilWatch(watch, 'its end was heard', ({ run }) => run === null, 60_000);
    const retrain = (await decisions()).find(({ action }) => action === 'retrain');
    const runs = await place.context.runs.list({ pipeline: name, limit: 10 });
    const own = runs.find(({ runKey }) => runKey === retrain?.subject);
    expect(own?.trigger).toMatchObject({ kind: 'watch', reason: expect.stringContaining('the tariff changed') });
    expect(own?.outcome).toBe('rejected');
    await expect
      .poll(async () => (await decisions()).filter(({ subject }) => subject === own?.runKey).length, { timeout: 60_000 })
      .toBeGreaterThanOrEqual(2);

    // Nothing came since: the same data, code and definition are the same run, and its old end is the answer.
    const again = await askForRetrain(world.client, name, { ...ask, despite: ['budget'] });
    expect(again).toMatchObject({ decision: 'same', reason: expect.stringContaining('were run before') });
    // Without the data there is no run, and a person hears why.
    rmSync(join(home, 'customers.csv'));
    expect(await askForRetrain(world.client, name, { ...ask, despite: ['budget'] })).toMatchObject({
      decision: 'failed',
      workflowId: null,
    });

    expect(await backtestWatch(place.context, name, [])).toMatchObject({ differing: 0 });
    await watch.executeUpdate(endWatchUpdate, { args: [{ by: 'grace', reason: 'the test is over' }] });
    await watch.result();
  }, 240_000);
});
