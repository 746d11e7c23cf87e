import underPressure from '@fastify/under-pressure';
import type { FastifyInstance } from 'fastify';
import { PerennialError } from '#domain/errors.ts';
import type { Metrics } from '../../infra/telemetry/metrics.ts';

export type PressureLimits = {
  /** Mean delay of the event loop over a sample. A tenth of it is normal at full load; at ten times it clients time out. */
  readonly eventLoopDelayMs: number;
  readonly sampleMs: number;
  /** Requests under way at once. More would only wait in memory: one thread answers them one after the other. */
  readonly inFlight: number;
};
export const defaultPressureLimits: PressureLimits = { eventLoopDelayMs: 250, sampleMs: 250, inFlight: 1_024 };

/** Sheds load before a body is read: 503 and Retry-After. Register it in the scope of the routes that may be refused. */
export const usePressure = async (app: FastifyInstance, metrics: Metrics, limits: PressureLimits): Promise<void> => {
  let inFlight = 0;
  app.addHook('onRequest', async (_request, reply) => {
    inFlight += 1;
    // "close" comes for every answer, also one whose client went away before it.
    reply.raw.once('close', () => {
      inFlight -= 1;
    });
    if (inFlight > limits.inFlight)
      throw shed(metrics, 'in flight', `${inFlight} requests are under way: at most ${limits.inFlight}`);
  });
  await app.register(underPressure, {
    maxEventLoopDelay: limits.eventLoopDelayMs,
    sampleInterval: limits.sampleMs,
    pressureHandler: async (_request, _reply, _kind, value) => {
      throw shed(
        metrics,
        'event loop',
        `the event loop is ${Math.round(value ?? 0)} ms late: at most ${limits.eventLoopDelayMs}`,
      );
    },
  });
};

const shed = (metrics: Metrics, reason: string, what: string): PerennialError => {
  metrics.count('perennial_serving_shed_total', { reason });
  return new PerennialError('PRN_SERVING_OVERLOADED', `Cannot take the request now as ${what}`);
};
