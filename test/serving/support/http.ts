import { setTimeout as delay } from 'node:timers/promises';

export type Answered = { readonly status: number; readonly headers: Headers; readonly body: any };

export const get = async (url: string): Promise<Answered> => {
  const response = await fetch(url);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
};

export const post = async (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answered> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text) };
};

/** Looks again until something holds; fails with the reason after the time allowed. */
export const until = async (what: string, holds: () => Promise<boolean>, withinMs = 30_000): Promise<void> => {
  const end = performance.now() + withinMs;
  let last: unknown = null;
  while (performance.now() < end) {
    try {
      if (await holds()) return;
      last = null;
    } catch (error) {
      last = error;
    }
    await delay(20);
  }
  throw new Error(`Waited ${withinMs} ms in vain until ${what}`, { cause: last });
};

export const untilReady = (url: string): Promise<void> =>
  until(`${url} is ready`, async () => (await get(`${url}/v2/health/ready`)).status === 200);

/** Until the server answers for a pipeline with a version. */
export const untilVersion = (url: string, pipeline: string, version: number): Promise<void> =>
  until(
    `${url} serves version ${version} of ${pipeline}`,
    async () => (await get(`${url}/v2/models/${pipeline}`)).body.versions?.[0] === String(version),
  );
