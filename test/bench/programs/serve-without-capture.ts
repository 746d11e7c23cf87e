/** `perennial serve` without its memory: no log of predictions, no counters. */
import { join } from 'node:path';
import { loadConfig } from '../../../infra/config.ts';
import { createContentStore } from '../../../infra/objects/content-store.ts';
import { openObjectStore } from '../../../infra/objects/open.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { createOnlineFeatures } from '../../../infra/postgres/online-features.ts';
import { openDatabase } from '../../../infra/postgres/pool.ts';
import { createLogger } from '../../../infra/telemetry/logger.ts';
import { loadServedModel } from '../../../serving/model/served-model.ts';
import { startPredictServer } from '../../../serving/predict/server.ts';

const config = loadConfig();
const database = openDatabase(config.databaseUrl as string, { connections: 4 });
const content = createContentStore(openObjectStore(config.store), join(config.stateDir, 'content-cache'));
const { url } = await startPredictServer({
  host: config.host,
  port: config.port,
  deployments: createDeployments(database.db),
  onlineFeatures: createOnlineFeatures(database.db),
  load: (pipeline, model) => loadServedModel(content, pipeline, model),
  log: createLogger('serve', config.logLevel),
});
process.send?.({ kind: 'ready', url });
