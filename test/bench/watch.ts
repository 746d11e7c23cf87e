/**
 * What a thousand watched models cost on one machine: processor, memory and growth of the databases in steady state, with
 * PostgreSQL, Temporal, a flow and a cpu worker as processes of their own. Time is scaled: at a rate of 10 each watch looks
 * every six minutes in place of every hour, and a window lasts 144 minutes in place of a day; shares are divided by the rate.
 * Parameters: [models, 1000] [rate, 10] [minutes, 6] [features, 20].
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { sql } from 'kysely';
import type { PipelineName } from '#domain/units.ts';
import { loadConfig } from '../../infra/config.ts';
import { createContentStore } from '../../infra/objects/content-store.ts';
import { openObjectStore } from '../../infra/objects/open.ts';
import { migrateToLatest } from '../../infra/postgres/migrate.ts';
import { type Db, openDatabase } from '../../infra/postgres/pool.ts';
import { startPostgres } from '../../infra/postgres/server.ts';
import { findTemporalBinary } from '../../infra/temporal/binary.ts';
import { connectTemporal } from '../../infra/temporal/client.ts';
import { startTemporal } from '../../infra/temporal/server.ts';
import { watchStart } from '../../infra/temporal/watch.ts';
import { workflowTypes } from '../../workflows/names.ts';
import { usageOf } from './support/processes.ts';
import { makeWatchedModels, tellTraffic, type WatchedModels } from './support/watched-models.ts';

const hourMs = 3_600_000;
const main = new URL('../../workers/cli/main.ts', import.meta.url).pathname;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** At most, of one of two cores, with everything on it: less than half of the machine. */
const goalCores = 1;

const openPlace = async (folder: string) => {
  const closing: (() => Promise<unknown>)[] = [];
  const postgres = await startPostgres({
    dataDir: join(folder, 'postgres'),
    outsideDir: join(folder, 'outside'),
    logFile: join(folder, 'postgres.log'),
  });
  closing.push(() => postgres.stop());
  await migrateToLatest(postgres.url);
  const binary = await findTemporalBinary(loadConfig(), (line) => process.stderr.write(`${line}\n`));
  const dbFilename = join(folder, 'temporal.db');
  const temporal = await startTemporal({
    binary: binary.path,
    knowsNewsFlag: binary.knowsNewsFlag,
    dbFilename,
    uiPort: null,
    namespace: 'default',
    logFile: join(folder, 'temporal.log'),
  });
  closing.push(() => temporal.stop());
  const database = openDatabase(postgres.url);
  closing.push(() => database.close());
  const connected = await connectTemporal({ temporalAddress: temporal.address, temporalNamespace: 'default' });
  closing.push(() => connected.close());
  const worker = (role: string): ChildProcess => startWorker(folder, role, postgres.url, temporal.address, closing);
  return {
    db: database.db,
    client: connected.client,
    dbFilename,
    pids: {
      'flow worker': worker('flow').pid as number,
      'cpu worker': worker('cpu').pid as number,
      Temporal: temporal.identity.pid,
      PostgreSQL: postgres.identity.pid,
    },
    close: async () => {
      for (const close of closing.toReversed()) await close();
    },
  };
};
type Place = Awaited<ReturnType<typeof openPlace>>;

const startWorker = (
  folder: string,
  role: string,
  databaseUrl: string,
  address: string,
  closing: (() => Promise<unknown>)[],
): ChildProcess => {
  const child = spawn(process.execPath, [main, 'worker', role], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: address,
      PERENNIAL_STORE: join(folder, 'store'),
      PERENNIAL_STATE_DIR: join(folder, role),
      PERENNIAL_LOG_LEVEL: 'error',
    },
  });
  closing.push(
    () =>
      new Promise((resolve) => {
        child.once('exit', resolve);
        if (child.exitCode !== null || !child.kill('SIGTERM')) resolve(null);
      }),
  );
  return child;
};

/** One after the other over the time between two looks, so that looks come evenly, as those of real pipelines do. */
const startWatches = async (client: Client, names: readonly PipelineName[], everyMs: number): Promise<void> => {
  const startedAt = performance.now();
  for (const [at, name] of names.entries()) {
    await client.workflow.start(workflowTypes.watchDrift, watchStart(name));
    const early = (at * everyMs) / names.length - (performance.now() - startedAt);
    if (early > 0) await delay(early);
  }
};

/** Servers tell their counters all the time; their statements are part of what PostgreSQL does for a thousand models. */
const tellUntil = async (db: Db, models: WatchedModels, windowMs: number, ended: AbortSignal): Promise<void> => {
  for (let sequence = 2; !ended.aborted; sequence += 1) {
    await tellTraffic(db, models, windowMs, sequence);
    await delay(flushMs, undefined, { signal: ended }).catch(() => {});
  }
};
const flushMs = 5_000;

