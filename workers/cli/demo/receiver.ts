/** Who is told when something happens: a small HTTP server of the demo's own, where a team would have a chat or a pager. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ReceivedNotice = { readonly id: string; readonly event: string; readonly pipeline: string; readonly text: string };
export type Receiver = {
  readonly url: string;
  /** Each once, though it may have been sent more often. */
  notices(): readonly ReceivedNotice[];
  close(): Promise<void>;
};

const mostBytes = 65_536;

const read = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    parts.push(part as Buffer);
    bytes += (part as Buffer).length;
    if (bytes > mostBytes) throw new Error('Too much for a notice');
  }
  return Buffer.concat(parts).toString('utf8');
};

export const startReceiver = async (onNotice: (notice: ReceivedNotice) => void): Promise<Receiver> => {
  const byId = new Map<string, ReceivedNotice>();
  const take = (notice: ReceivedNotice): void => {
    if (byId.has(notice.id)) return;
    byId.set(notice.id, notice);
    onNotice(notice);
  };
  const server = createServer((request, response) => {
    read(request)
      .then((text) => take(JSON.parse(text) as ReceivedNotice))
      .then(
        () => response.writeHead(204).end(),
        () => response.writeHead(400).end(),
      );
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/notices`,
    notices: () => [...byId.values()],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
