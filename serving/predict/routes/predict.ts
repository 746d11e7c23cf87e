import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PerennialError } from '#domain/errors.ts';
import type { ModelLoader } from '../../model/loader.ts';
import type { Serving } from '../../model/slot.ts';
import { routeOf } from '../../plugins/errors.ts';
import { usePressure } from '../../plugins/pressure.ts';
import type { PredictDeps } from '../deps.ts';
import { predictWith } from '../predict.ts';

/** Which version answered a request, for its metrics; set once the model is chosen. */
const answeredBy = new WeakMap<FastifyRequest, Serving>();

/**
 * POST /predict/:pipeline, and POST /predict while exactly one pipeline is served. The body is one row, or
 * `{ "rows": [...] }`. Every answer names its model by version, digest and generation.
 */
export const predictRoutes = async (app: FastifyInstance, deps: PredictDeps): Promise<void> => {
  await usePressure(app, deps.metrics, deps.pressure);
  countRequests(app, deps);
  const answer = async (serving: Serving, request: FastifyRequest, reply: FastifyReply) => {
    answeredBy.set(request, serving);
    reply.header('perennial-model-digest', serving.model.modelSha256);
    reply.header('perennial-model-generation', String(serving.generation));
    const { body, firstId } = await predictWith(serving, deps.loader, deps.metrics, request.body);
    reply.header('perennial-prediction-id', firstId);
    return reply.send(body);
  };
  app.post<{ Params: { pipeline: string } }>('/predict/:pipeline', (request, reply) =>
    answer(servingOf(deps.loader, request.params.pipeline), request, reply),
  );
  app.post('/predict', (request, reply) => answer(onlyServing(deps.loader), request, reply));
};

export const servingOf = (loader: ModelLoader, pipeline: string): Serving => {
  const serving = loader.current(pipeline);
  if (serving !== null) return serving;
  const served = loader.serving().map((each) => `"${each.pipeline}"`);
  const hint = served.length === 0 ? 'none is served yet' : `served are ${served.join(', ')}`;
  throw new PerennialError(
    'PRN_SERVING_NO_MODEL',
    `Cannot answer for pipeline "${pipeline.slice(0, 80)}" as no model serves it: ${hint}`,
  );
};

const onlyServing = (loader: ModelLoader): Serving => {
  const served = loader.serving();
  if (served.length === 1) return served[0] as Serving;
  const names = served.map(({ pipeline }) => `/predict/${pipeline}`);
  const what = served.length === 0 ? 'none is served yet' : `use one of ${names.join(', ')}`;
  throw new PerennialError(
    'PRN_SERVING_NO_MODEL',
    `Cannot choose the pipeline of POST /predict as exactly one should be served, and ${served.length} are: ${what}`,
  );
};

const countRequests = (app: FastifyInstance, { metrics }: PredictDeps): void => {
  app.addHook('onResponse', (request, reply, done) => {
    const serving = answeredBy.get(request);
    const labels = {
      route: routeOf(request),
      pipeline: serving?.pipeline ?? '',
      version: serving?.version ?? '',
      status: reply.statusCode,
    };
    metrics.count('perennial_serving_requests_total', labels);
    metrics.observe('perennial_serving_latency_seconds', labels, reply.elapsedTime / 1000);
    done();
  });
};
