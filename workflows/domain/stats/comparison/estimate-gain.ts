import type { Comparison } from '../../contracts/evaluation-report.ts';
import type { GateSpec, MetricName } from '../../contracts/pipeline-spec/training.ts';
import { correctRows } from '../metrics/confusion.ts';
import { metricTable } from '../metrics/metrics.ts';
import { everyRowOnce, type RowWeights, type Scored } from '../metrics/scored.ts';
import type { Steps } from '../steps.ts';
import { bootstrapInSteps, percentileBounds, shareAtOrBelow } from './bootstrap.ts';
import { compareRocAuc } from './delong.ts';
import { mcnemarTest } from './mcnemar.ts';
import { boundDifference, boundProportions } from './non-inferiority.ts';

/** Two models on the same rows, and what is asked of their difference. */
export type Contest = {
  readonly metric: MetricName;
  readonly slice: Comparison['slice'];
  /** Both models' answers for the same rows in the same order. */
  readonly candidate: Scored;
  readonly champion: Scored;
  readonly policy: GateSpec['champion'];
  /** For resampling; the same seed gives the same report. */
  readonly seed: number;
};

/** A gain with its one-sided bounds; more is better whatever the metric. */
export type Gain = {
  readonly kind: 'gain';
  readonly estimate: number;
  readonly standardError: number;
  readonly lower: number;
  readonly upper: number;
  readonly pNonInferior: number;
  readonly pHarm: number;
  readonly method: string;
  /** A classical two-sided test of no difference, where the metric has one. */
  readonly difference: { readonly pValue: number; readonly test: string } | null;
  /** Whether a kind of disagreement never occurred, so that its rate is bounded only by the number of rows. */
  readonly unseen: boolean;
};
export type NoGain = { readonly kind: 'insufficient'; readonly reason: string };

/**
 * Fewest rows that are compared at all, and fewest of each class for a ranking. Fewer, and normal or resampled bounds are
 * too narrow to be believed; more, and small pipelines could never compare.
 */
const fewestRows = 30;
const fewestOfClass = 10;

/**
 * With 2,000 resamples the 5 % point lies within 0.05 standard errors of where it belongs, with 500 within 0.1; large
 * samples cost more and need no more.
 */
const mostResamples = 2000;
const fewestResamples = 500;
/** Draws in all that one comparison may take, unless 500 resamples need more: some seconds of one core. */
const mostDraws = 100_000_000;
/** More resamples without a value than this share, and the rest are not a sample of anything. */
const mostMissing = 0.01;

/**
 * Estimates the gain by the test that fits the metric: DeLong for the ROC AUC of two classes, paired proportions with
 * McNemar for accuracy, a paired bootstrap for anything else. Insufficient with fewer than 30 rows, or 10 of a class.
 *
 * Source: of each test, in `delong.ts`, `mcnemar.ts`, `non-inferiority.ts` and `bootstrap.ts`.
 */
export function* estimateGain(contest: Contest): Steps<Gain | NoGain> {
  const rows = contest.candidate.labels.length;
  if (rows < fewestRows) return { kind: 'insufficient', reason: `rows ${rows} >= ${fewestRows} does not hold` };
  if (contest.metric === 'roc_auc' && contest.candidate.task === 'binary') return gainOfRocAuc(contest);
  if (contest.metric === 'accuracy') return gainOfAccuracy(contest);
  return yield* gainByResampling(contest);
}

const gainOfRocAuc = ({ candidate, champion, policy }: Contest): Gain | NoGain => {
  const found = compareRocAuc(candidate.labels, champion.answers, candidate.answers);
  const rarer = found === null ? 0 : Math.min(found.positives, found.negatives);
  if (found === null || rarer < fewestOfClass) {
    return { kind: 'insufficient', reason: `rows of the rarer class ${rarer} >= ${fewestOfClass} does not hold` };
  }
  const { difference: estimate, standardError } = found;
  return {
    kind: 'gain',
    estimate,
    standardError,
    ...boundDifference({ estimate, standardError }, policy.margin, policy.confidence),
    method: 'DeLong, paired',
    difference: { pValue: found.pTwoSided, test: 'DeLong, paired, two-sided' },
    unseen: false,
  };
};

const gainOfAccuracy = ({ candidate, champion, policy }: Contest): Gain => {
  const fresh = correctRows(candidate);
  const old = correctRows(champion);
  let championOnly = 0;
  let challengerOnly = 0;
  for (let row = 0; row < fresh.length; row++) {
    if (fresh[row] === old[row]) continue;
    if (fresh[row] === 1) challengerOnly++;
    else championOnly++;
  }
  return {
    kind: 'gain',
    ...boundProportions(championOnly, challengerOnly, fresh.length, policy.margin, policy.confidence),
    method: 'paired proportions',
    difference: { pValue: mcnemarTest(championOnly, challengerOnly).exact, test: 'McNemar, exact' },
    unseen: championOnly === 0 || challengerOnly === 0,
  };
};

function* gainByResampling({ metric, candidate, champion, policy, seed }: Contest): Steps<Gain | NoGain> {
  const { better, prepare } = metricTable[metric];
  const sign = better === 'higher' ? 1 : -1;
  const [fresh, old] = [prepare(candidate), prepare(champion)];
  const gainOf = (counts: RowWeights): number | null => {
    const [one, other] = [fresh(counts), old(counts)];
    return one === null || other === null ? null : sign * (one - other);
  };
  const rows = candidate.labels.length;
  const resamples = Math.max(fewestResamples, Math.min(mostResamples, Math.floor(mostDraws / rows)));
  const estimate = gainOf(everyRowOnce(rows));
  const result = estimate === null ? null : yield* bootstrapInSteps({ rows, resamples, seed, statistic: gainOf });
  if (estimate === null || result === null)
    return { kind: 'insufficient', reason: `${metric} does not exist for these ${rows} rows` };
  if (result.missing > mostMissing * resamples) {
    return {
      kind: 'insufficient',
      reason: `resamples without ${metric} ${result.missing} <= ${mostMissing * resamples} does not hold`,
    };
  }
  const atOrBelow = shareAtOrBelow(result, -policy.margin);
  return {
    kind: 'gain',
    estimate,
    standardError: result.standardError,
    ...percentileBounds(result, policy.confidence),
    pNonInferior: atOrBelow,
    pHarm: 1 - atOrBelow + 1 / (1 + result.sorted.length),
    method: `paired bootstrap, ${resamples} resamples, mulberry32(${seed})`,
    difference: null,
    unseen: false,
  };
}
