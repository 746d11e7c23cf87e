/** Accepted webhooks reach the watch, whatever ends meanwhile: Temporal, the control plane, or both of two. */
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { findPort } from '../../infra/state/ports.ts';
import { connectTemporal, type TemporalConnection } from '../../infra/temporal/client.ts';
import type { TemporalServer } from '../../infra/temporal/server.ts';
import type { PipelineName } from '../../workflows/domain/units.ts';
import { watchDriftWorkflowId } from '../../workflows/names.ts';
import { startOwnTemporal } from '../support/own-temporal.ts';
import { describeWithServers, testFolder } from '../support/servers.ts';
import { get, post, until } from './support/http.ts';
import { type ServeProcess, startServeProcess } from './support/serve-process.ts';
import { secret, signed } from './support/webhook-senders.ts';
import { createWorld, type World } from './support/world.ts';

/** Processes start and a thousand requests are answered; a machine that is busy with other things takes its time. */
const patienceMs = 120_000;
vi.setConfig({ testTimeout: 2 * patienceMs });

let world: World;
let folder: ReturnType<typeof testFolder>;
let port: number;
let temporal: TemporalServer;
let isUp = false;

const launchTemporal = async (): Promise<void> => {
  temporal = await startOwnTemporal(folder.folder, port);
  isUp = true;
};
const killTemporal = async (): Promise<void> => {
  isUp = false;
  process.kill(temporal.identity.pid, 'SIGKILL');
  await temporal.exited;
};

beforeAll(async () => {
  world = await createWorld();
  folder = testFolder();
  port = await findPort();
});
beforeEach(async () => {
  if (!isUp) await launchTemporal();
});
afterAll(async () => {
  await world.close();
  await temporal.stop();
  folder.close();
});

const startControl = (): Promise<ServeProcess> =>
  startServeProcess(world, {
    command: 'control',
    env: { TEMPORAL_ADDRESS: `127.0.0.1:${port}`, PERENNIAL_WEBHOOK_SECRETS: secret },
  });

const send = (url: string, pipeline: string, id: string) => {
  const body = JSON.stringify({ type: 'alert', text: `about ${id}` });
  return post(`${url}/webhooks/events/${pipeline}`, body, signed(id, body));
};

/** Signals in the history of a pipeline's watch, with repetitions. */
const historyOf = async (client: Client, pipeline: string): Promise<{ name: string; input: unknown }[]> => {
  const history = await client.workflow.getHandle(watchDriftWorkflowId(pipeline as PipelineName)).fetchHistory();
  return (history.events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => {
    if (signal == null) return [];
    const data = Buffer.from(signal.input?.payloads?.[0]?.data ?? []).toString();
    return [{ name: signal.signalName ?? '', input: JSON.parse(data) as unknown }];
  });
};
const alertsOf = async (client: Client, pipeline: string): Promise<string[]> =>
  (await historyOf(client, pipeline))
    .filter(({ name }) => name === 'alertReceived')
    .map(({ input }) => (input as { id: string }).id);

const withClient = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
  const connected: TemporalConnection = await connectTemporal({
    temporalAddress: `127.0.0.1:${port}`,
    temporalNamespace: 'default',
  });
  try {
    return await work(connected.client);
  } finally {
    await connected.close();
  }
};

const signalsOf = (pipeline: string) => withClient((client) => historyOf(client, pipeline).catch(() => []));

const waitingOf = async (pipeline: string): Promise<number> => {
  const query = world.db.selectFrom('webhook_deliveries').select('delivery_id').where('pipeline', '=', pipeline);
  return (await query.where('handed_over_at', 'is', null).execute()).length;
};
const untilHandedOver = (pipeline: string): Promise<void> =>
  until(`all webhooks of ${pipeline} are handed over`, async () => (await waitingOf(pipeline)) === 0, patienceMs);

