/** A client that asks without pause over a few kept connections, and judges every answer. */
import { Agent, request } from 'node:http';

export type Reply = { readonly status: number; readonly digest: string | undefined; readonly body: any };
export type LoadResult = { readonly sent: number; readonly failures: readonly string[]; readonly latenciesMs: readonly number[] };

const ask = (url: string, agent: Agent, body: string): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const call = request(url, { method: 'POST', agent, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const digest = response.headers['perennial-model-digest'];
        resolve({
          status: response.statusCode ?? 0,
          digest: digest as string | undefined,
          body: JSON.parse(Buffer.concat(parts).toString()),
        });
      });
    });
    call.on('error', reject);
    call.end(body);
  });

/** `judge` returns what is wrong with an answer, or null. */
export const startLoad = (
  url: string,
  connections: number,
  next: (index: number) => unknown,
  judge: (reply: Reply, index: number) => string | null,
): { stop(): Promise<LoadResult>; sent(): number } => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const failures: string[] = [];
  const latenciesMs: number[] = [];
  let sent = 0;
  const stop = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const index = sent++;
      const started = performance.now();
      try {
        const wrong = judge(await ask(url, agent, JSON.stringify(next(index))), index);
        if (wrong !== null) failures.push(wrong);
      } catch (error) {
        failures.push(String(error));
      }
      latenciesMs.push(performance.now() - started);
    }
  };
  const loops = Array.from({ length: connections }, loop);
  return {
    sent: () => sent,
    stop: async () => {
      stop.abort();
      await Promise.all(loops);
      agent.destroy();
      return { sent, failures, latenciesMs: latenciesMs.toSorted((left, right) => left - right) };
    },
  };
};

export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
