import { setImmediate } from 'node:timers/promises';
import type { Comparison, EvaluationReport } from '#domain/contracts/evaluation-report.ts';
import { compareInSteps } from '#domain/stats/comparison/compare-models.ts';
import type { Contest } from '#domain/stats/comparison/estimate-gain.ts';
import { measureAll } from '#domain/stats/metrics/metrics.ts';
import { type Scored, takeRows } from '#domain/stats/metrics/scored.ts';
import type { Steps } from '#domain/stats/steps.ts';
import type { StepContext } from '../step-context.ts';
import type { Champion } from './champion.ts';
import type { SliceRows } from './hold-out.ts';
import type { ScoredModels } from './scored-models.ts';
import type { Subject } from './subject.ts';

type Measured = Pick<EvaluationReport, 'parity' | 'latencyMsPerRow'>;

/** Puts metrics, comparisons and slices together. Everything but the latency is the same again for the same inputs. */
export const buildReport = async (
  subject: Subject,
  models: ScoredModels,
  champion: Champion | null,
  measured: Measured,
  context: StepContext | undefined,
): Promise<EvaluationReport> => ({
  format: 1,
  frameSha256: subject.input.frameSha256,
  onnxSha256: subject.result.onnxSha256,
  rows: subject.labels.length,
  primaryMetric: subject.primaryMetric,
  candidate: measureAll(models.candidate),
  champion:
    champion === null || models.champion === null ? null : { version: champion.version, metrics: measureAll(models.champion) },
  comparisons:
    models.champion === null ? [] : await compareAll(subject, models.candidate, models.champion, models.slices, context),
  slices: models.slices.map(({ by, value, rows }) => ({
    by,
    value,
    rows: rows.length,
    metrics: measureAll(takeRows(models.candidate, rows)),
  })),
  ...measured,
});

/** First all rows, then each slice with its own margin. A slice is only ever guarded, so its rule is "not worse". */
const compareAll = async (
  subject: Subject,
  candidate: Scored,
  champion: Scored,
  slices: readonly SliceRows[],
  context: StepContext | undefined,
): Promise<Comparison[]> => {
  const { gate, primaryMetric: metric, input } = subject;
  const common = { metric, seed: Number.parseInt(input.frameSha256.slice(0, 8), 16) };
  const contests: Contest[] = [{ ...common, slice: null, candidate, champion, policy: gate.champion }];
  for (const { by, value, rows } of slices) {
    const margin = gate.slices.find((slice) => slice.by === by)?.margin ?? gate.champion.margin;
    const policy = { rule: 'not worse' as const, margin, confidence: gate.champion.confidence };
    contests.push({
      ...common,
      slice: { by, value },
      candidate: takeRows(candidate, rows),
      champion: takeRows(champion, rows),
      policy,
    });
  }
  const comparisons: Comparison[] = [];
  for (const contest of contests) {
    comparisons.push(await withPauses(compareInSteps(contest), context));
    context?.heartbeat({ stage: 'comparisons', done: comparisons.length, of: contests.length });
  }
  return comparisons;
};

/** Resampling keeps the thread for seconds; heartbeats and cancellation get their turn in the pauses. */
const withPauses = async <Result>(steps: Steps<Result>, context: StepContext | undefined): Promise<Result> => {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    await setImmediate();
    context?.signal.throwIfAborted();
  }
};
