import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { nextTimes, parseCron } from '#domain/cron.ts';

const shown = 3;

/** The schedule of a pipeline and when it comes next, in UTC; null where it has none. */
export const scheduleOf = ({ retrain }: PipelineSpec, now: Date): { cron: string; next: string[] } | null => {
  if (retrain.schedule === undefined) return null;
  const parsed = parseCron(retrain.schedule);
  const next = parsed.kind === 'schedule' ? nextTimes(parsed.schedule, now.getTime(), shown) : [];
  return { cron: retrain.schedule, next: next.map((at) => new Date(at).toISOString()) };
};

/** "schedule 0 3 * * 1: next 2026-11-23 03:00, 2026-11-30 03:00 and 2026-12-07 03:00 UTC". */
export const scheduleText = ({ cron, next }: { cron: string; next: readonly string[] }, paused: boolean): string => {
  const times = next.map((at) => at.slice(0, 16).replace('T', ' '));
  const rest = paused ? '; it rests while the pipeline is paused' : '';
  return `schedule ${cron}: next ${times.slice(0, -1).join(', ')} and ${times.at(-1)} UTC${rest}`;
};
