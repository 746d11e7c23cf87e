import { setTimeout as wait } from 'node:timers/promises';
import { flights, type RolloutWorld } from './world.ts';

/** `candidateErrors`: share of the candidate's answers that go wrong from now on. */
export type Traffic = { candidateErrors: number; stop(): Promise<void> };

/** A server as the database sees one: applies what is set at once, answers a hundred requests in a moment. */
export const serveTraffic = (world: RolloutWorld): Traffic => {
  const ended = new AbortController();
  const counts = new Map<string, { requests: number; errors: number }>();
  const traffic = { candidateErrors: 0, stop: () => Promise.resolve() };
  const serveOnce = async (): Promise<void> => {
    const { generation, rollout } = await world.deps.deployments.get(flights);
    await world.report('server-1');
    for (const arm of ['champion', 'candidate'] as const) {
      const share = arm === 'candidate' ? (rollout?.share ?? 0) : 1 - (rollout?.share ?? 0);
      const counted = counts.get(`${arm}/${generation}`) ?? { requests: 0, errors: 0 };
      counted.requests += Math.round(100 * share);
      counted.errors += arm === 'candidate' ? Math.round(100 * share * traffic.candidateErrors) : 0;
      counts.set(`${arm}/${generation}`, counted);
      if (counted.requests > 0) await world.count(arm, generation, counted.requests, { events: { errors: counted.errors } });
    }
  };
  const serve = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await serveOnce();
      await wait(50);
    }
  };
  const serving = serve();
  traffic.stop = () => {
    ended.abort();
    return serving;
  };
  return traffic;
};
