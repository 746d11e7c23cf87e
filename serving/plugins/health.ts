import type { FastifyInstance } from 'fastify';

/** Liveness and readiness in the form of the Open Inference Protocol, under the keys of its text and of its implementations. */
export const useHealth = (app: FastifyInstance, notReady: () => readonly string[] | Promise<readonly string[]>): void => {
  app.get('/v2/health/live', async () => ({ live: true, ready: true }));
  app.get('/v2/health/ready', async (_request, reply) => {
    const reasons = await notReady();
    const ready = reasons.length === 0;
    return reply.code(ready ? 200 : 503).send(ready ? { live: true, ready } : { live: true, ready, reasons });
  });
};
