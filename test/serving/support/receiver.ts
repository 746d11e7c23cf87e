/** A receiver of notices that behaves as told: well, badly, slowly, or not at all. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export type Received = { readonly headers: IncomingMessage['headers']; readonly body: string; readonly path: string };
type Answer = number | 'hang' | 'cut' | { readonly redirectTo: string };

const answerWith = (answer: Answer, response: ServerResponse): void => {
  if (answer === 'hang') return;
  if (answer === 'cut') {
    response.destroy();
    return;
  }
  if (typeof answer === 'object') {
    response.writeHead(302, { location: answer.redirectTo }).end();
    return;
  }
  response.writeHead(answer, { 'content-type': 'text/plain' }).end('a secret of the receiver');
};

/** `answer` says what the next request gets, by its number counted from zero and its body. */
export const startReceiver = async (answer: (index: number, body: string) => Answer = () => 200, port = 0) => {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      received.push({ headers: request.headers, body, path: request.url ?? '' });
      answerWith(answer(received.length - 1, body), response);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    received,
    texts: () => received.map(({ body }) => (JSON.parse(body) as { text: string }).text),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
