import closeWithGrace from 'close-with-grace';
import type { FastifyInstance } from 'fastify';
import { PerennialError } from '#domain/errors.ts';
import type { Logger } from '../../infra/telemetry/logger.ts';

export type RunningServer = { readonly url: string; close(): Promise<void> };

/** Binds and says where. Throws PRN_CONFIG_INVALID where the port is taken. */
export const listen = async (app: FastifyInstance, host: string, port: number): Promise<string> => {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new PerennialError('PRN_CONFIG_INVALID', `Cannot listen on ${host}:${port} as another program does`, { cause });
  }
  const address = app.server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
};

/**
 * Stops accepting, lets requests under way end, then cuts what still hangs: Node itself stops timing slow requests once
 * a server closes, so one client that sends half a body would hold it for ever.
 */
export const drain = async (app: FastifyInstance, withinMs: number): Promise<void> => {
  const timer = setTimeout(() => app.server.closeAllConnections(), withinMs);
  try {
    await app.close();
  } finally {
    clearTimeout(timer);
  }
};

/** Longer than any answer takes; shorter than the grace of the process, which has more to close after it. */
export const drainMs = 8_000;

/** Time to finish what is under way before the process ends all the same; a supervisor commonly kills after 30 s. */
const graceMs = 15_000;

/** Tells a parent process that the server answers, and ends the process gracefully on a signal or a fatal error. */
export const untilSignalled = (server: RunningServer, log: Logger): void => {
  closeWithGrace(
    { delay: graceMs, logger: { error: (message?: unknown) => log.error({ message }, 'Closing') } },
    async ({ err, signal }) => {
      if (err !== undefined) log.fatal({ err }, 'Ends after an error that nothing caught');
      else log.info({ signal }, 'Stopping');
      await server.close();
    },
  );
  process.send?.({ kind: 'ready', url: server.url });
};
