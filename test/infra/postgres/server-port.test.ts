/** Another process takes the port between the choice and its use. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startPostgres } from '../../../infra/postgres/server.ts';
import type * as Ports from '../../../infra/state/ports.ts';
import { requirePostgres, testFolder } from '../../support/servers.ts';

const taken = vi.hoisted((): number[] => []);
vi.mock('../../../infra/state/ports.ts', async (original) => {
  const real = await original<typeof Ports>();
  const findPort: typeof real.findPort = async (...asked) => taken.shift() ?? real.findPort(...asked);
  return { ...real, findPort };
});

const occupy = async (): Promise<number> => {
  const server = createServer();
  await once(server.listen({ port: 0, host: '127.0.0.1' }), 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
};

test('a port that was free when it was chosen is chosen again, and one that somebody named is not', async (context) => {
  requirePostgres(context);
  const { folder, close } = testFolder();
  onTestFinished(close);
  const options = { dataDir: join(folder, 'data'), outsideDir: join(folder, 'outside'), logFile: join(folder, 'postgres.log') };
  const port = await occupy();
  taken.push(port);
  const server = await startPostgres(options);
  onTestFinished(() => server.stop());
  expect(taken).toEqual([]);
  expect(server.port).not.toBe(port);
  await server.stop();
  await expect(startPostgres({ ...options, port })).rejects.toMatchObject({
    code: 'PRN_UNREACHABLE',
    message: expect.stringContaining('Address already in use'),
  });
});
