/** How far a rollout is, in a line: of the requests that its step asks for, how many the candidate answered. */
import { type RolloutRecord, rolloutPlanSchema } from '#domain/contracts/rollout.ts';
import type { ArmTotal } from '../../../infra/postgres/tally-totals.ts';
import { formatCount } from '../quantity.ts';

export type Progress = Pick<RolloutRecord, 'pipeline' | 'version' | 'strategy'> & {
  readonly share: number;
  /** Answered by the candidate since the share changed last. */
  readonly requests: number;
  readonly wanted: number;
};

/** `totals` are those of the newest segment. null for a rollout that has ended. */
export const progressOf = (rollout: RolloutRecord, totals: readonly ArmTotal[]): Progress | null => {
  const segment = rollout.segments.at(-1);
  if (rollout.state !== 'running' || segment === undefined) return null;
  const { pipeline, version, strategy } = rollout;
  const requests = totals.reduce((sum, total) => sum + (total.arm === 'candidate' ? total.requests : 0), 0);
  const wanted = rolloutPlanSchema.parse(rollout.policy).policy.requests;
  return { pipeline, version, strategy, share: segment.share, requests, wanted };
};

/** Nobody reads a line each second for six hours; a minute is soon enough for a number that grows. */
const countEveryMs = 60_000;

const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`;

const lineOf = ({ strategy, share, requests, wanted }: Progress): string =>
  `${strategy} at ${percent(share)}: ${formatCount(requests)} of ${formatCount(wanted)} requests`;

/**
 * What to say now, if anything: at once when it begins, when the first request comes and when the share changes; else
 * once a minute, where the number has grown. The first line says what a person can do.
 */
export const createProgressTale = () => {
  let before: { readonly progress: Progress; readonly line: string; readonly atMs: number } | null = null;
  return (progress: Progress, nowMs: number): string | null => {
    const line = lineOf(progress);
    const isFirst = before === null;
    const isNew = before === null || before.progress.share !== progress.share || before.progress.requests === 0;
    if (before?.line === line || !(isNew || nowMs - (before?.atMs ?? 0) >= countEveryMs)) return null;
    before = { progress, line, atMs: nowMs };
    const { pipeline, version } = progress;
    if (!isFirst) return line;
    return `${line}; perennial status ${pipeline} shows more, perennial promote ${pipeline} --reason … gives version ${version} all traffic`;
  };
};
