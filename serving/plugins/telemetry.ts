import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../../infra/telemetry/metrics.ts';
import { routeOf } from './errors.ts';

/** Times every request by its route and serves what Prometheus scrapes. */
export const useTelemetry = (app: FastifyInstance, metrics: Metrics): void => {
  app.addHook('onResponse', (request, reply, done) => {
    const labels = {
      http_request_method: request.method,
      http_route: routeOf(request),
      http_response_status_code: reply.statusCode,
    };
    metrics.observe('http_server_request_duration_seconds', labels, reply.elapsedTime / 1000);
    done();
  });
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics.exposition();
    return reply.type(contentType).send(text);
  });
};
