/** kill -9 of a server under load: what it answered is in its log, and what its counters lack is known. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { post, until, untilReady } from './support/http.ts';
import { startLoad } from './support/load.ts';
import { answeredIn } from './support/logs.ts';
import { churnProfile } from './support/profiles.ts';
import { startServeProcess } from './support/serve-process.ts';
import { getPipelineRows } from './support/tallies.ts';
import { createWorld, type World } from './support/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

const row = { tenure: 5, contract: 'monthly', charges: 70.5 };
const rowAt = (index: number) => ({ ...row, tenure: index % 100 });

test('loses no prediction that was answered, and the next life says what the counters lack', async () => {
  const champion = await world.deploy({ pipeline: 'churn', bias: -1 }, churnProfile);
  const candidate = await world.add({ pipeline: 'churn', bias: 1 }, churnProfile);
  const env = { PERENNIAL_CAPTURE_FLUSH_MS: '400' };
  const server = await startServeProcess(world, { env });
  await untilReady(server.url);
  await world.rollOut('churn', candidate.version, { share: 0.5 });
  if (world.store.config.kind !== 'directory') return expect.unreachable();
  const captured = `${world.store.config.folder}-state/capture`;

  const ids = new Set<string>();
  const load = startLoad(`${server.url}/predict/churn`, 8, rowAt, ({ status, body }) => {
    if (status === 200) ids.add(body.prediction_id);
    return null;
  });
  await until('both arms were counted', async () => (await getPipelineRows(world, 'churn')).size === 2);
  const before = ids.size;
  await until('more was answered since', async () => ids.size > before + 300);
  await server.end('SIGKILL');
  await load.stop();

  const logged = answeredIn(captured);
  const loggedIds = new Set(logged.map(({ id }) => id));
  expect(loggedIds.size).toBe(logged.length);
  expect([...ids].filter((id) => !loggedIds.has(id))).toEqual([]);
  expect(ids.size).toBeGreaterThan(300);
  // What was logged and not answered was under way: at most one for each connection.
  expect(logged.length - ids.size).toBeLessThanOrEqual(8);

  const counted = await getPipelineRows(world, 'churn');
  const port = Number(new URL(server.url).port);
  const again = await startServeProcess(world, { env, port });
  await untilReady(again.url);
  const gaps = async () => world.db.selectFrom('counter_gaps').selectAll().orderBy('model_sha256').execute();
  await until('the gaps are recorded', async () => (await gaps()).length === 2);
  for (const gap of await gaps()) {
    expect(Number(gap.counted)).toBe(counted.get(gap.model_sha256));
    expect(Number(gap.logged)).toBe(logged.filter(({ modelSha256 }) => modelSha256 === gap.model_sha256).length);
    expect(Number(gap.logged)).toBeGreaterThan(Number(gap.counted));
  }
  expect((await gaps()).map(({ model_sha256 }) => model_sha256).toSorted()).toEqual(
    [champion.modelSha256, candidate.modelSha256].toSorted(),
  );
  // The same end for the second life, which is told to stop: it tells all it counted, so the third finds no gap.
  await post(`${again.url}/predict/churn`, row);
  expect(await again.end('SIGTERM')).toBe(0);
  const third = await startServeProcess(world, { env, port });
  await untilReady(third.url);
  await until('nothing is left to settle or to ship', async () => leftIn(captured) === 0);
  expect(await gaps()).toHaveLength(2);
});

test('a server whose log cannot be written goes on answering, and says how much is lost', async () => {
  await world.deploy({ pipeline: 'churn', bias: -1 }, churnProfile);
  if (world.store.config.kind !== 'directory') return expect.unreachable();
  const state = `${world.store.config.folder}-state`;
  mkdirSync(state, { recursive: true });
  // A file stands where the folder should be, as a full or read-only disk would.
  writeFileSync(`${state}/capture`, '');
  const server = await startServeProcess(world);
  await untilReady(server.url);
  for (let index = 0; index < 5; index += 1) expect((await post(`${server.url}/predict/churn`, rowAt(index))).status).toBe(200);
  const text = await (await fetch(`${server.url}/metrics`)).text();
  expect(text).toContain('perennial_capture_lost_total 5');
  expect(await server.end('SIGTERM')).toBe(0);
  expect(server.log()).toContain('Cannot write the log of predictions');
});

/** Segments and ledgers below the capture folder of lives that have ended. */
const leftIn = (folder: string): number => {
  if (!existsSync(folder)) return 0;
  const epochs = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.split('/').length === 3);
  return epochs.filter((name) => name.endsWith('.ndjson')).length;
};