type Seen = {
  readonly atMs: number;
  readonly databaseBytes: number;
  readonly temporalBytes: number;
  readonly windows: number;
  readonly decisions: number;
  readonly usage: Readonly<Record<string, ReturnType<typeof usageOf>>>;
};

const bytesOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

const lookAt = async ({ db, dbFilename, pids }: Place): Promise<Seen> => {
  const { rows } = await sql<{ bytes: string; windows: string; decisions: string }>`
    select pg_database_size(current_database())::text as bytes,
      (select count(*) from perennial.watch_reports where kind = 'drift')::text as windows,
      (select count(*) from perennial.decisions)::text as decisions`.execute(db);
  const [row] = rows;
  return {
    atMs: performance.now(),
    databaseBytes: Number(row?.bytes),
    temporalBytes: bytesOf(dbFilename) + bytesOf(`${dbFilename}-wal`),
    windows: Number(row?.windows),
    decisions: Number(row?.decisions),
    usage: Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, usageOf(pid)])),
  };
};

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const report = (before: Seen, after: Seen, rate: number, models: number): boolean => {
  const tookMs = after.atMs - before.atMs;
  let cores = 0;
  for (const [name, { processorMs, memoryBytes }] of Object.entries(after.usage)) {
    const share = (processorMs - (before.usage[name]?.processorMs ?? 0)) / tookMs;
    cores += share / rate;
    say(
      `${name.padEnd(12)} ${percent(share / rate).padStart(7)} of a core (${percent(share)} at the rate of ${rate}), ${mib(memoryBytes)}`,
    );
  }
  const dayMs = 24 * hourMs;
  const perDay = (bytes: number): string => mib((bytes * dayMs) / (tookMs * rate));
  say(`${models} models, each looked at hourly: ${percent(cores)} of a core in all`);
  say(`windows judged: ${after.windows - before.windows}; decisions recorded: ${after.decisions - before.decisions}`);
  say(
    `growth a day: PostgreSQL ${perDay(after.databaseBytes - before.databaseBytes)}, Temporal ${perDay(after.temporalBytes - before.temporalBytes)} (kept for a day)`,
  );
  say(`goal: ${cores.toFixed(2)} cores ${cores <= goalCores ? '<=' : '>'} ${goalCores}`);
  return cores <= goalCores;
};

/** Every watch has a first look behind it, which is on record. What starting costs is over. */
const untilSteady = async (db: Db, models: number, everyMs: number): Promise<void> => {
  for (;;) {
    const { rows } = await sql<{
      watches: string;
    }>`select count(distinct pipeline)::text as watches from perennial.decisions`.execute(db);
    if (Number(rows[0]?.watches) >= models) break;
    await delay(1_000);
  }
  await delay(everyMs / 10);
};

/** Histories stay bounded: the longest of some. */
const longestHistory = async (client: Client, names: readonly PipelineName[]): Promise<number> => {
  const some = names.filter((_, at) => at % 50 === 0);
  const found = await Promise.all(some.map((name) => client.workflow.getHandle(watchStart(name).workflowId).describe()));
  return Math.max(...found.map(({ historyLength }) => historyLength));
};

export const run = async ([models = '1000', rate = '10', minutes = '6', features = '20']: readonly string[]): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
  chmodSync(folder, 0o755);
  const everyMs = hourMs / Number(rate);
  const windowMs = 24 * everyMs;
  const place = await openPlace(folder);
  const ended = new AbortController();
  try {
    const content = createContentStore(
      openObjectStore({ kind: 'directory', folder: join(folder, 'store') }),
      join(folder, 'cache'),
    );
    const watched = await makeWatchedModels(place.db, content, {
      models: Number(models),
      features: Number(features),
      everyMs,
      windowMs,
    });
    await tellTraffic(place.db, watched, windowMs, 1);
    const telling = tellUntil(place.db, watched, windowMs, ended.signal);
    await startWatches(place.client, watched.names, everyMs);
    await untilSteady(place.db, Number(models), everyMs);
    const before = await lookAt(place);
    await delay(Number(minutes) * 60_000);
    const after = await lookAt(place);
    process.exitCode = report(before, after, Number(rate), Number(models)) ? 0 : 3;
    say(`longest history of some: ${await longestHistory(place.client, watched.names)} events`);
    ended.abort();
    await telling;
  } finally {
    ended.abort();
    await place.close();
    rmSync(folder, { recursive: true, force: true });
  }
};
