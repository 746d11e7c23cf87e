import type { FastifyInstance } from 'fastify';
import { PerennialError } from '#domain/errors.ts';

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Addresses that only this machine reaches. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

/**
 * Refuses requests under foreign names, so that a web page cannot reach a server on this machine by pointing its own
 * name at it, and requests from pages of other origins that would change something. `allowed` null: any name, for
 * servers that stand behind others on a network.
 */
export const useHostGuard = (app: FastifyInstance, allowed: 'loopback' | null): void => {
  app.addHook('onRequest', async (request) => {
    const { host, origin } = request.headers;
    if (allowed === 'loopback' && !isAllowed(host)) {
      throw new PerennialError('PRN_HTTP_REFUSED', `Cannot answer under host "${host ?? ''}": should be localhost or 127.0.0.1`);
    }
    if (origin !== undefined && request.method !== 'GET' && request.method !== 'HEAD' && hostOf(origin) !== host) {
      throw new PerennialError('PRN_HTTP_REFUSED', `Cannot answer a page of origin "${origin}": should be this server's own`);
    }
  });
};

/** The whole 127/8 is this machine; ports don't matter. */
const isAllowed = (host: string | undefined): boolean => {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  return loopbackHosts.has(name) || isLoopback(name);
};

const hostOf = (origin: string): string | null => (URL.canParse(origin) ? new URL(origin).host : null);
