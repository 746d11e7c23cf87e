/** Posts JSON over connections that stay open, as a service that asks all day would. */
import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

export type Reply = {
  readonly status: number;
  readonly body: unknown;
  /** Attempts that nobody answered, before this one. */
  readonly retries: number;
};
export type Caller = {
  /** A server that cannot be reached, or says that it has too much to do, is asked again for half a minute; then it throws. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  close(): void;
};

const connections = 32;
const answerMs = 10_000;
const patienceMs = 30_000;
const pauseMs = 100;
const busy = 503;

type Sent = { readonly url: URL; readonly text: string; readonly headers: Readonly<Record<string, string>> };

type Said = { readonly status: number; readonly text: string };

const exchange = (agent: Agent, { url, text, headers }: Sent): Promise<Said> =>
  new Promise((resolve, reject) => {
    const all = { ...headers, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) };
    const asked = request(url, { agent, method: 'POST', headers: all }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }));
    });
    asked.setTimeout(answerMs, () => asked.destroy(new Error(`No answer within ${answerMs / 1000} s`)));
    asked.on('error', reject);
    asked.end(text);
  });

const send = async (agent: Agent, sent: Sent): Promise<Omit<Reply, 'retries'>> => {
  const { status, text } = await exchange(agent, sent);
  return { status, body: text === '' ? null : (JSON.parse(text) as unknown) };
};

export const createCaller = (baseUrl: string): Caller => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const post: Caller['post'] = async (path, body, headers = {}) => {
    const sent = { url: new URL(path, baseUrl), text: JSON.stringify(body), headers };
    const deadline = performance.now() + patienceMs;
    for (let retries = 0; ; retries += 1) {
      const reply = await send(agent, sent).catch((error: unknown) => error as Error);
      const isLate = performance.now() > deadline;
      if (!(reply instanceof Error) && (reply.status !== busy || isLate)) return { ...reply, retries };
      if (reply instanceof Error && isLate) throw reply;
      await wait(pauseMs);
    }
  };
  return { post, close: () => agent.destroy() };
};
