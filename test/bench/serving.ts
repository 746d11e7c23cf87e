/**
 * What a prediction costs: `perennial serve` with a tiny model against the framework without any, in turns, one row a
 * request; then against itself without log and counters, with the processor time of a request; then changes of champion
 * under load, with failed requests, latencies and memory.
 * Parameters: [seconds a turn, 5] [swaps, 50] [slices with and without log and counters, 41].
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { createContentStore } from '../../infra/objects/content-store.ts';
import { openObjectStore } from '../../infra/objects/open.ts';
import { migrateToLatest } from '../../infra/postgres/migrate.ts';
import { startPostgres } from '../../infra/postgres/server.ts';
import type { PipelineName } from '../../workflows/domain/units.ts';
import { get, until, untilReady } from '../serving/support/http.ts';
import { quantile, startLoad } from '../serving/support/load.ts';
import { storeTinyModel } from '../serving/support/models.ts';
import { openWorld, type World } from '../serving/support/pipelines.ts';
import { churnProfile } from '../serving/support/profiles.ts';
import { startServeProcess } from '../serving/support/serve-process.ts';
import { median } from '../support/median.ts';

const row = { tenure: 5, contract: 'monthly', charges: 70.5 };
const churn = 'churn' as PipelineName;
const connectionCounts = [1, 32, 128];
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const fire = async (url: string, connections: number, how: { readonly duration: number } | { readonly amount: number }) => {
  const headers = { 'content-type': 'application/json' };
  const options = { url: `${url}/predict/churn`, method: 'POST' as const, headers, body: JSON.stringify(row) };
  return autocannon({ ...options, connections, ...how });
};

const startBare = async (): Promise<{ url: string; child: ChildProcess }> => {
  const child = fork(new URL('./programs/bare-fastify.ts', import.meta.url).pathname);
  const [message] = (await once(child, 'message')) as [{ url: string }];
  return { url: message.url, child };
};

/** In turns, the order reversed in the second, so that a slow minute of the machine meets both. */
const compare = async (places: Readonly<Record<string, string>>, connections: number, seconds: number): Promise<void> => {
  const rates = new Map<string, number[]>();
  const names = Object.keys(places);
  for (const name of [...names, ...names.toReversed()]) {
    const { requests, latency, non2xx, errors } = await fire(places[name] as string, connections, { duration: seconds });
    rates.set(name, [...(rates.get(name) ?? []), requests.average]);
    say(
      `${connections} connections, ${name}: ${Math.round(requests.average)} requests/s, p99 ${latency.p99} ms, failed ${non2xx + errors}`,
    );
  }
  const [ours, bare] = names.map((name) => (rates.get(name) as number[]).reduce((sum, rate) => sum + rate, 0));
  say(`${connections} connections: ${((ours as number) / (bare as number)).toFixed(2)} of the framework without a model`);
};

/** Clock ticks of the processor a second, as Linux counts them for processes. */
const ticksPerSecond = 100;

/** Processor time of a process so far, all its threads, in milliseconds. */
const processorMs = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1_000;
};

type Remembering = { readonly url: string; readonly pid: number };
type Slice = { readonly serverMs: number; readonly processorMs: number; readonly p50: number; readonly p99: number };

/** Time from arrival to answer of all predictions so far, as the server itself counts it: a client's clock is too coarse. */
const serverMs = async (url: string): Promise<number> => {
  const text = (await get(`${url}/metrics`)).body as string;
  return Number(/^perennial_serving_latency_seconds_sum\{.*status="200"\} (.+)$/m.exec(text)?.[1] ?? 0) * 1_000;
};

/** Requests of one slice: some tenths of a second, so that a slow moment of the machine meets both sides. */
const sliceRequests = 3_000;

const takeSlice = async ({ url, pid }: Remembering, connections: number): Promise<Slice> => {
  const [before, timeBefore] = [processorMs(pid), await serverMs(url)];
  const { latency, non2xx, errors } = await fire(url, connections, { amount: sliceRequests });
  if (non2xx + errors > 0) say(`${non2xx + errors} of ${sliceRequests} requests failed`);
  return {
    serverMs: (await serverMs(url)) - timeBefore,
    processorMs: processorMs(pid) - before,
    p50: latency.p50,
    p99: latency.p99,
  };
};

/**
 * In short slices, the order changed each time. Processor time is that of all slices together, as it is told in hundredths of a
 * second; the server's time is the middle of the pairs' ratios, which does not hang on a few slow slices.
 */
