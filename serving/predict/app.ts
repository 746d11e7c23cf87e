import type { FastifyInstance } from 'fastify';
import type { ModelLoader } from '../model/loader.ts';
import { createBaseApp } from '../plugins/base-app.ts';
import { useHealth } from '../plugins/health.ts';
import type { PredictDeps } from './deps.ts';
import { predictDocument } from './openapi.ts';
import { labelRoutes } from './routes/labels.ts';
import { modelRoutes } from './routes/models.ts';
import { predictRoutes } from './routes/predict.ts';

/** The data plane: predictions, health, metadata, metrics. Takes what it needs; opens no port and reads no environment. */
export const buildPredictApp = (deps: PredictDeps): FastifyInstance => {
  const app = createBaseApp(deps);
  useHealth(app, () => (deps.isStopping() ? ['Server is stopping'] : deps.loader.notReady()));
  app.get('/', async () => describeServer(deps.loader));
  app.get('/openapi.json', async () => predictDocument(deps.loader.serving()));
  void app.register(modelRoutes, deps);
  void app.register(predictRoutes, deps);
  const { labels } = deps;
  if (labels !== null) void app.register(labelRoutes, { ...deps, labels });
  return app;
};

const describeServer = (loader: ModelLoader) => ({
  name: 'perennial',
  pipelines: loader.serving().map(({ pipeline, version, generation, model }) => ({
    pipeline,
    version,
    generation,
    model_sha256: model.modelSha256,
    predict: `/predict/${pipeline}`,
    model: `/v2/models/${pipeline}`,
  })),
  links: { openapi: '/openapi.json', health: '/v2/health/ready', metrics: '/metrics', server: '/v2' },
});
