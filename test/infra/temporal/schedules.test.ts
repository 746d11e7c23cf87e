import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectTemporal, type TemporalConnection } from '../../../infra/temporal/client.ts';
import { reconcileSchedule } from '../../../infra/temporal/schedules.ts';
import { nextTimes, parseCron } from '../../../workflows/domain/cron.ts';
import type { PipelineName } from '../../../workflows/domain/units.ts';
import { scheduleId } from '../../../workflows/names.ts';
import { describeWithServers, testTemporal } from '../../support/servers.ts';

let connected: TemporalConnection;
let client: Client;
const named = (name: string) => `${name}-${process.pid}-${Date.now()}` as PipelineName;

beforeAll(async () => {
  const { address, namespace } = testTemporal();
  connected = await connectTemporal({ temporalAddress: address, temporalNamespace: namespace });
  client = connected.client;
});
afterAll(() => connected.close());

const describeOf = (pipeline: PipelineName) => client.schedule.getHandle(scheduleId(pipeline)).describe();
const daily = { cron: '0 3 * * *', paused: null };

describeWithServers('reconcileSchedule()', () => {
  test('creates, keeps, changes, rests and deletes, and each of them twice', async () => {
    const pipeline = named('life');
    expect(await reconcileSchedule(client, pipeline, daily)).toBe('created');
    expect(await reconcileSchedule(client, pipeline, daily)).toBe('unchanged');
    const resting = { cron: '0 4 * * *', paused: 'paused by ada: holidays' };
    expect(await reconcileSchedule(client, pipeline, resting)).toBe('changed');
    expect(await reconcileSchedule(client, pipeline, resting)).toBe('unchanged');
    expect((await describeOf(pipeline)).state).toMatchObject({ paused: true, note: 'paused by ada: holidays' });
    expect(await reconcileSchedule(client, pipeline, daily)).toBe('changed');
    const described = await describeOf(pipeline);
    expect(described.state.paused).toBe(false);
    expect(described.info.nextActionTimes[0]?.getUTCHours()).toBe(3);
    expect(await reconcileSchedule(client, pipeline, null)).toBe('deleted');
    expect(await reconcileSchedule(client, pipeline, null)).toBe('none');
  });

  test('brings one in line that a program before set up otherwise', async () => {
    const pipeline = named('before');
    await reconcileSchedule(client, pipeline, daily);
    const handle = client.schedule.getHandle(scheduleId(pipeline));
    const [catchupWindow, workflowExecutionTimeout] = [60_000, 60_000];
    const others = [{ policies: { overlap: 'SKIP' } }, { policies: { catchupWindow } }, { action: { workflowExecutionTimeout } }];
    for (const other of others) {
      await handle.update((is) => {
        const [policies, action] = [
          { ...is.policies, ...other.policies },
          { ...is.action, ...other.action },
        ];
        return { ...is, policies, action } as never;
      });
      expect(await reconcileSchedule(client, pipeline, daily)).toBe('changed');
      const { policies, action } = await describeOf(pipeline);
      expect(policies).toMatchObject({ overlap: 'BUFFER_ONE', catchupWindow: 6 * 3_600_000 });
      expect(action).toMatchObject({ workflowExecutionTimeout: 600_000, args: [{ format: 1, pipeline }] });
      expect(await reconcileSchedule(client, pipeline, daily)).toBe('unchanged');
    }
    await reconcileSchedule(client, pipeline, null);
  });

  test('names what it does after an outage, with one that is late, and with one that hangs', async () => {
    const pipeline = named('policy');
    await reconcileSchedule(client, pipeline, daily);
    const { policies, action, searchAttributes } = await describeOf(pipeline);
    expect(policies).toMatchObject({ overlap: 'BUFFER_ONE', catchupWindow: 6 * 3_600_000 });
    expect(action).toMatchObject({
      workflowType: 'scheduledRetrain',
      taskQueue: 'perennial-flow',
      args: [{ format: 1, pipeline }],
      workflowExecutionTimeout: 600_000,
    });
    expect(searchAttributes).toMatchObject({ PerennialPipeline: [pipeline] });
    await reconcileSchedule(client, pipeline, null);
  });

  test.each(['*/7 * * * *', '0 3 * * 1', '15,45 6-8 * feb,nov mon-fri', '0 0 29 2 *', '30 4 31 * *', '0 0 * * 7', '@weekly'])(
    'comes when the plan says that it comes: %s',
    async (cron) => {
      const pipeline = named('times');
      await reconcileSchedule(client, pipeline, { cron, paused: null });
      const parsed = parseCron(cron);
      if (parsed.kind === 'wrong') throw new Error(parsed.reason);
      /** Both of one moment: one of these times may come meanwhile. */
      const missing = async () => {
        const told = (await describeOf(pipeline)).info.nextActionTimes.map((at) => at.getTime());
        return nextTimes(parsed.schedule, Date.now(), 3).filter((time, at) => time !== told[at]);
      };
      await expect.poll(missing).toEqual([]);
      await reconcileSchedule(client, pipeline, null);
    },
  );

  test('creates it again where somebody deletes it between two looks', async () => {
    const pipeline = named('deleted');
    await reconcileSchedule(client, pipeline, daily);
    const handle = client.schedule.getHandle(scheduleId(pipeline));
    const describe = async () => {
      await handle.delete();
      return handle.describe();
    };
    const getHandle = () => Object.assign(Object.create(handle) as object, { describe });
    const schedule = Object.assign(Object.create(client.schedule) as object, { getHandle });
    expect(await reconcileSchedule({ schedule } as unknown as Client, pipeline, daily)).toBe('created');
    expect((await describeOf(pipeline)).state.paused).toBe(false);
    await reconcileSchedule(client, pipeline, null);
  });

  test('is done by many at once, and one schedule is there', async () => {
    const pipeline = named('crowd');
    const changes = await Promise.all(Array.from({ length: 8 }, () => reconcileSchedule(client, pipeline, daily)));
    expect(changes.filter((change) => change === 'created')).toHaveLength(1);
    expect(changes.filter((change) => change === 'unchanged')).toHaveLength(7);
    const ended = await Promise.all(Array.from({ length: 8 }, () => reconcileSchedule(client, pipeline, null)));
    expect(ended.every((change) => change === 'deleted' || change === 'none')).toBe(true);
    await expect(describeOf(pipeline)).rejects.toThrow(/not found/i);
  });
});
