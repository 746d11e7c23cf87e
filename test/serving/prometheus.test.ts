/** Prometheus may be silent, or worse: the loop rests on what servers tell PostgreSQL, and on nothing that somebody scrapes. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { get, until, untilReady } from './support/http.ts';
import { startLoad } from './support/load.ts';
import { churnProfile } from './support/profiles.ts';
import { startServeProcess } from './support/serve-process.ts';
import { getPipelineRows } from './support/tallies.ts';
import { createWorld, type World } from './support/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

const rowAt = (index: number) => ({ tenure: index % 100, contract: 'monthly', charges: 70.5 });
const requests = 300;

const serve = async (): Promise<string> => {
  await world.deploy({ pipeline: 'churn', bias: -1 }, churnProfile);
  const { url } = await startServeProcess(world, { env: { PERENNIAL_CAPTURE_FLUSH_MS: '200' } });
  await untilReady(url);
  return url;
};

/** Sends that many at least, and gives how many were answered. */
const ask = async (url: string): Promise<number> => {
  let answered = 0;
  const load = startLoad(`${url}/predict/churn`, 8, rowAt, ({ status }) => {
    answered += 1;
    return status === 200 ? null : `status ${status}`;
  });
  await until('all have asked', async () => answered >= requests);
  const { sent, failures } = await load.stop();
  expect(failures).toEqual([]);
  return sent;
};

const untilCounted = (rows: number) =>
  until('all are counted', async () => [...(await getPipelineRows(world, 'churn')).values()].includes(rows));

test('where nobody ever scrapes, all that the loop decides by is told', async () => {
  const url = await serve();
  await untilCounted(await ask(url));
  const first = (await get(`${url}/metrics`)).body as string;
  expect(first).toMatch(/^http_server_request_duration_seconds_count\{.*http_route="\/predict\/:pipeline".*\} \d{3}$/m);
  expect(first).not.toContain('http_route="/metrics"');
});

/** Asks for metrics again and again, and reads none of it. */
const startDeafScraper = async (url: string): Promise<Socket> => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.pause();
  socket.write('GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n'.repeat(200));
  return socket;
};

test('scrapers that ask without end and never read hold up no prediction', async () => {
  const url = await serve();
  const scrapers = await Promise.all(Array.from({ length: 20 }, () => startDeafScraper(url)));
  try {
    await untilCounted(await ask(url));
    expect(scrapers.filter(({ destroyed }) => destroyed)).toEqual([]);
  } finally {
    for (const scraper of scrapers) scraper.destroy();
  }
  expect((await get(`${url}/metrics`)).status).toBe(200);
});
