/** PostgreSQL and Temporal as supervised units: found or started, always at the same address. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../infra/config.ts';
import { type PostgresServer, startPostgres } from '../../infra/postgres/server.ts';
import { logsFolder, noteOutside, outsideFolder } from '../../infra/state/state-folder.ts';
import type { TemporalBinary } from '../../infra/temporal/binary.ts';
import { startTemporal } from '../../infra/temporal/server.ts';
import type { UnitSpec } from './unit.ts';

const stopGraceMs = 30_000;

/**
 * Asks for a value until one has served: a port that another process took between the question and its use is asked for
 * again, and one that worked is kept, because clients know it.
 */
export const keepOnceUsed = <T>(choose: () => Promise<T>): { get(): Promise<T>; keep(value: T): void } => {
  let kept: { readonly value: T } | null = null;
  return {
    get: async () => (kept === null ? choose() : kept.value),
    keep: (value) => {
      kept ??= { value };
    },
  };
};

type Port = { get(): Promise<number>; keep(port: number): void };

/** `onUrl` is told the database's address once it is known: it holds the password. */
export const postgresUnit = (config: Config, ports: Port, onUrl: (url: string) => void): UnitSpec => ({
  name: 'postgres',
  stopSignal: 'SIGINT',
  stopGraceMs,
  start: async (onSpawn) => {
    const port = await ports.get();
    const server: PostgresServer = await startPostgres({
      dataDir: join(config.stateDir, 'postgres'),
      outsideDir: outsideFolder(config.stateDir),
      logFile: join(logsFolder(config.stateDir), 'postgres.log'),
      port,
      onSpawn,
      onOutside: (folder) => noteOutside(config.stateDir, folder),
    });
    ports.keep(port);
    onUrl(server.url);
    return { identity: server.identity, exited: server.exited, url: null, detail: `127.0.0.1:${server.port}` };
  },
});

/** In a folder of its own that others cannot enter: the server makes its files readable to all. */
const temporalFile = ({ stateDir }: Config): string => {
  const folder = join(stateDir, 'temporal');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(folder, 'temporal.db');
};

export const temporalUnit = (config: Config, binary: TemporalBinary, ports: Port, uiPorts: Port): UnitSpec => ({
  name: 'temporal',
  stopSignal: 'SIGTERM',
  stopGraceMs,
  start: async (onSpawn) => {
    const [port, uiPort] = [await ports.get(), await uiPorts.get()];
    const server = await startTemporal({
      binary: binary.path,
      knowsNewsFlag: binary.knowsNewsFlag,
      dbFilename: temporalFile(config),
      namespace: config.temporal.namespace,
      logFile: join(logsFolder(config.stateDir), 'temporal.log'),
      port,
      uiPort,
      onSpawn,
    });
    ports.keep(port);
    uiPorts.keep(uiPort);
    return { identity: server.identity, exited: server.exited, url: server.uiUrl, detail: server.address };
  },
});
