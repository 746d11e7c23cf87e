/** A PostgreSQL server of our own, for a laptop and for tests: loopback only, with a password, ended with whoever started it. */

import { realpathSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { PerennialError } from '#domain/errors.ts';

import { endProcess, identify, type ProcessIdentity, workingFolder } from '../state/processes.ts';
import { type ServerEnd, type ServerProcess, startServerProcess } from '../state/server-process.ts';
import { startOnPort } from '../state/start-on-port.ts';
import { findPostgresBinaries, type PostgresBinaries } from './binaries.ts';
import { type Cluster, initialiseCluster, placeCluster, postgresEnvironment, postgresRole, readPassword } from './cluster.ts';
import { postgresUser } from './system-user.ts';

export type PostgresOptions = {
  /** Made where it does not exist. */
  readonly dataDir: string;
  /** For what PostgreSQL's user cannot reach; only root needs it. */
  readonly outsideDir: string;
  readonly logFile: string;
  /** Any free one where it is absent. */
  readonly port?: number;
  /** Created where it does not exist. */
  readonly database?: string;
  /** False for tests: faster, and a power cut may cost all data. */
  readonly durable?: boolean;
  readonly binaries?: PostgresBinaries;
  readonly onOutside?: (folder: string) => void;
  readonly onProgress?: (line: string) => void;
  readonly onSpawn?: (identity: ProcessIdentity) => void;
};

export type PostgresServer = {
  /** Of `database`. Holds the password. */
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly identity: ProcessIdentity;
  readonly exited: Promise<ServerEnd>;
  logTail(): string;
  stop(): Promise<void>;
};

/** A checkpoint of a small database takes well under a second; a disk that is busy may need many. */
const stopGraceMs = 30_000;
/** Recovery after a crash replays what was written since the last checkpoint: at most five minutes' worth, seconds of work. */
const startLimitMs = 120_000;
/** After kill -9 of the server its children need a moment to notice; until then the shared memory is in use. */
const lingerLimitMs = 15_000;
/** Time for a server that cannot have its port to end and say so. */
const refusedLimitMs = 3_000;
const pollMs = 25;

const settings = (port: number, durable: boolean): string[] => {
  const common = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Four processes with small pools each, and the tests of several files at once.
    max_connections: '200',
  };
  const fast = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
  return Object.entries(durable ? common : { ...common, ...fast }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
};

const urlOf = (password: string, port: number, database: string): string =>
  `postgres://${postgresRole}:${password}@127.0.0.1:${port}/${database}`;

/**
 * Ends a server that was left on this data folder, and removes the note of one that is gone: its number may belong to
 * another process by now, and PostgreSQL would then refuse to start.
 */
const clearLeftover = async (dataDir: string): Promise<void> => {
  const note = join(dataDir, 'postmaster.pid');
  const text = await readFile(note, 'utf8').catch(() => null);
  const pid = Number(text?.split('\n')[0]);
  if (text === null || !Number.isInteger(pid) || pid <= 0) return;
  const holder = identify(pid);
  if (holder !== null && workingFolder(pid) === realpathSync(dataDir)) await endProcess(holder, 'SIGINT', stopGraceMs);
  else if (holder !== null && process.platform === 'linux') await rm(note, { force: true });
};

const tryConnect = async (url: string): Promise<'ready' | 'not yet' | 'wrong password'> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return 'ready';
  } catch (error) {
    return (error as { code?: string }).code === '28P01' ? 'wrong password' : 'not yet';
  } finally {
    await client.end().catch(() => {});
  }
};

const waitUntilReady = async (server: ServerProcess, url: string): Promise<boolean> => {
  let deadline = performance.now() + startLimitMs;
  while (server.hasEnded() === null && performance.now() < deadline) {
    const answer = await tryConnect(url);
    if (answer === 'ready') return true;
    // Either another server has the port, and ours is about to end and say so, or the password is wrong for good.
    if (answer === 'wrong password') deadline = Math.min(deadline, performance.now() + refusedLimitMs);
    await delay(pollMs);
  }
  await server.stop('SIGINT', stopGraceMs);
  return false;
};

const launch = async (cluster: Cluster, port: number, options: PostgresOptions, url: string): Promise<ServerProcess> => {
  const identity = cluster.user === null ? {} : { uid: cluster.user.uid, gid: cluster.user.gid };
  const deadline = performance.now() + lingerLimitMs;
  for (;;) {
    const server = await startServerProcess(
      cluster.binaries.postgres,
      ['-D', cluster.dataDir, ...settings(port, options.durable ?? true)],
      { logFile: options.logFile, onSpawn: options.onSpawn, cwd: '/', env: postgresEnvironment, ...identity },
    );
    if (await waitUntilReady(server, url)) return server;
    const tail = server.logTail();
    if (!tail.includes('shared memory block') || performance.now() > deadline)
      throw new PerennialError(
        'PRN_UNREACHABLE',
        `Cannot start PostgreSQL in "${cluster.dataDir}": its log "${options.logFile}" ends with: ${tail}`,
      );
    await delay(pollMs * 4);
  }
};

const launchOnPort = (cluster: Cluster, options: PostgresOptions, password: string) =>
  startOnPort(options.port, 'Address already in use', async (port) => ({
    port,
    server: await launch(cluster, port, options, urlOf(password, port, 'postgres')),
  }));

const ensureDatabase = async (url: string, database: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
};

/**
 * Starts PostgreSQL on a data folder and waits until it answers. As root it runs as another user. A server that was
 * killed before is recovered; one that was left running on the same folder is ended first. Throws PRN_UNREACHABLE
 * with the end of the log.
 */
export const startPostgres = async (options: PostgresOptions): Promise<PostgresServer> => {
  const binaries = options.binaries ?? findPostgresBinaries();
  const { outsideDir, onOutside = () => {}, database = 'perennial', onProgress = () => {} } = options;
  const cluster = await placeCluster({ dataDir: options.dataDir, outsideDir, binaries, user: postgresUser(), onOutside });
  onProgress('Starting PostgreSQL');
  await initialiseCluster(cluster);
  await clearLeftover(cluster.dataDir);
  const password = await readPassword(cluster.dataDir);
  const { server, port } = await launchOnPort(cluster, options, password);
  await ensureDatabase(urlOf(password, port, 'postgres'), database);
  return {
    url: urlOf(password, port, database),
    port,
    dataDir: cluster.dataDir,
    identity: server.identity,
    exited: server.exited,
    logTail: server.logTail,
    stop: () => server.stop('SIGINT', stopGraceMs),
  };
};
