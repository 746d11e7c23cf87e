import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { formatDuration } from '../quantity.ts';

/** Fields that are kept in milliseconds, by path. Elsewhere a key of that name means something else: a count, a share. */
const durations = [
  /^data\.(label\.known_after|freshness)$/,
  /^features\.views\.[^.]+\.window$/,
  /^training\.(window|resources\.timeout)$/,
  /^gate\.approval\.within$/,
  /^rollout\.(deadline|step\.at_least|patience\.(silence|hold))$/,
  /^watch\.(every|window|lateness|labels\.horizon)$/,
  /^retrain\.(max_age|cooldown|budget\.per)$/,
  /^retention\.(predictions|runs)$/,
];
/** A share (at most 1) or a duration. */
const latency = /^rollout\.guardrails\.latency_p(95|99)\.above$/;

const isDuration = (path: string, value: number): boolean =>
  durations.some((pattern) => pattern.test(path)) || (value > 1 && latency.test(path));

type Holdout = NonNullable<PipelineSpec['training']['holdout']>;
const holdoutText = (holdout: Holdout): string | number => (holdout.kind === 'time' ? formatDuration(holdout.ms) : holdout.share);

/** A parsed pipeline in the words of its file: durations with their unit, which the file asks for. */
export const asWritten = (value: unknown, path = ''): unknown => {
  if (typeof value === 'number' && isDuration(path, value)) return formatDuration(value);
  if (path === 'training.holdout') return holdoutText(value as Holdout);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, asWritten(inner, path === '' ? key : `${path}.${key}`)]),
  );
};
