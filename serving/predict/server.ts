import { hostname } from 'node:os';
import { join } from 'node:path';
import { createLabelIntake } from '../../infra/capture/open-intake.ts';
import { createProfileShapes } from '../../infra/capture/profile-shapes.ts';
import type { Config } from '../../infra/config.ts';
import { createContentStore } from '../../infra/objects/content-store.ts';
import { openObjectStore } from '../../infra/objects/open.ts';
import { createDeployments } from '../../infra/postgres/deployments.ts';
import { createOnlineFeatures } from '../../infra/postgres/online-features.ts';
import { openDatabase } from '../../infra/postgres/pool.ts';
import { createPredictionParts } from '../../infra/postgres/prediction-parts.ts';
import { createTallySink } from '../../infra/postgres/tallies.ts';
import { resolveEndpoints } from '../../infra/state/endpoints.ts';
import { createLogger, type Logger } from '../../infra/telemetry/logger.ts';
import { createMetrics, type Metrics } from '../../infra/telemetry/metrics.ts';
import { observeProcess } from '../../infra/telemetry/process-metrics.ts';
import { type AdoptDeps, startAdopting } from '../capture/adopt.ts';
import { type Capture, noCapture, openCapture } from '../capture/capture.ts';
import type { CaptureDeps } from '../capture/deps.ts';
import { startShipper } from '../capture/ship.ts';
import type { LoaderDeps } from '../model/deps.ts';
import { createModelLoader } from '../model/loader.ts';
import { loadServedModel } from '../model/served-model.ts';
import { isLoopback } from '../plugins/hosts.ts';
import { defaultPressureLimits, type PressureLimits } from '../plugins/pressure.ts';
import { drain, drainMs, listen, type RunningServer, untilSignalled } from '../plugins/run-server.ts';
import { buildPredictApp } from './app.ts';
import type { LabelIntake } from './routes/labels.ts';
import { createShadow } from './shadow.ts';

export type PredictServerOptions = Omit<LoaderDeps, 'metrics' | 'serverId' | 'beforeReport'> & {
  readonly host: string;
  readonly port: number;
  readonly metrics?: Metrics;
  readonly pressure?: PressureLimits;
  readonly drainMs?: number;
  /** Where predictions are logged and counters told; left out, nothing is remembered, and rollouts here are blind. */
  readonly capture?: Omit<CaptureDeps, 'log' | 'metrics'>;
  /** Takes up what other servers of the capture's folder left; left out, their next lives do. */
  readonly adopt?: Pick<AdoptDeps, 'silentMs' | 'startShipper'>;
  /** Where labels go; left out, none are taken. */
  readonly labels?: LabelIntake;
};

/** Listens first, so that probes are answered while models load; then follows the deployments. */
export const startPredictServer = async (options: PredictServerOptions): Promise<RunningServer> => {
  const { host, port, log } = options;
  const metrics = options.metrics ?? createMetrics();
  const stopObserving = observeProcess(metrics);
  // Known only once the port is; the same after a restart, so that a server that died leaves no report of its own behind.
  let boundPort = port;
  const serverId = (): string => `${hostname()}:${boundPort}`;
  let capture: Capture = noCapture;
  const beforeReport: LoaderDeps['beforeReport'] = (pipeline, generation) => capture.settleArms(pipeline, generation);
  const loader = createModelLoader({ ...options, metrics, serverId, beforeReport });
  const shadow = createShadow({ loader, metrics, capture: () => capture, log });
  const allowedHosts = isLoopback(host) ? 'loopback' : null;
  const pressure = options.pressure ?? defaultPressureLimits;
  let stopping = false;
  const app = buildPredictApp({
    log,
    metrics,
    allowedHosts,
    loader,
    pressure,
    capture: () => capture,
    shadow,
    isStopping: () => stopping,
    labels: options.labels ?? null,
  });
  const url = await listen(app, host, port);
  boundPort = Number(new URL(url).port);
  if (options.capture !== undefined) capture = openCapture({ ...options.capture, log, metrics }, serverId());
  const { adopt } = options;
  const adopting =
    options.capture === undefined || adopt === undefined
      ? null
      : startAdopting({ ...options.capture, ...adopt, log }, serverId());
  loader.start();
  return {
    url,
    close: async () => {
      stopping = true;
      adopting?.close();
      // Requests under way end before their models do.
      await drain(app, options.drainMs ?? drainMs);
      await shadow.idle();
      await capture.close();
      await loader.stop();
      stopObserving();
    },
  };
};

/** What another server left is shipped for so long at a time, so that a look ends. */
const adoptingMs = 30_000;

/** The process `perennial serve`: from the settings to a server that ends on a signal. Resolves once it listens. */
export const runPredictServer = async (config: Config): Promise<RunningServer> => {
  const log: Logger = createLogger('serve', config.logLevel);
  const endpoints = await resolveEndpoints(config);
  const database = openDatabase(endpoints.databaseUrl, { connections: 4 });
  const content = createContentStore(openObjectStore(endpoints.store), join(config.stateDir, 'content-cache'));
  const metrics = createMetrics();
  const parts = createPredictionParts(database.db);
  const deployments = createDeployments(database.db);
  const server = await startPredictServer({
    host: config.host,
    port: config.port,
    deployments,
    onlineFeatures: createOnlineFeatures(database.db),
    labels: createLabelIntake(database.db),
    load: (pipeline, model) => loadServedModel(content, pipeline, model),
    capture: {
      ...config.capture,
      sink: createTallySink(database.db, createProfileShapes(content)),
      startShipper: (place) => startShipper({ content, parts, log, metrics }, place),
    },
    adopt: {
      silentMs: deployments.silentMs,
      startShipper: (place) => startShipper({ content, parts, log, metrics, closeMs: adoptingMs }, place),
    },
    metrics,
    log,
  });
  const close = async (): Promise<void> => {
    await server.close();
    await database.close();
  };
  log.info({ url: server.url }, 'Listening');
  untilSignalled({ url: server.url, close }, log);
  return { url: server.url, close };
};
