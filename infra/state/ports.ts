import { createServer } from 'node:net';
import { PerennialError } from '#domain/errors.ts';

const isFree = (port: number, host: string): Promise<number | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : null));
    });
  });

/**
 * A free port on `host`: the first preferred one that is free, else any. Between the answer and its use another
 * process may take it, which the server that wants it then reports.
 */
export const findPort = async (preferred: readonly number[] = [], host = '127.0.0.1'): Promise<number> => {
  for (const port of preferred) {
    const found = await isFree(port, host);
    if (found !== null) return found;
  }
  const found = await isFree(0, host);
  if (found === null) {
    throw new PerennialError(
      'PRN_CONFIG_INVALID',
      `Cannot listen on "${host}" as it must be an address of this machine: no port of it can be taken`,
    );
  }
  return found;
};
