/** What the demo's world is made of: its days, its passengers, its team. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PerennialError } from '#domain/errors.ts';
import { asUsual, startCalendar } from '../../workers/cli/demo/calendar.ts';
import { type Caller, createCaller } from '../../workers/cli/demo/caller.ts';
import { patiently } from '../../workers/cli/demo/patience.ts';
import { type ReceivedNotice, startReceiver } from '../../workers/cli/demo/receiver.ts';
import { createTraffic } from '../../workers/cli/demo/traffic.ts';
import { nameDay, nextDay, openWorld, type PastFlight, type World } from '../../workers/cli/demo/world.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

type Asked = { readonly path: string; readonly body: unknown };
const textOf = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
};

/** A server that keeps what it was asked and answers by `answer`. */
const listen = async (answer: (asked: Asked, count: number) => [status: number, body: unknown]) => {
  const asked: Asked[] = [];
  const reply = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const one = { path: request.url ?? '', body: JSON.parse(await textOf(request)) as unknown };
    asked.push(one);
    const [status, body] = answer(one, asked.length);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const server: Server = createServer((request, response) => void reply(request, response));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
};
const callerOf = (url: string): Caller => {
  const caller = createCaller(url);
  closing.push(() => caller.close());
  return caller;
};

const flight = (distance: number, late = false): PastFlight => ({
  asked: { date: '2001-02-12T08:00:00.000Z', distance, origin: 'ATL', destination: 'HSV' },
  late,
});
const answered = { prediction_id: 'p', model_version: 3 };

describe('createCaller()', () => {
  test('asks again where the server has too much to do, and says how often', async () => {
    const { url } = await listen((_, count) => (count < 3 ? [503, {}] : [200, { ok: true }]));
    expect(await callerOf(url).post('/', {})).toEqual({ status: 200, body: { ok: true }, retries: 2 });
  });

  test('takes an error of the server for an answer', async () => {
    const { url, asked } = await listen(() => [500, { error: {} }]);
    expect(await callerOf(url).post('/', {})).toMatchObject({ status: 500, retries: 0 });
    expect(asked).toHaveLength(1);
  });

  test('waits for a server that is away', async () => {
    const { url } = await listen(() => [200, {}]);
    const port = Number(new URL(url).port);
    await closing.pop()?.();
    const pending = callerOf(url).post('/', {});
    const server = createServer((_, response) => void response.writeHead(200).end('{}'));
    await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
    closing.push(() => server.close());
    const { status, retries } = await pending;
    expect(status).toBe(200);
    expect(retries).toBeGreaterThanOrEqual(0);
  });
});

describe('createTraffic()', () => {
  const trafficOn = (url: string, more = {}) => createTraffic({ caller: callerOf(url), path: '/predict', ...asUsual, ...more });

  test('sends every flight once and gives the labels of those that were answered', async () => {
    const { url, asked } = await listen(() => [200, answered]);
    const traffic = trafficOn(url);
    const labels = await traffic.send([flight(1), flight(2, true)], () => 1_000);
    expect(new Set(asked.map(({ body }) => (body as { distance: number }).distance))).toEqual(new Set([1, 2]));
    expect(asked).toHaveLength(2);
    expect(labels.map(({ label }) => label)).toEqual([false, true]);
    expect(labels[0]).toEqual({ prediction_id: 'p', label: false, at: '2001-02-13T08:00:00.000Z' });
    expect(traffic.report()).toEqual({
      ...{ sent: 2, failed: 0, harmed: 0, retried: 0, firstFailure: null },
      byVersion: new Map([['3', 2]]),
    });
  });

  test('counts each failure, and those that a canary is there to find apart', async () => {
    const { url } = await listen(({ body }) =>
      (body as { distance: number }).distance > 1 ? [500, { why: 1 }] : [200, answered],
    );
    const traffic = trafficOn(url, { isExpected: ({ distance }: { distance: number }) => distance === 3 });
    expect(await traffic.send([flight(1), flight(2), flight(3)], () => 1_000)).toHaveLength(1);
    expect(traffic.report()).toMatchObject({ sent: 3, failed: 1, harmed: 1, firstFailure: '500 {"why":1}' });
  });

  test('keeps the pace that is asked for', async () => {
    const { url } = await listen(() => [200, answered]);
    const startedAt = performance.now();
    await trafficOn(url).send(
      Array.from({ length: 20 }, () => flight(1)),
      () => 100,
    );
    expect(performance.now() - startedAt).toBeGreaterThan(150);
  });
});

