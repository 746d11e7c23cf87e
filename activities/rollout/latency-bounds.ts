import type { ArmTally } from '#domain/contracts/capture.ts';
import type { RolloutSpec } from '#domain/contracts/pipeline-spec/operation.ts';
import type { RolloutPlan } from '#domain/contracts/rollout.ts';
import { addToSketch, type DDSketch, emptySketch, mergeSketches, quantileOfSketch } from '#domain/stats/summaries/ddsketch.ts';

type Latency = ArmTally['latency'];

/** Fewer answers of the champion say nothing of its slowest hundredth. */
const fewestAnswers = 100;

const toSketch = ({ zeros, bins }: Latency): DDSketch => {
  const empty = emptySketch();
  const positive = Object.entries(bins).map(([index, rows]) => ({ sign: 1 as const, index: Number(index), rows }));
  const sorted = { ...empty, bins: positive.sort((left, right) => left.index - right.index) };
  return zeros === 0 ? sorted : mergeSketches(sorted, { ...addToSketch(empty, [0]), bins: [{ sign: 0, index: 0, rows: zeros }] });
};

const rowsOf = (latencies: readonly Latency[]): number =>
  latencies.reduce((sum, { zeros, bins }) => sum + zeros + Object.values(bins).reduce((rows, one) => rows + one, 0), 0);

/** The champion's own 95th and 99th percentile in milliseconds; null where it answered too little. */
export const measureLatency = (latencies: readonly Latency[]): { p95: number; p99: number } | null => {
  if (rowsOf(latencies) < fewestAnswers) return null;
  const all = latencies.map(toSketch).reduce(mergeSketches, emptySketch());
  const quantile = (share: number): number => (quantileOfSketch(all, share)?.value ?? 0) * 1_000;
  const [p95, p99] = [quantile(0.95), quantile(0.99)];
  return p95 > 0 && p99 > 0 ? { p95, p99 } : null;
};

/**
 * Bounds of the latency guardrails: what the file names, else the champion's. Null where a guardrail is asked for whose
 * bound nobody knows, or none is asked for: then servers count no slow answers.
 */
export const boundLatency = (
  { latency_p95, latency_p99 }: RolloutSpec['guardrails'],
  champion: { p95: number; p99: number } | null,
): RolloutPlan['latencyMs'] => {
  const p95 = latency_p95?.above ?? champion?.p95;
  const p99 = latency_p99?.above ?? champion?.p99;
  if (latency_p95 === undefined) return latency_p99 === undefined || p99 === undefined ? null : { p95: p95 ?? p99, p99 };
  if (latency_p99 === undefined) return p95 === undefined ? null : { p95, p99: p99 ?? p95 };
  return p95 === undefined || p99 === undefined ? null : { p95, p99 };
};
