import { join } from 'node:path';
import { sql } from 'kysely';
import type { Config } from '../../infra/config.ts';
import { createContentStore } from '../../infra/objects/content-store.ts';
import { openObjectStore } from '../../infra/objects/open.ts';
import { createDefinitions } from '../../infra/postgres/definitions.ts';
import { createDeployments } from '../../infra/postgres/deployments.ts';
import { createEvaluations } from '../../infra/postgres/evaluations.ts';
import { type Database, openDatabase } from '../../infra/postgres/pool.ts';
import { createRegistry } from '../../infra/postgres/registry.ts';
import { createRuns } from '../../infra/postgres/runs.ts';
import { createSnapshots } from '../../infra/postgres/snapshots.ts';
import { readStandings } from '../../infra/postgres/standings.ts';
import { createWatchHistory } from '../../infra/postgres/watch-history.ts';
import { createWebhooks } from '../../infra/postgres/webhooks.ts';
import { type ReportSources, readPipelineReport } from '../../infra/report/read/pipeline.ts';
import { type Endpoints, resolveEndpoints } from '../../infra/state/endpoints.ts';
import { createLogger } from '../../infra/telemetry/logger.ts';
import { observeLoop } from '../../infra/telemetry/loop-metrics.ts';
import { createMetrics } from '../../infra/telemetry/metrics.ts';
import { observeProcess } from '../../infra/telemetry/process-metrics.ts';
import type { BaseDeps } from '../plugins/base-app.ts';
import { isLoopback } from '../plugins/hosts.ts';
import { drain, drainMs, listen, type RunningServer, untilSignalled } from '../plugins/run-server.ts';
import { buildControlApp } from './app.ts';
import type { ControlDeps, Links } from './deps.ts';
import { startDispatch } from './dispatch/start.ts';

type Readers = Omit<ControlDeps, keyof BaseDeps | 'links' | 'waysIn'>;

/** All that the control plane reads of one database, and of the store with its reports. */
export const readersOf = (db: Database['db'], content: ReportSources['content']): Readers => ({
  definitions: createDefinitions(db),
  runs: createRuns(db),
  registry: createRegistry(db),
  deployments: createDeployments(db),
  evaluations: createEvaluations(db),
  snapshots: createSnapshots(db),
  readStandings: () => readStandings(db),
  askDatabase: async () => {
    await sql`select 1`.execute(db);
  },
  readReport: (pipeline) => readPipelineReport({ db, content }, pipeline),
  readDecision: (id) => createWatchHistory(db).decision(id),
});

const linksOf = ({ serveUrl, temporalUiUrl, temporalNamespace }: Endpoints): Links => ({
  predict: serveUrl,
  workflow:
    temporalUiUrl === null
      ? null
      : (id) => `${temporalUiUrl}/namespaces/${encodeURIComponent(temporalNamespace)}/workflows/${encodeURIComponent(id)}`,
});

/** The process `perennial control`: from the settings to a server that ends on a signal. Resolves once it listens. */
export const runControlServer = async (config: Config): Promise<RunningServer> => {
  const log = createLogger('control', config.logLevel);
  const endpoints = await resolveEndpoints(config);
  const database = openDatabase(endpoints.databaseUrl, { connections: 4 });
  const metrics = createMetrics();
  const stopObserving = observeProcess(metrics);
  observeLoop(metrics, database.db, (error) => log.warn({ err: error }, 'Cannot read the metrics of the loop'));
  const allowedHosts = isLoopback(config.host) ? 'loopback' : null;
  const webhooks = createWebhooks(database.db);
  const dispatch = startDispatch({ db: database.db, endpoints, config, metrics, log });
  const content = createContentStore(openObjectStore(endpoints.store), join(config.stateDir, 'content-cache'));
  const waysIn = { webhooks, senders: config.webhooks, clock: () => Date.now(), onAccepted: dispatch.onAccepted };
  const app = buildControlApp({
    log,
    metrics,
    allowedHosts,
    links: linksOf(endpoints),
    waysIn,
    ...readersOf(database.db, content),
  });
  const url = await listen(app, config.host, config.controlPort).catch(async (error: unknown) => {
    await dispatch.close();
    throw error;
  });
  const close = async (): Promise<void> => {
    await drain(app, drainMs);
    await dispatch.close();
    await database.close();
    stopObserving();
  };
  log.info({ url }, 'Listening');
  untilSignalled({ url, close }, log);
  return { url, close };
};