describe('the days', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld('2001-01-04');
    return () => world.close();
  }, 60_000);

  test('are real ones, each with its flights in their order, the same every time', async () => {
    const flights = await world.flightsOf('2001-01-02');
    expect(flights.length).toBeGreaterThan(1_500);
    const dates = flights.map(({ asked }) => asked.date);
    expect(dates).toEqual(dates.toSorted());
    expect(await world.flightsOf('2001-01-02')).toEqual(flights);
    const late = flights.filter((one) => one.late).length / flights.length;
    expect(late).toBeGreaterThan(0.2);
    expect(late).toBeLessThan(0.5);
  });

  test('have names', () => {
    expect([nextDay('2001-02-28'), nextDay('2001-03-01', -1), nameDay('2001-03-01')]).toEqual([
      '2001-03-01',
      '2001-02-28',
      '1 March',
    ]);
  });

  test('bring labels and file of a day in the evening of the next one, and a twist in the morning', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'perennial-days-'));
    closing.push(() => rm(folder, { recursive: true, force: true }));
    const { url, asked } = await listen(() => [200, answered]);
    const seen: string[] = [];
    const calendar = startCalendar({
      ...{ world, caller: callerOf(url), folder, pipeline: 'flights', firstDay: '2001-01-01' },
      onDay: (day) => {
        seen.push(day);
        if (day === '2001-01-01') calendar.twist({ ...asUsual, change: (one) => ({ ...one, origin: 'KXXX' }) });
      },
      mayBegin: async () => true,
    });
    calendar.setPace(20_000);
    const delivered = async () => ((await readdir(join(folder, 'data')).catch(() => [])).length > 0 ? true : null);
    expect(await calendar.until(delivered, '2001-01-04')).toBe(true);
    await calendar.stop();
    expect(seen.slice(0, 2)).toEqual(['2001-01-01', '2001-01-02']);
    const labels = asked.findIndex(({ path }) => path === '/labels/flights');
    const origins = asked.slice(0, labels).map(({ body }) => (body as { origin: string }).origin === 'KXXX');
    const first = (await world.flightsOf('2001-01-01')).length;
    expect(origins.slice(0, first)).not.toContain(true);
    expect(origins.slice(first)).not.toContain(false);
    const brought = asked[labels]?.body as { labels: unknown[] } | undefined;
    expect(brought?.labels).toHaveLength(first);
    expect(await readdir(join(folder, 'data'))).toContain('2001-01-01.parquet');
  }, 60_000);
});

describe('startReceiver()', () => {
  test('hears each notice once, however often it comes, and refuses what is none', async () => {
    const heard: ReceivedNotice[] = [];
    const receiver = await startReceiver((notice) => heard.push(notice));
    closing.push(() => receiver.close());
    const caller = callerOf(receiver.url);
    const notice = { id: 'n1', event: 'promoted', pipeline: 'flights', text: 'version 2' };
    for (const one of [notice, notice, { ...notice, id: 'n2' }]) expect((await caller.post('/', one)).status).toBe(204);
    expect(heard.map(({ id }) => id)).toEqual(['n1', 'n2']);
    expect(receiver.notices()).toEqual(heard);
    const refused = await fetch(receiver.url, { method: 'POST', body: 'no notice' });
    expect(refused.status).toBe(400);
    expect(heard).toHaveLength(2);
  });
});

describe('patiently()', () => {
  test('asks again while a server is away, and never after a final error', async () => {
    let times = 0;
    const work = async (): Promise<string> => {
      times += 1;
      if (times < 3) throw new Error('connect ECONNREFUSED');
      return 'done';
    };
    expect(await patiently(work)).toBe('done');
    const final = new PerennialError('PRN_NOT_FOUND', 'Cannot find it');
    await expect(patiently(() => Promise.reject(final))).rejects.toBe(final);
    expect(times).toBe(3);
  });
});