const compareMemory = async (withIt: Remembering, without: Remembering, connections: number, slices: number): Promise<void> => {
  const pairs: { readonly on: Slice; readonly off: Slice }[] = [];
  for (let slice = 0; slice < slices; slice += 1) {
    const first = await takeSlice(slice % 2 === 0 ? withIt : without, connections);
    const second = await takeSlice(slice % 2 === 0 ? without : withIt, connections);
    pairs.push(slice % 2 === 0 ? { on: first, off: second } : { on: second, off: first });
  }
  const processorUs = (side: 'on' | 'off'): number =>
    (pairs.reduce((sum, pair) => sum + pair[side].processorMs, 0) * 1_000) / (slices * sliceRequests);
  for (const [name, side] of [
    ['with log and counters', 'on'],
    ['without', 'off'],
  ] as const) {
    const of = (key: keyof Slice): number => median(pairs.map((pair) => pair[side][key]));
    say(
      `${connections} connections, ${name}: p50 ${of('p50')} ms, p99 ${of('p99')} ms, a request takes the server ` +
        `${((of('serverMs') * 1_000) / sliceRequests).toFixed(0)} us, and ${processorUs(side).toFixed(1)} us of a processor`,
    );
  }
  const more = (ratio: number): string => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %`;
  const time = median(pairs.map(({ on, off }) => on.serverMs / off.serverMs));
  say(
    `${connections} connections: log and counters cost ${more(time)} of the server's time and ` +
      `${more(processorUs('on') / processorUs('off'))} processor time a request`,
  );
};

const startWithoutMemory = async (world: World): Promise<Remembering> => {
  if (world.store.config.kind !== 'directory') throw new Error('Expected a directory store');
  const child = spawn(process.execPath, [new URL('./programs/serve-without-capture.ts', import.meta.url).pathname], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: world.databaseUrl,
      PERENNIAL_STORE: world.store.config.folder,
      PERENNIAL_STATE_DIR: `${world.store.config.folder}-state`,
      PERENNIAL_PORT: '0',
    },
  });
  world.onClose(async () => void child.kill());
  const [message] = (await once(child, 'message')) as [{ url: string }];
  await untilReady(message.url);
  return { url: message.url, pid: child.pid as number };
};

const memoryOf = async (url: string): Promise<number> => {
  const text = (await get(`${url}/metrics`)).body as string;
  return Number(/^process_resident_memory_bytes (.+)$/m.exec(text)?.[1]) / 2 ** 20;
};

const swapUnderLoad = async (world: World, url: string, swaps: number): Promise<void> => {
  const first = await world.registry.list(churn);
  const other = await storeTinyModel(world.store.content, { pipeline: 'churn', bias: 1 });
  const versions = [await world.register('churn', other), first[0]?.version as number];
  const load = startLoad(
    `${url}/predict/churn`,
    32,
    () => row,
    ({ status, digest, body }) =>
      status === 200 && (digest === other) === (body.model_version === versions[0]) ? null : `${status} ${JSON.stringify(body)}`,
  );
  const before = await memoryOf(url);
  for (let swap = 0; swap < swaps; swap += 1) {
    const generation = await world.promote('churn', versions[swap % 2] as number);
    await until('the swap is reported', async () =>
      (await world.deployments.serverReports(churn, 10_000)).some(
        (report) => report.generation === generation && report.state === 'serving',
      ),
    );
  }
  const { sent, failures, latenciesMs } = await load.stop();
  const after = await memoryOf(url);
  say(`${swaps} swaps under load: ${failures.length} of ${sent} requests failed ${failures.slice(0, 2).join(' ')}`);
  say(
    `p50 ${quantile(latenciesMs, 0.5).toFixed(1)} ms, p99 ${quantile(latenciesMs, 0.99).toFixed(1)} ms, longest ${quantile(latenciesMs, 1).toFixed(0)} ms`,
  );
  say(`resident memory ${before.toFixed(0)} MiB before, ${after.toFixed(0)} MiB after`);
};

export const run = async ([seconds = '5', swaps = '50', slices = '41']: readonly string[]): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
  chmodSync(folder, 0o755);
  const postgres = await startPostgres({
    dataDir: join(folder, 'postgres'),
    outsideDir: folder,
    logFile: join(folder, 'postgres.log'),
  });
  await migrateToLatest(postgres.url);
  const config = { kind: 'directory', folder: join(folder, 'store') } as const;
  const store = openObjectStore(config);
  const world = openWorld({
    databaseUrl: postgres.url,
    store: { store, content: createContentStore(store, join(folder, 'cache')), config },
  });
  const bare = await startBare();
  try {
    await world.deploy({ pipeline: 'churn', bias: -1 }, churnProfile);
    const { url, child } = await startServeProcess(world);
    await untilReady(url);
    const without = await startWithoutMemory(world);
    await fire(url, 32, { duration: 2 });
    const places = { 'perennial serve': url, 'fastify without a model': bare.url };
    for (const connections of connectionCounts) await compare(places, connections, Number(seconds));
    await fire(without.url, 32, { duration: 2 });
    const withIt = { url, pid: child.pid as number };
    for (const connections of connectionCounts) {
      await compareMemory(withIt, without, connections, Number(slices));
    }
    await swapUnderLoad(world, url, Number(swaps));
  } finally {
    bare.child.kill();
    await world.close();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};