describeWithServers('the dispatcher', () => {
  test('starts the watch of a pipeline with its first webhook, and tells each once', async () => {
    await world.applyPipeline('calm' as PipelineName);
    const control = await startControl();
    for (const id of ['a', 'b', 'a']) expect((await send(control.url, 'calm', id)).status).toBe(202);
    await untilHandedOver('calm');
    // Several go out at once; in which order they arrive is nobody's promise.
    expect((await withClient((client) => alertsOf(client, 'calm'))).toSorted()).toEqual(['events/a', 'events/b']);
    const { body } = await get(`${control.url}/metrics`);
    expect(body).toContain('perennial_webhook_attempts_total{outcome="handed over"} 2');
    expect(await control.end('SIGTERM')).toBe(0);
  });

  test('loses nothing while Temporal is down, and goes on by itself once it is back', async () => {
    await world.applyPipeline('outage' as PipelineName);
    const control = await startControl();
    await send(control.url, 'outage', 'before');
    await untilHandedOver('outage');
    await killTemporal();
    for (let index = 0; index < 20; index += 1) expect((await send(control.url, 'outage', `during-${index}`)).status).toBe(202);
    await until(
      'attempts failed',
      async () => {
        const failed = await world.db
          .selectFrom('webhook_deliveries')
          .select('last_error')
          .where('pipeline', '=', 'outage')
          .execute();
        return failed.filter(({ last_error }) => last_error !== null).length === 20;
      },
      patienceMs,
    );
    const metrics = async (): Promise<string> => (await get(`${control.url}/metrics`)).body;
    await until('the metrics say so', async () => /perennial_webhook_waiting 20\n/.test(await metrics()));
    expect(await metrics()).toMatch(/perennial_webhook_oldest_seconds [\d.]*[1-9]/);
    await launchTemporal();
    await untilHandedOver('outage');
    const alerts = await withClient((client) => alertsOf(client, 'outage'));
    const expected = ['before', ...Array.from({ length: 20 }, (_, index) => `during-${index}`)].map((id) => `events/${id}`);
    expect([...new Set(alerts)].toSorted()).toEqual(expected.toSorted());
    await until('none waits', async () => /perennial_webhook_waiting 0\n/.test(await metrics()));
    expect(control.child.exitCode).toBeNull();
    expect(await control.end('SIGTERM')).toBe(0);
  });

  test('hands each of 100 webhooks over that came ten times each to two control planes, one of which was killed', async () => {
    await world.applyPipeline('storm' as PipelineName);
    const [killed, other] = [await startControl(), await startControl()];
    const ids = Array.from({ length: 1_000 }, (_, index) => `e${(index * 7919) % 100}`);
    /** A sender sends again what was not answered 202, as all of them do. */
    const deliver = async (id: string, index: number): Promise<void> => {
      const urls = index % 2 === 0 ? [killed.url, other.url] : [other.url];
      for (const url of urls) {
        const status = await send(url, 'storm', id).then(
          (answered) => answered.status,
          () => null,
        );
        if (status === 202) return;
      }
      throw new Error(`Nobody took ${id}`);
    };
    const first = ids.slice(0, 400).map((id, index) => deliver(id, index));
    await until('some were accepted', async () => (await waitingOf('storm')) > 0 || (await Promise.race(first)) === undefined);
    await killed.end('SIGKILL');
    await Promise.all([...first, ...ids.slice(400).map((id, index) => deliver(id, index))]);
    await untilHandedOver('storm');
    const rows = await world.db.selectFrom('webhook_deliveries').selectAll().where('pipeline', '=', 'storm').execute();
    expect(rows).toHaveLength(100);
    const alerts = await withClient((client) => alertsOf(client, 'storm'));
    expect(new Set(alerts).size).toBe(100);
    // What the killed one held goes out again: at most one batch of it.
    expect(alerts.length).toBeLessThanOrEqual(150);
    expect(await withClient((client) => alertsOf(client, 'calm'))).toHaveLength(2);
    expect(await other.end('SIGTERM')).toBe(0);
  });

  test('tells the watch of labels in the database, once for all that came together', async () => {
    await world.applyPipeline('labelled' as PipelineName);
    const labels = Array.from({ length: 30 }, (_, index) => ({
      pipeline: 'labelled',
      subject: `id:${index}`,
      label: 'true',
      known_at: '2026-02-01T00:00:00Z',
    }));
    await world.db.insertInto('labels').values(labels).execute();
    const controls = [await startControl(), await startControl()];
    await until('the watch was told', async () => (await signalsOf('labelled')).length > 0, patienceMs);
    await untilHandedOver('labelled');
    expect(await signalsOf('labelled')).toEqual([{ name: 'labelsArrived', input: { rows: 30 } }]);
    for (const control of controls) expect(await control.end('SIGTERM')).toBe(0);
    const rows = await world.db.selectFrom('webhook_deliveries').selectAll().where('pipeline', '=', 'labelled').execute();
    expect(rows).toMatchObject([{ source: 'labels', attempts: 1 }]);
  });

  test('tells nobody of a pipeline that was deleted while its webhooks waited', async () => {
    await world.applyPipeline('gone' as PipelineName);
    await killTemporal();
    const control = await startControl();
    expect((await send(control.url, 'gone', 'late')).status).toBe(202);
    await world.db.updateTable('pipelines').set({ deleted_at: new Date() }).where('name', '=', 'gone').execute();
    await launchTemporal();
    await untilHandedOver('gone');
    await expect(withClient((client) => alertsOf(client, 'gone'))).rejects.toThrow(/not found/i);
    expect((await send(control.url, 'gone', 'later')).status).toBe(404);
    await control.end('SIGTERM');
  });
});
