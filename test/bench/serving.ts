/**
 * What a prediction costs: `perennial serve` with a tiny model against the framework without any, in turns, one row a
 * request; then against itself with counters only, and with neither counters nor log, with the processor time of a request;
 * two servers with neither show by how much equal programs differ; then changes of champion under load, with failed requests,
 * latencies and memory.
 * Parameters: [seconds a turn, 5] [swaps, 50] [slices of each way to remember, 41] [connections, 1,32,128].
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
/** The same model; its answers are counted, and none is logged. */
const counted = 'churn-counted' as PipelineName;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

type Amount = { readonly duration: number } | { readonly amount: number };

const fire = async (url: string, connections: number, how: Amount, pipeline = churn) => {
  const headers = { 'content-type': 'application/json' };
  const options = { url: `${url}/predict/${pipeline}`, method: 'POST' as const, headers, body: JSON.stringify(row) };
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

/** A way to remember what is answered. */
type Side = { readonly name: string; readonly url: string; readonly pid: number; readonly pipeline: PipelineName };
type Slice = { readonly serverMs: number; readonly processorMs: number; readonly p50: number; readonly p99: number };

/** Time from arrival to answer of all predictions so far, as the server itself counts it: a client's clock is too coarse. */
const serverMs = async ({ url, pipeline }: Side): Promise<number> => {
  const text = (await get(`${url}/metrics`)).body as string;
  const answered = new RegExp(`^perennial_serving_latency_seconds_sum\\{.*pipeline="${pipeline}".*status="200"\\} (.+)$`, 'm');
  return Number(answered.exec(text)?.[1] ?? 0) * 1_000;
};

/** Requests of one slice: some tenths of a second, so that a slow moment of the machine meets all sides. */
const sliceRequests = 3_000;

const takeSlice = async (side: Side, connections: number): Promise<Slice> => {
  const [before, timeBefore] = [processorMs(side.pid), await serverMs(side)];
  const { latency, non2xx, errors } = await fire(side.url, connections, { amount: sliceRequests }, side.pipeline);
  if (non2xx + errors > 0) say(`${non2xx + errors} of ${sliceRequests} requests failed`);
  return {
    serverMs: (await serverMs(side)) - timeBefore,
    processorMs: processorMs(side.pid) - before,
    p50: latency.p50,
    p99: latency.p99,
  };
};

/** A slice of each side in each round, the order turned by one each time. */
const takeSlices = async (
  sides: readonly Side[],
  connections: number,
  rounds: number,
): Promise<readonly (readonly Slice[])[]> => {
  const slices: Slice[][] = sides.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < sides.length; turn += 1) {
      const place = (round + turn) % sides.length;
      slices[place]?.push(await takeSlice(sides[place] as Side, connections));
    }
  }
  return slices;
};

const processorUs = (slices: readonly Slice[]): number =>
  (slices.reduce((sum, slice) => sum + slice.processorMs, 0) * 1_000) / (slices.length * sliceRequests);

const sayTimes = (connections: number, { name }: Side, slices: readonly Slice[]): void => {
  const of = (key: keyof Slice): number => median(slices.map((slice) => slice[key]));
  say(
    `${connections} connections, ${name}: p50 ${of('p50')} ms, p99 ${of('p99')} ms, a request takes the server ` +
      `${((of('serverMs') * 1_000) / sliceRequests).toFixed(1)} us, and ${processorUs(slices).toFixed(1)} us of a processor`,
  );
};

const more = (ratio: number): string => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %`;

/**
 * Processor time is that of all slices together, as it is told in hundredths of a second; the server's time is the middle of
 * the rounds' ratios, which does not hang on a few slow slices.
 */
const sayCost = (what: string, slices: readonly Slice[], base: readonly Slice[]): void => {
  const time = median(slices.map((slice, round) => slice.serverMs / (base[round] as Slice).serverMs));
  say(
    `${what}: ${more(time)} of the server's time and ${more(processorUs(slices) / processorUs(base))} processor time a request`,
  );
};

type Sides = { readonly logged: Side; readonly counted: Side; readonly bare: Side; readonly again: Side };

const compareMemory = async (sides: Sides, connections: number, rounds: number): Promise<void> => {
  const all = [sides.logged, sides.counted, sides.bare, sides.again];
  const slices = await takeSlices(all, connections, rounds);
  for (const [place, side] of all.entries()) sayTimes(connections, side, slices[place] as readonly Slice[]);
  const [logged, counted, bare, again] = slices as readonly [
    readonly Slice[],
    readonly Slice[],
    readonly Slice[],
    readonly Slice[],
  ];
  sayCost(`${connections} connections, an equal server differs by`, again, bare);
  sayCost(`${connections} connections, counting costs`, counted, bare);
  sayCost(`${connections} connections, log and counting cost`, logged, bare);
};

const startWithoutMemory = async (world: World): Promise<Pick<Side, 'url' | 'pid'>> => {
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

export const run = async ([
  seconds = '5',
  swaps = '50',
  slices = '41',
  connectionCounts = '1,32,128',
]: readonly string[]): Promise<void> => {
  const counts = connectionCounts.split(',').map(Number);
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
    await world.deploy({ pipeline: churn, bias: -1 }, churnProfile);
    await world.deploy({ pipeline: counted, bias: -1 }, churnProfile);
    await world.applyPipeline(counted, { serve: { capture: 0 } });
    const { url, child } = await startServeProcess(world);
    await untilReady(url);
    const [without, again] = [await startWithoutMemory(world), await startWithoutMemory(world)];
    await fire(url, 32, { duration: 2 });
    const places = { 'perennial serve': url, 'fastify without a model': bare.url };
    for (const connections of counts) await compare(places, connections, Number(seconds));
    const pid = child.pid as number;
    const sides = {
      logged: { name: 'with log and counters', url, pid, pipeline: churn },
      counted: { name: 'with counters only', url, pid, pipeline: counted },
      bare: { name: 'with neither', ...without, pipeline: churn },
      again: { name: 'with neither, another server', ...again, pipeline: churn },
    };
    for (const side of Object.values(sides)) await fire(side.url, 32, { duration: 2 }, side.pipeline);
    for (const connections of counts) await compareMemory(sides, connections, Number(slices));
    await swapUnderLoad(world, url, Number(swaps));
  } finally {
    bare.child.kill();
    await world.close();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};
