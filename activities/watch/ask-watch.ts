import type { WatchSteps } from '../../workflows/watch-steps.ts';
import type { CpuDeps } from '../deps.ts';

/** The watch answers; a refusal (it is paused, or there is none) is the answer of a schedule too. */
export const createAskWatch =
  ({ watch }: Pick<CpuDeps, 'watch'>): WatchSteps['askWatch'] =>
  ({ pipeline, key, reason }) =>
    watch.temporal.askForSchedule(pipeline, key, reason);
