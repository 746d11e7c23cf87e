/** Our own programs as supervised units: the command `perennial worker flow` and its like, ready when they say so. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PerennialError } from '#domain/errors.ts';
import { type Config, childEnvironment } from '../../infra/config.ts';
import type { Endpoints } from '../../infra/state/endpoints.ts';
import type { ProcessIdentity } from '../../infra/state/processes.ts';
import { readTail, type ServerProcess, startServerProcess } from '../../infra/state/server-process.ts';
import { logsFolder } from '../../infra/state/state-folder.ts';
import type { ProcessName } from '../../infra/state/up-record.ts';
import type { RunningUnit, UnitSpec } from './unit.ts';

const mainFile = fileURLToPath(new URL('../cli/main.ts', import.meta.url));

export const programArguments = {
  flow: ['worker', 'flow'],
  cpu: ['worker', 'cpu'],
  gpu: ['worker', 'gpu'],
  control: ['control'],
  serve: ['serve'],
} as const satisfies Partial<Record<ProcessName, readonly string[]>>;
export type ProgramName = keyof typeof programArguments;

/** A cold start takes two seconds; a worker that first bundles workflows on a busy machine, twenty. */
const readyLimitMs = 120_000;
/** A worker lets steps that are under way end or note how far they came; a server answers what it accepted. */
const stopGraceMs = 30_000;

const storeSetting = (store: Endpoints['store']): Record<string, string | null> =>
  store.kind === 'directory'
    ? { PERENNIAL_STORE: store.folder }
    : {
        PERENNIAL_STORE: `s3://${store.bucket}/${store.prefix}`,
        S3_ENDPOINT: store.endpoint,
        AWS_REGION: store.region,
      };

/**
 * A profile, key or certificate meant for another server must not be used with the one that we started. A file that
 * does not exist counts as "no profiles"; an empty one is an error to Temporal's library.
 */
const ownTemporal = ({ stateDir }: Config): Record<string, string | null> => ({
  TEMPORAL_CONFIG_FILE: join(stateDir, 'no-temporal-profiles.toml'),
  TEMPORAL_API_KEY: null,
  TEMPORAL_TLS: null,
  TEMPORAL_PROFILE: null,
});

/** Each worker on a machine needs a port of its own for Temporal's metrics: the one that is asked for, and the next two. */
const metricsSetting = (name: ProgramName, { workerMetricsAddress }: Config): Record<string, string> => {
  const offset = ['flow', 'cpu', 'gpu'].indexOf(name);
  const match = /^(.*):(\d+)$/.exec(workerMetricsAddress ?? '');
  return offset < 0 || match === null ? {} : { PERENNIAL_WORKER_METRICS: `${match[1]}:${Number(match[2]) + offset}` };
};

/** What a configuration says that was not read from the environment alone: the demo makes one. */
const settingsOf = ({ capture, webhooks }: Config): Record<string, string> => ({
  PERENNIAL_CAPTURE_FLUSH_MS: String(capture.flushMs),
  PERENNIAL_CAPTURE_SHIP_MS: String(capture.shipMs),
  PERENNIAL_WEBHOOK_TOKENS: webhooks.tokens.join(','),
});

const environmentOf = (name: ProgramName, config: Config, endpoints: Endpoints): Record<string, string | undefined> =>
  childEnvironment({
    ...(config.temporal.address === null ? ownTemporal(config) : {}),
    ...storeSetting(endpoints.store),
    ...metricsSetting(name, config),
    ...settingsOf(config),
    DATABASE_URL: endpoints.databaseUrl,
    TEMPORAL_ADDRESS: endpoints.temporalAddress,
    TEMPORAL_NAMESPACE: endpoints.temporalNamespace,
    PERENNIAL_STATE_DIR: config.stateDir,
    PERENNIAL_CACHE_DIR: config.cacheDir,
    PERENNIAL_HOST: config.host,
    PERENNIAL_PORT: new URL(endpoints.serveUrl).port || '80',
    PERENNIAL_CONTROL_PORT: new URL(endpoints.controlUrl).port || '80',
  });

type Ready = { readonly url: string | null };
const readReady = (message: unknown): Ready | null => {
  const { kind, url } = (message ?? {}) as { kind?: unknown; url?: unknown };
  return kind === 'ready' ? { url: typeof url === 'string' ? url : null } : null;
};

/** Of a stack trace the line that says what happened; the whole is in the log. */
const errorLine = (tail: string): string => {
  const lines = tail.split('\n').filter((line) => line.trim() !== '');
  const found = lines.findLast((line) => /^(error |[A-Z]\w*(Error|Exception)\b)/.test(line)) ?? lines.at(-1) ?? 'it said nothing';
  return found.replace(/^error /, '').slice(0, 300);
};

const untilReady = async (name: ProgramName, server: ServerProcess, ready: Promise<Ready>, logFile: string): Promise<Ready> => {
  const timer = Promise.withResolvers<'late'>();
  const timeout = setTimeout(() => timer.resolve('late'), readyLimitMs);
  const first = await Promise.race([ready, server.exited, timer.promise]).finally(() => clearTimeout(timeout));
  if (first !== 'late' && 'url' in first) return first;
  await server.stop('SIGTERM', stopGraceMs);
  const how = first === 'late' ? `did not answer within ${readyLimitMs / 1000} s` : 'ended before it was ready';
  const reason = errorLine(readTail(logFile));
  throw new PerennialError(
    'PRN_UNREACHABLE',
    `"perennial ${programArguments[name].join(' ')}" ${how}: ${reason} (log: ${logFile})`,
  );
};

/** The unit of one program; started with the Node that runs us. */
export const programUnit = (name: ProgramName, config: Config, endpoints: Endpoints): UnitSpec => {
  const logFile = join(logsFolder(config.stateDir), `${name}.log`);
  const start = async (onSpawn: (identity: ProcessIdentity) => void): Promise<RunningUnit> => {
    const ready = Promise.withResolvers<Ready>();
    const onMessage = (message: unknown): void => {
      const found = readReady(message);
      if (found !== null) ready.resolve(found);
    };
    const parameters = [mainFile, ...programArguments[name]];
    const env = environmentOf(name, config, endpoints);
    const server = await startServerProcess(process.execPath, parameters, { logFile, env, onSpawn, onMessage });
    const { url } = await untilReady(name, server, ready.promise, logFile);
    return { identity: server.identity, exited: server.exited, url, detail: '' };
  };
  return { name, start, stopSignal: 'SIGTERM', stopGraceMs };
};
