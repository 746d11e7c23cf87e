import { setTimeout as wait } from 'node:timers/promises';
import { pace } from './calendar.ts';
import { flights, type LiveScene } from './scene.ts';

const lookMs = 250;

/** While a model trains, fewer passengers ask, so that two cores are enough; a canary needs passengers. Gives the way to end it. */
export const keepPace = ({ context, records, calendar }: LiveScene): (() => Promise<void>) => {
  let stopped = false;
  const look = async (): Promise<void> => {
    const [runs, rollout] = await Promise.all([
      context.runs.list({ pipeline: flights, limit: 5 }),
      records.rollouts.running(flights),
    ]);
    const isRunning = runs.some(({ outcome }) => outcome === null);
    calendar.setPace(rollout !== null ? pace.canary : isRunning ? pace.slow : pace.brisk);
  };
  const keeping = (async () => {
    while (!stopped) {
      // A database that is away for a moment leaves the pace as it is.
      await look().catch(() => {});
      await wait(lookMs);
    }
  })();
  return () => {
    stopped = true;
    return keeping;
  };
};
