/** Live traffic: real flights over HTTP at a steady pace, until told to stop. Every request counts, also a failed one. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Flight } from './world.ts';

export type TrafficReport = {
  readonly sent: number;
  readonly failed: number;
  readonly byVersion: ReadonlyMap<string, number>;
  readonly firstFailure: string | null;
};
export type Traffic = { report(): TrafficReport; stop(): Promise<TrafficReport> };

const requestTimeoutMs = 10_000;

export const startTraffic = (url: string, flights: readonly Flight[], perSecond: number): Traffic => {
  const byVersion = new Map<string, number>();
  const inFlight = new Set<Promise<void>>();
  let [sent, failed, stopped] = [0, 0, false];
  let firstFailure: string | null = null;
  const fail = (why: string): void => {
    failed += 1;
    firstFailure ??= why;
  };
  const ask = async (flight: Flight): Promise<void> => {
    sent += 1;
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(flight),
        signal: AbortSignal.timeout(requestTimeoutMs),
      });
      const body = (await answer.json()) as { model_version?: number };
      if (!answer.ok) return fail(`${answer.status} ${JSON.stringify(body)}`);
      const version = String(body.model_version);
      byVersion.set(version, (byVersion.get(version) ?? 0) + 1);
    } catch (error) {
      fail((error as Error).message);
    }
  };
  const loop = async (): Promise<void> => {
    const startedAt = performance.now();
    for (let index = 0; !stopped; index += 1) {
      const asked = ask(flights[index % flights.length] as Flight);
      inFlight.add(asked);
      void asked.finally(() => inFlight.delete(asked));
      // The pace is kept by the clock, not by the answers: a slow server gets more at once, as in life.
      await wait(Math.max(0, startedAt + ((index + 1) * 1000) / perSecond - performance.now()));
    }
    await Promise.all(inFlight);
  };
  const running = loop();
  const report = (): TrafficReport => ({ sent, failed, byVersion: new Map(byVersion), firstFailure });
  return {
    report,
    stop: async () => {
      stopped = true;
      await running;
      return report();
    },
  };
};
