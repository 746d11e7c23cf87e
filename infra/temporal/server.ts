/** A Temporal development server of our own, with the settings that make a step take 10 ms instead of 95. */
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { PerennialError } from '#domain/errors.ts';
import { searchAttributes } from '../../workflows/names.ts';

import type { ProcessIdentity } from '../state/processes.ts';
import { type ServerEnd, type ServerProcess, startServerProcess } from '../state/server-process.ts';
import { startOnPort } from '../state/start-on-port.ts';

export type TemporalOptions = {
  readonly binary: string;
  /** Null keeps everything in memory. No other process may have the file open. */
  readonly dbFilename: string | null;
  readonly port?: number;
  /** Null starts no UI. */
  readonly uiPort: number | null;
  readonly namespace: string;
  readonly logFile: string;
  /** The binary knows `--ui-disable-news-fetch` (1.8.0 and newer). */
  readonly knowsNewsFlag?: boolean;
  readonly onSpawn?: (identity: ProcessIdentity) => void;
};

export type TemporalServer = {
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string | null;
  readonly identity: ProcessIdentity;
  readonly exited: Promise<ServerEnd>;
  logTail(): string;
  stop(): Promise<void>;
};

/** A cold start takes about a second; on a machine that is building something else it took ten. */
const startLimitMs = 120_000;
const stopGraceMs = 20_000;
const pollMs = 50;

/**
 * The queues of the single history shard are polled at most 20 times a second by default, which alone makes a step
 * take 95 ms; 10000 is "as often as there is work". The last two let the server honour priority and fairness keys.
 */
const dynamicConfig: Readonly<Record<string, string>> = {
  'history.transferProcessorMaxPollRPS': '10000',
  'history.timerProcessorMaxPollRPS': '10000',
  'history.visibilityProcessorMaxPollRPS': '10000',
  'matching.useNewMatcher': 'true',
  'matching.enableFairness': 'true',
};

/**
 * With a file, a write-ahead log and one sync per checkpoint: a step takes 11 ms instead of 18. The death of the
 * process loses nothing; a power cut may lose the last moments.
 */
const fileFlags = (dbFilename: string): string[] => [
  ...['--db-filename', dbFilename],
  ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'],
];

const flags = (options: TemporalOptions, port: number): string[] => [
  ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--namespace', options.namespace],
  ...['--log-format', 'json', '--log-level', 'warn'],
  ...Object.entries(dynamicConfig).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
  ...Object.values(searchAttributes).flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ...(options.uiPort === null ? ['--headless'] : ['--ui-port', String(options.uiPort)]),
  ...((options.knowsNewsFlag ?? true) ? ['--ui-disable-news-fetch'] : []),
  ...(options.dbFilename === null ? [] : fileFlags(options.dbFilename)),
];

const isServing = async (connection: Connection, namespace: string): Promise<boolean> => {
  const deadline = Date.now() + 2_000;
  return connection.withDeadline(deadline, async () => {
    const health = await connection.healthService.check({ service: 'temporal.api.workflowservice.v1.WorkflowService' });
    // 1 is SERVING in gRPC's health protocol.
    if (health.status !== 1) return false;
    const known = await connection.operatorService.listSearchAttributes({ namespace });
    return Object.values(searchAttributes).every((name) => name in (known.customAttributes ?? {}));
  });
};

const waitUntilServing = async (server: ServerProcess, address: string, namespace: string): Promise<boolean> => {
  const connection = Connection.lazy({ address });
  const deadline = performance.now() + startLimitMs;
  try {
    while (server.hasEnded() === null && performance.now() < deadline) {
      if (await isServing(connection, namespace).catch(() => false)) return true;
      await delay(pollMs);
    }
    return false;
  } finally {
    await connection.close();
  }
};

const launch = (options: TemporalOptions): Promise<{ server: ServerProcess; address: string }> =>
  startOnPort(options.port, 'address already in use', async (port) => {
    const address = `127.0.0.1:${port}`;
    const server = await startServerProcess(options.binary, flags(options, port), {
      logFile: options.logFile,
      onSpawn: options.onSpawn,
    });
    if (await waitUntilServing(server, address, options.namespace)) return { server, address };
    await server.stop('SIGTERM', stopGraceMs);
    throw new PerennialError(
      'PRN_UNREACHABLE',
      `Cannot start Temporal on "${address}": its log "${options.logFile}" ends with: ${server.logTail()}`,
    );
  });

/**
 * Starts a development server and waits until its gRPC health check and our search attributes are there. Throws
 * PRN_UNREACHABLE with the end of its log.
 */
export const startTemporal = async (options: TemporalOptions): Promise<TemporalServer> => {
  const { server, address } = await launch(options);
  return {
    address,
    namespace: options.namespace,
    uiUrl: options.uiPort === null ? null : `http://127.0.0.1:${options.uiPort}`,
    identity: server.identity,
    exited: server.exited,
    logTail: server.logTail,
    stop: () => server.stop('SIGTERM', stopGraceMs),
  };
};
