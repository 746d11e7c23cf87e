import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { noticeId } from '../../infra/notify/write-notice.ts';
import { createNotices, type NoticeDelivery } from '../../infra/postgres/notices.ts';
import { createOutbox } from '../../infra/postgres/outbox.ts';
import { openDatabase } from '../../infra/postgres/pool.ts';
import { findPort } from '../../infra/state/ports.ts';
import { silentLogger } from '../../infra/telemetry/logger.ts';
import { createMetrics } from '../../infra/telemetry/metrics.ts';
import { signatureFault } from '../../infra/webhooks/signature.ts';
import { startCourier } from '../../serving/control/dispatch/courier.ts';
import { createDeliverNotices, type NoticeDeps } from '../../serving/control/dispatch/deliver-notices.ts';
import type { Notice } from '../../workflows/domain/contracts/notice.ts';
import type { PipelineName } from '../../workflows/domain/units.ts';
import { until } from './support/http.ts';
import { type Receiver, startReceiver } from './support/receiver.ts';
import { startServeProcess } from './support/serve-process.ts';
import { key, secret } from './support/webhook-senders.ts';
import { createWorld, type World } from './support/world.ts';

let world: World;
const churn = 'churn' as PipelineName;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  world = await createWorld();
  await world.applyPipeline(churn);
  await world.applyPipeline('flights' as PipelineName);
});
afterAll(() => world.close());
beforeEach(() => world.db.deleteFrom('notices').execute());
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const receiver = async (...how: Parameters<typeof startReceiver>): Promise<Receiver> => {
  const started = await startReceiver(...how);
  closers.push(started.close);
  return started;
};

const notice = (name: string, over: Partial<Notice> = {}): Notice => ({
  key: `watch-drift/churn/${name}`,
  pipeline: churn,
  event: 'drift',
  text: name,
  link: '/pipelines/churn',
  ...over,
});
const put = (said: Notice, to: string, over: Partial<NoticeDelivery> = {}): Promise<void> =>
  createNotices(world.db).put(said, [{ to, as: 'webhook', secret: null, ...over }]);

const quick = { firstMs: 5, mostMs: 20 };
const metrics = createMetrics();
const courier = (over: Partial<NoticeDeps> = {}) => {
  const database = openDatabase(world.databaseUrl, { connections: 2 });
  const deps: NoticeDeps = {
    outbox: createOutbox(database.db),
    secretNamed: () => null,
    controlUrl: 'http://127.0.0.1:8081',
    metrics,
    log: silentLogger(),
    clock: () => Date.now(),
    random: () => 0,
    backOff: quick,
    ...over,
  };
  const started = startCourier({ name: 'notices', carry: createDeliverNotices(deps), idleMs: 5, log: silentLogger() });
  closers.push(async () => {
    await started.close();
    await database.close();
  });
};

const rows = () => world.db.selectFrom('notices').selectAll().orderBy('created_at').execute();
/** Who was killed in the middle of an attempt leaves the row to the next after a lease of 30 s. */
const untilSettled = (): Promise<void> =>
  until(
    'every notice is delivered or given up',
    async () => (await rows()).every(({ delivered_at, given_up_at }) => delivered_at !== null || given_up_at !== null),
    45_000,
  );

