/** A TCP connection to a server that can be cut and mended, as a network or a server that stops would. */

import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';

export const startBreakableProxy = async (targetUrl: string) => {
  const target = new URL(targetUrl);
  const open = new Set<Socket>();
  let mode: 'passes' | 'refuses' | 'freezes' = 'passes';
  const server = createServer((client) => {
    open.add(client);
    client.on('close', () => open.delete(client));
    client.on('error', () => {});
    if (mode === 'refuses') return client.destroy();
    if (mode === 'freezes') return undefined;
    const upstream = createConnection({ host: target.hostname, port: Number(target.port) });
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
    client.on('data', (data) => mode !== 'freezes' && upstream.write(data));
    upstream.on('data', (data) => mode !== 'freezes' && client.write(data));
    return undefined;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = new URL(targetUrl);
  url.port = String(typeof address === 'object' ? address?.port : 0);
  const dropAll = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: url.href,
    /** Connections end and new ones are refused, as when the server was stopped. */
    cut: () => {
      mode = 'refuses';
      dropAll();
    },
    /** Connections stay and nothing comes back, as when the server's machine hangs. */
    freeze: () => {
      mode = 'freezes';
    },
    mend: () => {
      if (mode === 'freezes') dropAll();
      mode = 'passes';
    },
    close: async () => {
      dropAll();
      server.close();
      await once(server, 'close');
    },
  };
};
