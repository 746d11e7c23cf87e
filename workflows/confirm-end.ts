/** Waits until the servers report what is set. */
import { sleep } from '@temporalio/workflow';
import { dayMs, minuteMs, type PipelineName, secondMs } from '#domain/units.ts';
import { quickSteps } from './step-options.ts';
import type { ConfirmSummary } from './steps.ts';

/** Looks at growing distances: a small model is there at once, and who lags for an hour is not helped by haste. */
const firstLookMs = 100;
const laterLookMs = 5 * secondMs;
const lastLookMs = minuteMs;

/** Without a server that is alive by then nobody can confirm anything; see `promote-directly.ts`. */
const aliveWithinMs = 5 * secondMs;

/** Servers that report something else for so long are beyond help from here; people were told long before. */
const longestMs = dayMs;

export type Confirmed = ConfirmSummary & { readonly end: 'confirmed' | 'refused' | 'nobody' | 'late' };

const judge = (seen: ConfirmSummary, waitedMs: number, withinMs: number): Confirmed['end'] | null => {
  if (seen.confirmed) return 'confirmed';
  if (seen.refused > 0) return 'refused';
  if (seen.servers === 0 && waitedMs >= Math.min(aliveWithinMs, withinMs)) return 'nobody';
  return waitedMs >= withinMs ? 'late' : null;
};

/** Looks until all servers that are alive serve the generation, one refuses it, or the time is over. */
export const confirmGeneration = async (pipeline: PipelineName, generation: number, withinMs: number): Promise<Confirmed> => {
  const startedAt = Date.now();
  for (let pauseMs = firstLookMs; ; pauseMs = Math.min(2 * pauseMs, lastLookMs)) {
    const summary = { summary: `who serves generation ${generation}?` };
    const seen = await quickSteps.confirmServing.executeWithOptions(summary, [{ pipeline, generation }]);
    const end = judge(seen, Date.now() - startedAt, withinMs);
    if (end !== null) return { ...seen, end };
    await sleep(pauseMs, { summary: `servers follow generation ${generation}` });
  }
};

/**
 * The same for a way back, which is not over before the servers report it: `late` is told once, and the looking goes on
 * for a day.
 */
export const confirmWayBack = async (
  pipeline: PipelineName,
  generation: number,
  withinMs: number,
  tellLate: (seen: Confirmed) => Promise<void>,
): Promise<Confirmed> => {
  const first = await confirmGeneration(pipeline, generation, withinMs);
  if (first.end === 'confirmed' || first.end === 'nobody') return first;
  await tellLate(first);
  const startedAt = Date.now();
  for (let pauseMs = laterLookMs; ; pauseMs = Math.min(2 * pauseMs, lastLookMs)) {
    await sleep(pauseMs, { summary: `servers follow generation ${generation}` });
    const seen = await confirmGeneration(pipeline, generation, 0);
    if (seen.end === 'confirmed' || seen.servers === 0 || Date.now() - startedAt >= longestMs) return seen;
  }
};
