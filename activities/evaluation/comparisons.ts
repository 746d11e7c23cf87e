/** Candidate against champion: on all rows, on slices, and in how alike they treat groups. */
import { setImmediate } from 'node:timers/promises';
import type { Comparison, FairnessReport, HoldoutUse } from '#domain/contracts/evaluation-report.ts';
import { championMargin, sliceMargin } from '#domain/decide/gate/margin.ts';
import { takeClusters } from '#domain/stats/comparison/clusters.ts';
import { compareFairnessInSteps } from '#domain/stats/comparison/compare-fairness.ts';
import { compareInSteps } from '#domain/stats/comparison/compare-models.ts';
import type { Contest } from '#domain/stats/comparison/contest.ts';
import { measure } from '#domain/stats/metrics/metrics.ts';
import { type Scored, takeRows } from '#domain/stats/metrics/scored.ts';
import type { Steps } from '#domain/stats/steps.ts';
import type { StepContext } from '../step-context.ts';
import type { SliceRows } from './hold-out.ts';
import type { ScoredModels } from './scored-models.ts';
import type { Subject } from './subject.ts';

/** Both models on the same rows; `champion` is there. */
export type Rivals = ScoredModels & { readonly champion: Scored };

/** The rows of a slice that are among those taken, by their new places. */
const takeSlice = ({ by, value, rows }: SliceRows, places: ReadonlyMap<number, number>): SliceRows => ({
  by,
  value,
  rows: Uint32Array.from([...rows].flatMap((row) => places.get(row) ?? [])),
});

/** The same models on some rows only; null: on all. A group of which no row is left is gone. */
export const rivalsOn = (rivals: Rivals, rows: Uint32Array | null): Rivals => {
  if (rows === null) return rivals;
  const places = new Map(Array.from(rows, (row, place) => [row, place]));
  return {
    ...rivals,
    candidate: takeRows(rivals.candidate, rows),
    champion: takeRows(rivals.champion, rows),
    clusters: rivals.clusters === null ? null : takeClusters(rivals.clusters, rows),
    slices: rivals.slices.map((slice) => takeSlice(slice, places)),
    groups: rivals.groups.map((group) => takeSlice(group, places)).filter((group) => group.rows.length > 0),
  };
};

/** Share of cases in which enough rows are enough, for all slices (or gaps) at once. */
const powerForAll = (count: number): number => 1 - 0.2 / Math.max(1, count);
const seedOf = ({ input }: Subject): number => Number.parseInt(input.frameSha256.slice(0, 8), 16);

/** First all rows, at what this use of the hold-out may still claim; then each slice with its own margin. */
export const compareAll = async (
  subject: Subject,
  rivals: Rivals,
  use: HoldoutUse,
  context: StepContext | undefined,
): Promise<Comparison[]> => {
  const contests = [
    contestOfAll(subject, rivals, use.confidence),
    ...rivals.slices.map((slice) => contestOfSlice(subject, rivals, slice)),
  ];
  const comparisons: Comparison[] = [];
  for (const contest of contests) {
    comparisons.push(await withPauses(compareInSteps(contest), context));
    context?.heartbeat({ stage: 'comparisons', done: comparisons.length, of: contests.length });
  }
  return comparisons;
};

/** Of the metric that decides, on these rows. */
const valueOf = ({ primaryMetric: metric }: Subject, champion: Scored) => ({ metric, champion: measure(metric, champion) });

const contestOfAll = (subject: Subject, { candidate, champion, clusters }: Rivals, confidence: number): Contest => ({
  metric: subject.primaryMetric,
  slice: null,
  candidate,
  champion,
  clusters,
  policy: {
    ...subject.gate.champion,
    margin: championMargin(subject.gate, valueOf(subject, champion)).value,
    confidence: confidence as Contest['policy']['confidence'],
  },
  seed: seedOf(subject),
});

/** A slice is only ever guarded, so its rule is "not worse". */
const contestOfSlice = (subject: Subject, rivals: Rivals, { by, value, rows }: SliceRows): Contest => {
  const champion = takeRows(rivals.champion, rows);
  const margin = sliceMargin(subject.gate, by, valueOf(subject, champion)).value;
  return {
    metric: subject.primaryMetric,
    slice: { by, value },
    candidate: takeRows(rivals.candidate, rows),
    champion,
    clusters: rivals.clusters === null ? null : takeClusters(rivals.clusters, rows),
    policy: { ...subject.gate.champion, rule: 'not worse', margin },
    power: powerForAll(rivals.slices.length),
    seed: seedOf(subject),
  };
};

/** One report for each column of `gate.fairness`. */
export const compareFairness = async (
  subject: Subject,
  { candidate, champion, clusters, groups }: Rivals,
  context: StepContext | undefined,
): Promise<FairnessReport[]> => {
  const { fairness, champion: policy } = subject.gate;
  const reports: FairnessReport[] = [];
  for (const { by, margin } of fairness) {
    const contest = {
      by,
      groups: groups.filter((group) => group.by === by),
      candidate,
      champion,
      clusters,
      policy: { ...policy, rule: 'not worse' as const, margin },
      power: powerForAll(2 * fairness.length),
      seed: seedOf(subject),
    };
    reports.push(await withPauses(compareFairnessInSteps(contest), context));
    context?.heartbeat({ stage: 'fairness', done: reports.length, of: fairness.length });
  }
  return reports;
};

/** Resampling keeps the thread for seconds; heartbeats and cancellation get their turn in the pauses. */
export const withPauses = async <Result>(steps: Steps<Result>, context: StepContext | undefined): Promise<Result> => {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    await setImmediate();
    context?.signal.throwIfAborted();
  }
};