describe('a notice', () => {
  test('arrives as a webhook, signed with the secret that it names', async () => {
    const { url, received } = await receiver();
    await put(notice('moved'), `${url}/hooks/7`, { secret: 'HOOK_SECRET' });
    courier({ secretNamed: (name) => (name === 'HOOK_SECRET' ? secret : null) });
    await untilSettled();
    expect(received).toHaveLength(1);
    const { headers, body, path } = received[0] as (typeof received)[number];
    const [row] = await rows();
    expect(path).toBe('/hooks/7');
    expect(JSON.parse(body)).toEqual({
      id: noticeId('watch-drift/churn/moved'),
      event: 'drift',
      pipeline: 'churn',
      text: 'moved',
      link: 'http://127.0.0.1:8081/pipelines/churn',
      at: row?.created_at.toISOString(),
    });
    const signedBy = {
      id: headers['webhook-id'] as string,
      timestamp: headers['webhook-timestamp'] as string,
      signature: headers['webhook-signature'] as string,
    };
    expect(signatureFault(signedBy, Buffer.from(body), [key])).toBeNull();
    expect(signedBy.id).toBe(noticeId('watch-drift/churn/moved'));
    expect(Math.abs(Number(signedBy.timestamp) - Date.now() / 1000)).toBeLessThan(10);
  });

  test('arrives in the form of chats, without their mark-up', async () => {
    const { url, received } = await receiver();
    await put(notice('a < b & c', { link: null }), url, { as: 'slack' });
    courier();
    await untilSettled();
    expect(received[0]?.headers['webhook-signature']).toBeUndefined();
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({ text: '*churn*: drift\na &lt; b &amp; c' });
  });

  test('that is put twice is one, and goes to each address by itself', async () => {
    const [good, bad] = [await receiver(), await receiver(() => 500)];
    for (const { url } of [good, bad, good]) await put(notice('once'), url);
    courier();
    await until('the bad one was tried again', async () => bad.received.length > 2);
    expect(good.received).toHaveLength(1);
    expect((await rows()).map(({ delivered_at }) => delivered_at !== null)).toEqual([true, false]);
  });

  test('is brought again to a receiver that answers 500 at first, under the same id', async () => {
    const { url, received } = await receiver((index) => (index < 3 ? 500 : 200));
    await put(notice('retried'), url);
    courier();
    await untilSettled();
    expect(received).toHaveLength(4);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect((await rows())[0]).toMatchObject({ attempts: 4, last_error: null, given_up_at: null });
    const { text } = await metrics.exposition();
    expect(text).toContain('perennial_notices_total{event="drift",outcome="failed"}');
    expect(text).toContain('perennial_notices_total{event="drift",outcome="delivered"}');
  });

  test.each([
    ['redirects', { redirectTo: 'http://127.0.0.1:1/elsewhere' } as const, 'answered 302, and redirects are not followed'],
    ['refuses', 403 as const, 'answered 403'],
    ['cuts the line', 'cut' as const, /^cannot be reached/],
  ])('to a receiver that %s is kept with the reason, which holds nothing of the answer', async (_what, answer, reason) => {
    const { url, received } = await receiver(() => answer);
    await put(notice('kept'), url);
    courier();
    await until('it was tried twice', async () => received.length >= 2);
    const [row] = await rows();
    expect(row).toMatchObject({ delivered_at: null, given_up_at: null });
    expect(row?.last_error).toEqual(typeof reason === 'string' ? reason : expect.stringMatching(reason));
    expect(row?.last_error).not.toContain('secret of the receiver');
  });

  test('to a receiver that is down arrives once it is up', async () => {
    const port = await findPort();
    await put(notice('patient'), `http://127.0.0.1:${port}`);
    courier();
    await until('it failed', async () => (await rows())[0]?.last_error === 'cannot be reached: ECONNREFUSED');
    const { received } = await receiver(() => 200, port);
    await untilSettled();
    expect(received).toHaveLength(1);
  });

  test('to a receiver that says nothing fails after five seconds, and holds others up no longer', async () => {
    const [silent, good] = [await receiver(() => 'hang'), await receiver()];
    await put(notice('slow'), silent.url);
    courier();
    await until('the silent one was asked', async () => silent.received.length === 1);
    await put(notice('quick', { pipeline: 'flights' as PipelineName }), good.url);
    await until('the other arrived', async () => good.received.length === 1);
    await until('it failed', async () => (await rows())[0]?.last_error === 'did not answer within 5 s');
  });

  test('is given up after its time, which is counted', async () => {
    const { url } = await receiver(() => 500);
    courier({ giveUpAfterMs: 1_000 });
    await put(notice('hopeless'), url);
    await untilSettled();
    const [row] = await rows();
    expect(row).toMatchObject({ delivered_at: null, last_error: 'answered 500' });
    expect(row?.attempts).toBeGreaterThan(1);
    expect((await metrics.exposition()).text).toContain('perennial_notices_total{event="drift",outcome="given up"} 1');
  });

  test.each([
    [null, 'is not signed as HOOK_SECRET is not set where the control plane runs'],
    ['hunter2', 'is not signed as HOOK_SECRET is not "whsec_" and 24 to 64 bytes in base64'],
  ])('never goes out unsigned where a secret is named: %s', async (found, reason) => {
    const { url, received } = await receiver();
    await put(notice('unsigned'), url, { secret: 'HOOK_SECRET' });
    courier({ secretNamed: () => found });
    await until('it failed', async () => (await rows())[0]?.last_error === reason);
    expect(received).toEqual([]);
  });
});

describe('notices', () => {
  test('of one pipeline arrive in order, though the first needs several attempts', async () => {
    const { url, texts } = await receiver((index) => (index < 3 ? 503 : 200));
    for (const name of ['1', '2', '3', '4']) await put(notice(name), url);
    courier();
    courier();
    await untilSettled();
    expect(texts()).toEqual(['1', '1', '1', '1', '2', '3', '4']);
  });

  test('do not wait for ever behind one that is never taken', async () => {
    const { url, texts } = await receiver((_index, body) => (body.includes('poison') ? 422 : 200));
    for (const name of ['poison', '2', '3']) await put(notice(name), url);
    courier();
    await until('the others arrived', async () => texts().includes('3'));
    expect(texts().filter((text) => text !== 'poison')).toEqual(['2', '3']);
    expect(texts().indexOf('2')).toBeGreaterThanOrEqual(5);
  });

  test('are brought by one of two control planes each', async () => {
    const { url, texts } = await receiver();
    const names = Array.from({ length: 60 }, (_, index) => `n${index}`);
    for (const name of names)
      await put(notice(name, { pipeline: (name.length === 2 ? 'flights' : 'churn') as PipelineName }), url);
    courier();
    courier();
    await untilSettled();
    expect(texts().toSorted()).toEqual(names.toSorted());
  });

  test('that were waiting when the control plane was killed are brought by the next', async () => {
    const first = await receiver(() => 500);
    await put(notice('survivor'), first.url, { secret: 'HOOK_SECRET' });
    const options = { command: 'control', env: { HOOK_SECRET: secret } } as const;
    const killed = await startServeProcess(world, options);
    await until('it failed once', async () => (await rows())[0]?.last_error === 'answered 500');
    await killed.end('SIGKILL');
    await first.close();
    closers.splice(0);
    const { received } = await receiver(() => 200, first.port);
    const next = await startServeProcess(world, options);
    await untilSettled();
    expect(received).toHaveLength(1);
    expect(await next.end('SIGTERM')).toBe(0);
  });
});
