/** What the three workers share: Temporal's runtime with our log, a patient connection, a clean end. */
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import {
  DefaultLogger,
  type LogEntry,
  type LogLevel,
  NativeConnection,
  type NativeConnectionOptions,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import { PerennialError } from '#domain/errors.ts';
import type { Config } from '../infra/config.ts';
import { type Endpoints, resolveEndpoints } from '../infra/state/endpoints.ts';
import { createLogger, type Logger } from '../infra/telemetry/logger.ts';
import { startTracing, type Tracing } from '../infra/telemetry/tracing.ts';
import { temporalConnectionOptions } from '../infra/temporal/client.ts';
import { createTracingPlugin } from '../infra/temporal/telemetry.ts';
import type { TaskQueue } from '../workflows/names.ts';

export type WorkerRole = 'flow' | 'cpu' | 'gpu';

/** A server that is restarted beside us is back within seconds; after a minute somebody should be told. */
const connectWithinMs = 60_000;
const longestPauseMs = 5_000;

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const satisfies Record<
  LogLevel,
  string
>;
const temporalLevel = (level: Config['logLevel']): LogLevel =>
  level === 'fatal' || level === 'silent' ? 'ERROR' : (level.toUpperCase() as LogLevel);

/** Temporal's entries in our log's form; the task token says nothing to a reader. */
const forwardTo = (logger: Logger) => (entry: LogEntry) => {
  const { error, taskToken: _token, ...meta } = (entry.meta ?? {}) as Record<string, unknown>;
  logger[levels[entry.level]](error === undefined ? meta : { ...meta, err: error }, entry.message);
};

/** Once for each process, before any connection: the native runtime owns SIGTERM and SIGINT from here on. */
const installRuntime = (config: Config, logger: Logger): void => {
  Runtime.install({
    logger: new DefaultLogger(temporalLevel(config.logLevel), forwardTo(logger)),
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
      ...(config.workerMetricsAddress !== null && {
        metrics: {
          prometheus: { bindAddress: config.workerMetricsAddress, countersTotalSuffix: true, useSecondsForDurations: true },
        },
      }),
    },
  });
};

/** A signal that comes before there is a worker to stop would be swallowed by the runtime. */
const listenForStop = (): AbortSignal => {
  const controller = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
};

/** On one machine compression saves nothing and costs a tenth of a step. */
const compressionFor = (address: string): Partial<NativeConnectionOptions> =>
  /^(127\.|localhost:|\[::1\]:)/.test(address) ? { grpcCompression: { codec: 'none' } } : {};

export const connectWorker = (endpoints: Pick<Endpoints, 'temporalAddress' | 'temporalNamespace'>): Promise<NativeConnection> => {
  const options = temporalConnectionOptions(endpoints) as NativeConnectionOptions & { address: string };
  return NativeConnection.connect({ ...options, ...compressionFor(options.address) });
};

const connectPatiently = async (endpoints: Endpoints, logger: Logger, stop: AbortSignal): Promise<NativeConnection | null> => {
  const deadline = performance.now() + connectWithinMs;
  for (let pauseMs = 200; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    if (stop.aborted) return null;
    try {
      return await connectWorker(endpoints);
    } catch (cause) {
      const { message } = cause as Error;
      if (performance.now() > deadline) {
        throw new PerennialError('PRN_UNREACHABLE', `Cannot reach Temporal at "${endpoints.temporalAddress}": ${message}`, {
          cause,
        });
      }
      logger.warn({ address: endpoints.temporalAddress, reason: message }, 'Temporal does not answer yet');
      await delay(pauseMs, undefined, { signal: stop }).catch(() => {});
    }
  }
};

export type Surroundings = {
  readonly config: Config;
  readonly endpoints: Endpoints;
  readonly connection: NativeConnection;
  readonly logger: Logger;
};
export type WorkerParts = { readonly options: Partial<WorkerOptions>; close(): Promise<void> };

export type WorkerPlace = {
  readonly connection: NativeConnection;
  readonly endpoints: Pick<Endpoints, 'temporalNamespace'>;
  /** Where its spans go; nowhere without. */
  readonly tracing?: Pick<Tracing, 'spanProcessor' | 'resource'> | null;
};

/** A worker as every role has it; tests make theirs here too. */
export const createWorker = (
  role: WorkerRole,
  queue: TaskQueue,
  { connection, endpoints, tracing = null }: WorkerPlace,
  options: Partial<WorkerOptions>,
) =>
  Worker.create({
    connection,
    namespace: endpoints.temporalNamespace,
    taskQueue: queue,
    identity: `perennial-${role}-${process.pid}@${hostname()}`,
    plugins: [createTracingPlugin(tracing ?? {})],
    // With these a step hears of its cancellation within about two seconds instead of half a minute.
    maxHeartbeatThrottleInterval: '2s',
    defaultHeartbeatThrottleInterval: '2s',
    ...options,
  });

const tellParent = (message: object): void => {
  if (process.connected) process.send?.(message);
};

/**
 * Runs one worker until SIGTERM or SIGINT. Throws PRN_UNREACHABLE when Temporal does not answer for a minute at the start;
 * later it waits for a server that went away for as long as it takes.
 */
export const runWorker = async (
  config: Config,
  role: WorkerRole,
  queue: TaskQueue,
  prepare: (surroundings: Surroundings) => Promise<WorkerParts>,
): Promise<void> => {
  const logger = createLogger(`worker-${role}`, config.logLevel);
  const endpoints = await resolveEndpoints(config);
  installRuntime(config, logger);
  const stop = listenForStop();
  const connection = await connectPatiently(endpoints, logger, stop);
  if (connection === null) return;
  const surroundings = { config, endpoints, connection, logger };
  const parts = await prepare(surroundings);
  const tracing = await startTracing(config, `perennial-${role}`, logger);
  try {
    const worker = await createWorker(role, queue, { ...surroundings, tracing }, parts.options);
    if (stop.aborted) return;
    const running = worker.run();
    logger.info({ queue, address: endpoints.temporalAddress }, 'worker polls');
    tellParent({ kind: 'ready' });
    await running;
  } finally {
    await parts.close();
    await connection.close();
    await tracing?.close();
    logger.info('worker ended');
  }
};
