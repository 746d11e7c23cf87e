import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { withDeadline } from '../model/deadline.ts';
import { createBaseApp } from '../plugins/base-app.ts';
import { useHealth } from '../plugins/health.ts';
import type { ControlDeps } from './deps.ts';
import { modelRoutes, runRoutes } from './routes/api.ts';
import { decisionRoutes } from './routes/decisions.ts';
import { pageRoutes } from './routes/page.ts';
import { pipelineRoutes } from './routes/pipelines.ts';
import { runPageRoutes } from './routes/runs.ts';
import { webhookRoutes } from './routes/webhooks.ts';

/** Longer than a healthy database takes, shorter than a probe waits. */
const readyTimeoutMs = 2_000;

/** The control plane: what was run, decided, registered and deployed; takes webhooks. Opens no port, reads no environment. */
export const buildControlApp = (deps: ControlDeps): FastifyInstance => {
  const app = createBaseApp(deps);
  const typed = app.withTypeProvider<ZodTypeProvider>();
  typed.setValidatorCompiler(validatorCompiler);
  typed.setSerializerCompiler(serializerCompiler);
  void app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'Perennial control plane', version: '1' } },
    transform: jsonSchemaTransform,
  });
  useHealth(app, async () => {
    try {
      await withDeadline(readyTimeoutMs, 'ask the database', deps.askDatabase());
      return [];
    } catch (error) {
      deps.log.warn({ err: error }, 'Not ready as the database does not answer');
      return ['Database does not answer'];
    }
  });
  void typed.register(runRoutes(deps));
  void typed.register(modelRoutes(deps));
  void typed.register(webhookRoutes({ ...deps.waysIn, metrics: deps.metrics }));
  void app.register(pageRoutes(deps));
  void app.register(pipelineRoutes(deps));
  void app.register(decisionRoutes(deps));
  void app.register(runPageRoutes(deps));
  void app.after(() => app.get('/openapi.json', async () => app.swagger()));
  return app;
};
