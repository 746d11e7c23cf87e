/** What a command needs of the world, opened from the environment or from a running `perennial up`. */
import { join } from 'node:path';
import { type Config, loadConfig } from '../../infra/config.ts';
import { createContentStore } from '../../infra/objects/content-store.ts';
import { openObjectStore } from '../../infra/objects/open.ts';
import type { ContentStore, ObjectStore } from '../../infra/objects/store.ts';
import { createAudit } from '../../infra/postgres/audit.ts';
import { createDefinitions } from '../../infra/postgres/definitions.ts';
import { createDeployments } from '../../infra/postgres/deployments.ts';
import { createOnlineFeatures } from '../../infra/postgres/online-features.ts';
import { createPipelines } from '../../infra/postgres/pipelines.ts';
import { type Database, openDatabase } from '../../infra/postgres/pool.ts';
import { createRegistry } from '../../infra/postgres/registry.ts';
import { createRuns } from '../../infra/postgres/runs.ts';
import { createSnapshots } from '../../infra/postgres/snapshots.ts';
import { type Endpoints, resolveEndpoints } from '../../infra/state/endpoints.ts';

export type Context = {
  readonly config: Config;
  readonly endpoints: Endpoints;
  readonly database: Database;
  readonly objects: ObjectStore;
  readonly content: ContentStore;
  readonly definitions: ReturnType<typeof createDefinitions>;
  readonly pipelines: ReturnType<typeof createPipelines>;
  readonly runs: ReturnType<typeof createRuns>;
  readonly snapshots: ReturnType<typeof createSnapshots>;
  readonly registry: ReturnType<typeof createRegistry>;
  readonly deployments: ReturnType<typeof createDeployments>;
  readonly onlineFeatures: ReturnType<typeof createOnlineFeatures>;
  readonly audit: ReturnType<typeof createAudit>;
  close(): Promise<void>;
};

export const contextOf = (config: Config, endpoints: Endpoints): Context => {
  const database = openDatabase(endpoints.databaseUrl);
  const objects = openObjectStore(endpoints.store);
  return {
    config,
    endpoints,
    database,
    objects,
    content: createContentStore(objects, join(config.stateDir, 'content-cache')),
    definitions: createDefinitions(database.db),
    pipelines: createPipelines(database.db),
    runs: createRuns(database.db),
    snapshots: createSnapshots(database.db),
    registry: createRegistry(database.db),
    deployments: createDeployments(database.db),
    onlineFeatures: createOnlineFeatures(database.db),
    audit: createAudit(database.db),
    close: () => database.close(),
  };
};

/** Throws PRN_UNREACHABLE where nothing runs; the message says how to start it. */
export const openContext = async (): Promise<Context> => {
  const config = loadConfig();
  return contextOf(config, await resolveEndpoints(config));
};

/** Opens a context for the length of one piece of work. */
export const withContext = async <T>(work: (context: Context) => Promise<T>): Promise<T> => {
  const context = await openContext();
  try {
    return await work(context);
  } finally {
    await context.close();
  }
};
