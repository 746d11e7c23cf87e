import { type FastifyInstance, fastify, LogController } from 'fastify';
import type { Logger } from '../../infra/telemetry/logger.ts';
import type { Metrics } from '../../infra/telemetry/metrics.ts';
import { useErrors } from './errors.ts';
import { useHostGuard } from './hosts.ts';
import { useJsonBody } from './json-body.ts';
import { useTelemetry } from './telemetry.ts';

export type BaseDeps = { readonly log: Logger; readonly metrics: Metrics; readonly allowedHosts: 'loopback' | null };

/** Limits of what one client may ask. Too small cuts real clients off, too large lets a few slow ones hold the server. */
const limits = {
  bodyBytes: 1_048_576,
  headerBytes: 16_384,
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 60_000,
};

/** What both servers share: limits, errors, guard against foreign names, metrics. Knows no port and no environment. */
export const createBaseApp = ({ log, metrics, allowedHosts }: BaseDeps): FastifyInstance => {
  const app = fastify({
    loggerInstance: log,
    // Requests are counted and timed by metrics; a line for each would cost more than a prediction.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    http: { maxHeaderSize: limits.headerBytes, headersTimeout: limits.headersMs },
    routerOptions: { maxParamLength: 128 },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
  }) as unknown as FastifyInstance;
  useErrors(app);
  useJsonBody(app);
  useHostGuard(app, allowedHosts);
  useTelemetry(app, metrics);
  return app;
};
