import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, loadConfig } from '../../infra/config.ts';
import { migrateToLatest } from '../../infra/postgres/migrate.ts';
import { type PostgresServer, startPostgres } from '../../infra/postgres/server.ts';
import { readJsonFile, writePrivateFile } from '../../infra/state/files.ts';
import { endProcess, identify, isRunning, type ProcessIdentity } from '../../infra/state/processes.ts';
import { findTemporalBinary } from '../../infra/temporal/binary.ts';
import { startTemporal, type TemporalServer } from '../../infra/temporal/server.ts';

/** What the tests are told; it crosses a process border, so it is plain data. */
export type SharedServersInfo = {
  readonly postgres: { readonly adminUrl: string; readonly template: string } | { readonly missing: string };
  readonly temporal:
    | { readonly address: string; readonly namespace: string; readonly binary: string }
    | { readonly missing: string };
};
export type SharedServers = { readonly info: SharedServersInfo; stop(): Promise<void> };

type RunRecord = { readonly owner: ProcessIdentity; readonly servers: readonly ProcessIdentity[] };

const prefix = 'perennial-test-';
const template = 'perennial_template';
const graceMs = 15_000;

/** Ends the servers of an earlier run that was killed, by recorded number and start time, and removes its folder. */
const sweep = async (): Promise<void> => {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const folder = join(tmpdir(), name);
    // None where a run beside this one has just begun, or has just removed its own.
    const record = readJsonFile(join(folder, 'record.json')) as RunRecord | null;
    if (record === null || isRunning(record.owner)) continue;
    await Promise.all(record.servers.map((server) => endProcess(server, 'SIGINT', graceMs)));
    rmSync(folder, { recursive: true, force: true });
  }
};

const startTestPostgres = async (folder: string): Promise<PostgresServer> => {
  const server = await startPostgres({
    dataDir: join(folder, 'postgres'),
    outsideDir: join(folder, 'outside'),
    logFile: join(folder, 'postgres.log'),
    database: template,
    durable: false,
  });
  await migrateToLatest(server.url);
  return server;
};

const startTestTemporal = async (folder: string, config: Config): Promise<{ server: TemporalServer; binary: string }> => {
  const binary = await findTemporalBinary(config, (line) => process.stderr.write(`${line}\n`));
  const server = await startTemporal({
    binary: binary.path,
    knowsNewsFlag: binary.knowsNewsFlag,
    dbFilename: null,
    uiPort: null,
    namespace: 'default',
    logFile: join(folder, 'temporal.log'),
  });
  return { server, binary: binary.path };
};

/** On CI a server that is missing is a failure; elsewhere its tests are reported as skipped, with the reason printed. */
const settle = async <T>(name: string, start: Promise<T>, config: Config): Promise<T | { readonly missing: string }> => {
  try {
    return await start;
  } catch (error) {
    if (config.isCi) throw error;
    const missing = error instanceof Error ? error.message : String(error);
    process.stderr.write(`Tests that need ${name} are skipped: ${missing}\n`);
    return { missing };
  }
};

const adminUrl = (url: string): string => url.replace(/\/[^/]*$/, '/postgres');

export const startSharedServers = async (): Promise<SharedServers> => {
  await sweep();
  const config = loadConfig();
  const folder = mkdtempSync(join(tmpdir(), prefix));
  // As root, PostgreSQL runs as another user, who must get through to its data.
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'outside'));
  const running: { identity: ProcessIdentity; stop(): Promise<void> }[] = [];
  const note = <T extends { identity: ProcessIdentity; stop(): Promise<void> }>(server: T): T => {
    running.push(server);
    const record = { owner: identify(process.pid), servers: running.map(({ identity }) => identity) };
    writePrivateFile(join(folder, 'record.json'), JSON.stringify(record));
    return server;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  const starts = [
    settle('PostgreSQL', startTestPostgres(folder).then(note), config),
    settle(
      'Temporal',
      startTestTemporal(folder, config).then(({ server, binary }) => ({ ...note(server), binary })),
      config,
    ),
  ] as const;
  try {
    const [postgres, temporal] = await Promise.all(starts);
    return {
      stop,
      info: {
        postgres: 'missing' in postgres ? postgres : { adminUrl: adminUrl(postgres.url), template },
        temporal:
          'missing' in temporal
            ? temporal
            : { address: temporal.address, namespace: temporal.namespace, binary: temporal.binary },
      },
    };
  } catch (error) {
    await Promise.allSettled(starts);
    await stop();
    throw error;
  }
};
