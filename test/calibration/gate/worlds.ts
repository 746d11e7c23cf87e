/** Pairs of models whose true difference is known, and the gate that judges them. */
import type { EvaluationReport } from '#domain/contracts/evaluation-report.ts';
import { type GateSpec, gateSchema, type MetricName } from '#domain/contracts/pipeline-spec/training.ts';
import type { VerdictOutcome } from '#domain/contracts/verdict.ts';
import { championMargin } from '#domain/decide/gate/margin.ts';
import { decideGate } from '#domain/decide/gate.ts';
import type { Clusters } from '#domain/stats/comparison/clusters.ts';
import { compareModels } from '#domain/stats/comparison/compare-models.ts';
import type { Contest } from '#domain/stats/comparison/contest.ts';
import { measure } from '#domain/stats/metrics/metrics.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
import type { Random } from '#domain/stats/random.ts';
import { normalLowerTail } from '#domain/stats/special/normal.ts';
import type { Sha256, VersionNumber } from '#domain/units.ts';
import { normal } from '../samplers.ts';

export type Pair = { readonly candidate: Scored; readonly champion: Scored };

export const gateOf = (file: object): GateSpec => gateSchema.parse(file);

/** What a comparison by a metric without a unit is asked, whatever the champion's value. */
export const policyOf = (gate: GateSpec): Contest['policy'] => ({
  ...gate.champion,
  margin: championMargin(gate, { metric: 'accuracy', champion: null }).value,
});

const digest = 'a'.repeat(64) as Sha256;

/** The whole gate as a run asks it, without limits: what it says of this pair. */
export const judge = (metric: MetricName, pair: Pair, gate: GateSpec, clusters: Clusters | null = null): VerdictOutcome => {
  const margin = championMargin(gate, { metric, champion: measure(metric, pair.champion) }).value;
  const contest: Contest = { metric, slice: null, ...pair, clusters, policy: { ...gate.champion, margin }, seed: 7 };
  return decideGate(reportOf(metric, [compareModels(contest)]), gate).outcome;
};

export const reportOf = (metric: MetricName, comparisons: EvaluationReport['comparisons']): EvaluationReport => ({
  format: 1,
  frameSha256: digest,
  onnxSha256: digest,
  rows: comparisons[0]?.rows ?? 0,
  primaryMetric: metric,
  candidate: { [metric]: comparisons[0]?.candidate ?? 0 },
  champion: { version: 1 as VersionNumber, metrics: {} },
  championRows: null,
  comparisons,
  holdoutUse: null,
  fairness: [],
  calibration: null,
  slices: [],
  parity: { rows: 1, largestDifference: 0, tolerance: 1, holds: true, worst: null },
  latencyMsPerRow: 0,
});

const binaryOf = (labels: ArrayLike<number>, answers: ArrayLike<number>): Scored => ({
  task: 'binary',
  classes: 2,
  labels,
  answers,
});

/** Models that disagree on a share of the rows, the candidate being right more often by `gain` in truth. */
export const disagreeing = (random: Random, rows: number, disagreement: number, gain: (row: number) => number): Pair => {
  const [fresh, old] = [new Float64Array(rows).fill(0.9), new Float64Array(rows).fill(0.9)];
  for (let row = 0; row < rows; row += 1) {
    const lost = (disagreement - gain(row)) / 2;
    const u = random();
    if (u < lost) fresh[row] = 0.1;
    else if (u < disagreement) old[row] = 0.1;
  }
  const labels = new Uint8Array(rows).fill(1);
  return { candidate: binaryOf(labels, fresh), champion: binaryOf(labels, old) };
};

/** Rows of `days` days, as many of each or fewer from day to day. */
export const dayClusters = (rowsOf: readonly number[]): Clusters => ({
  by: 'day',
  ids: Uint32Array.from(rowsOf.flatMap((rows, day) => new Array<number>(rows).fill(day))),
  count: rowsOf.length,
});

/** Scores of both models: a third of the rows positive, shared noise, and for each model a weather of its own by day. */
export type RankingWorld = { readonly clusters: Clusters; readonly weather: number; readonly shift: number };
export const ranking = (random: Random, { clusters, weather, shift }: RankingWorld): Pair => {
  const { ids, count } = clusters;
  const [skies, others] = [0, 1].map(() => Float64Array.from({ length: count }, () => normal(random, 0, weather)));
  const labels = Uint8Array.from(ids, () => (random() < 1 / 3 ? 1 : 0));
  const [fresh, old] = [new Float64Array(ids.length), new Float64Array(ids.length)];
  ids.forEach((day, row) => {
    const shared = normal(random, 0, Math.sqrt(0.8));
    const label = labels[row] as number;
    old[row] = label + shared + normal(random, 0, Math.sqrt(0.2)) + (skies?.[day] as number);
    fresh[row] = (1 + shift) * label + shared + normal(random, 0, Math.sqrt(0.2)) + (others?.[day] as number);
  });
  return { candidate: binaryOf(labels, fresh.map(logistic)), champion: binaryOf(labels, old.map(logistic)) };
};

/** A probability; ranks stay as they are. */
const logistic = (score: number): number => 1 / (1 + Math.exp(-score));

/** Area under the curve in truth: pairs of one day share its weather, pairs of two days do not. */
const trueAuc = (distance: number, weather: number, days: number): number =>
  normalLowerTail(distance / Math.SQRT2) / days + normalLowerTail(distance / Math.sqrt(2 + 2 * weather ** 2)) * (1 - 1 / days);

/** The shift that makes a candidate worse by exactly the margin. */
export const shiftOf = (margin: number, weather: number, days: number): number => {
  let [low, high] = [-1, 0];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (trueAuc(1 + middle, weather, days) - trueAuc(1, weather, days) < -margin) low = middle;
    else high = middle;
  }
  return high;
};

/** Two models of a number with correlated errors; the candidate's are larger by a factor. */
export const regressing = (random: Random, rows: number, factor: number): Pair => {
  const labels = new Float64Array(rows);
  const [fresh, old] = [new Float64Array(rows), new Float64Array(rows)];
  for (let row = 0; row < rows; row += 1) {
    const shared = normal(random, 0, Math.sqrt(0.9));
    old[row] = shared + normal(random, 0, Math.sqrt(0.1));
    fresh[row] = factor * (shared + normal(random, 0, Math.sqrt(0.1)));
  }
  const scored = (answers: Float64Array): Scored => ({ task: 'regression', classes: 0, labels, answers });
  return { candidate: scored(fresh), champion: scored(old) };
};
