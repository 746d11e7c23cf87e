/** A night of the retention, from its schedule to the rows and objects that are gone, on real steps. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Instant, PipelineName } from '#domain/units.ts';
import { dayMs, hourMs } from '#domain/units.ts';
import { createPredictionParts } from '../../infra/postgres/prediction-parts.ts';
import { ensureRetentionSchedule } from '../../infra/temporal/schedules.ts';
import { applyPipeline } from '../../workers/cli/spec/apply-pipeline.ts';
import type { applyRetention } from '../../workflows/apply-retention.ts';
import { retentionScheduleId } from '../../workflows/names.ts';
import { describeWithServers, testDatabase, testFolder, testStore, testTemporal } from '../support/servers.ts';
import { openRealPlace, type RealPlace, writePipeline } from './real.ts';
import { openWorld, type World } from './world.ts';

vi.setConfig({ testTimeout: 60_000 });

describeWithServers('applyRetention', () => {
  let world: World;
  let place: RealPlace;
  let folder: string;
  const closing: (() => unknown)[] = [];

  beforeAll(async () => {
    const [database, store, made] = [await testDatabase(), testStore(), testFolder()];
    folder = made.folder;
    place = openRealPlace({ databaseUrl: database.url, store: store.config }, folder, async () => 0);
    world = await openWorld(place, testTemporal());
    closing.push(made.close, store.close, database.close, place.close, world.close);
  }, 120_000);
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  });

  /** What a server shipped of the hour so many days ago. */
  const ship = async (pipeline: PipelineName, days: number) => {
    const hour = new Date(Math.floor((Date.now() - days * dayMs) / hourMs) * hourMs).toISOString() as Instant;
    const sha256 = await place.context.content.putBytes(Buffer.from(`${pipeline} ${hour}`));
    const part = { pipeline, hour, serverId: 's', epoch: 'e', segment: 1, sha256, rows: 7, bytes: 1 };
    await createPredictionParts(place.context.database.db).record([{ ...part, firstEventAt: hour, lastEventAt: hour }]);
    return sha256;
  };

  const night = async () => {
    const handle = world.client.schedule.getHandle(retentionScheduleId);
    const before = (await handle.describe()).info.recentActions.length;
    await handle.trigger();
    const started = async () => (await handle.describe()).info.recentActions;
    await expect.poll(async () => (await started()).length, { timeout: 20_000 }).toBe(before + 1);
    const action = (await started()).at(-1)?.action;
    if (action?.type !== 'startWorkflow') throw new Error('Expected the schedule to start a workflow');
    const { workflowId, firstExecutionRunId } = action.workflow;
    return world.client.workflow.getHandle<typeof applyRetention>(workflowId, firstExecutionRunId).result();
  };

  test('is started by a schedule that everybody may create, and deletes once', async () => {
    await applyPipeline(place.context, writePipeline(folder, 'kept', 10));
    const kept = 'kept' as PipelineName;
    const [old, young] = [await ship(kept, 91), await ship(kept, 1)];
    const made = await Promise.all([1, 2, 3].map(() => ensureRetentionSchedule(world.client)));
    expect(made.sort()).toEqual(['created', 'unchanged', 'unchanged']);
    const described = await world.client.schedule.getHandle(retentionScheduleId).describe();
    expect(described.info.nextActionTimes[0]?.toISOString()).toMatch(/T02:17:00.000Z$/);
    // Nights come when they are asked for, also where it is that minute of the night.
    await world.client.schedule.getHandle(retentionScheduleId).pause();
    expect(await night()).toEqual({
      pipelines: 1,
      predictions: 7,
      labels: 0,
      snapshots: 0,
      runs: 0,
      objects: 0,
      held: [],
      problems: [],
    });
    const has = (sha256: typeof old) => place.context.content.has(sha256);
    expect([await has(old), await has(young)]).toEqual([false, true]);
    expect(await night()).toMatchObject({ predictions: 0 });
    expect([await has(old), await has(young)]).toEqual([false, true]);
  });
});
