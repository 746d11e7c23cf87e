import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { get, post, until, untilReady } from './support/http.ts';
import { createWorld, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await world.deploy({ pipeline: 'churn', bias: -1 });
});
afterAll(() => world.close());

const row = { tenure: 5, contract: 'monthly' };

/** Holds the event loop as one long inference does. */
const block = (ms: number): void => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

test('sheds predictions while the event loop is blocked, with Retry-After, and recovers; health and metrics still answer', async () => {
  const { url } = await world.serve({ overrides: { pressure: { eventLoopDelayMs: 40, sampleMs: 50, inFlight: 100 } } });
  await untilReady(url);
  let blocking = true;
  const keepBlocking = (): void => {
    if (!blocking) return;
    block(150);
    setTimeout(keepBlocking, 5);
  };
  keepBlocking();
  await until('a prediction is shed', async () => {
    const { status, headers, body } = await post(`${url}/predict/churn`, row);
    if (status !== 503) return false;
    expect(body.error.code).toBe('PRN_SERVING_OVERLOADED');
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    return true;
  });
  expect((await get(`${url}/v2/health/live`)).status).toBe(200);
  expect((await get(`${url}/metrics`)).body).toMatch(/perennial_serving_shed_total\{reason="event loop"\} [1-9]/);
  blocking = false;
  await until('predictions are answered again', async () => (await post(`${url}/predict/churn`, row)).status === 200);
});

/** A client that sends its head and keeps its body to itself; resolves once the server asks for the body. */
const startSlowRequest = async (url: string): Promise<Socket> => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  const head = ['POST /predict/churn HTTP/1.1', 'host: localhost', 'content-type: application/json', 'content-length: 40'];
  socket.write(`${[...head, 'expect: 100-continue'].join('\r\n')}\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 100/);
  return socket;
};

test('sheds what is beyond the number under way, before it reads the body', async () => {
  const { url } = await world.serve({ overrides: { pressure: { eventLoopDelayMs: 10_000, sampleMs: 1_000, inFlight: 2 } } });
  await untilReady(url);
  const slow = [await startSlowRequest(url), await startSlowRequest(url)];
  expect((await post(`${url}/predict/churn`, row)).status).toBe(503);
  for (const socket of slow) socket.destroy();
  await until('those that went away no longer count', async () => (await post(`${url}/predict/churn`, row)).status === 200);
});

test('a client that never sends its body does not hold a server that stops', async () => {
  const server = await world.serve({ overrides: { drainMs: 300 } });
  await untilReady(server.url);
  const slow = await startSlowRequest(server.url);
  const started = performance.now();
  await server.close();
  expect(performance.now() - started).toBeLessThan(10_000);
  slow.destroy();
});
