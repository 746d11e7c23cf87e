import type { Evidence } from '../../contracts/evidence.ts';
import type { PerformanceWindow } from '../../contracts/performance-report.ts';
import type { Verdict } from '../../contracts/verdict.ts';
import { type Interval, locate } from '../gate/bounds.ts';
import { inequality, percent, shortNumber } from '../judgement.ts';
import { conclude } from './conclusion.ts';

export type PerformancePolicy = {
  /** Id of the evidence that decides, from `performanceEvidenceId`. */
  readonly evidenceId: string;
  /** Id of that on a window with those before it, from `togetherEvidenceId`; decides with it where it is there. */
  readonly togetherId?: string;
  /** What may be lost, in the unit of the metric; at least 0. */
  readonly tolerated: number;
  /** Where that comes from, such as " (5% of 23163.2)"; absent where it was said as it is. */
  readonly toleratedWords?: string;
  /** Of each bound. */
  readonly confidence: number;
};

/**
 * Has a matured window lost more than is tolerated? Fails (a breach) where the upper bound of the gain lies below minus
 * the tolerated drop: then the loss is larger than that, but for one window in twenty at 95 %. Passes where the lower bound
 * lies above: then the loss is smaller. Between, and with too few labels, inconclusive: not a breach, and not all well.
 *
 * A window of few clusters, such as one day, is asked alone and together with those before it, each at half the chance of
 * a false alarm: what is lost at once shows in the one, what is lost for good in the other.
 *
 * A provisional window never decides. With nothing tolerated any loss that is certain is a breach, and only a gain passes.
 * An error: a negative tolerance, bounds at another confidence, and evidence that is not there or not an interval.
 *
 * Source: one-sided confidence bounds of a difference.
 */
export const decidePerformance = (window: PerformanceWindow, policy: PerformancePolicy): Verdict => {
  if (window.kind === 'provisional')
    return conclude('inconclusive', `the window is provisional: ${window.labelled} of ${window.predictions} rows have a label`);
  const find = (id: string | undefined) => window.evidence.find((one) => one.id === id);
  const together = find(policy.togetherId);
  if (together === undefined) return decideGain(find(policy.evidenceId), policy);
  const each = { ...policy, confidence: confidenceOfEach(policy.confidence) };
  return joined(decideGain(find(policy.evidenceId), each), decideGain(together, { ...each, evidenceId: together.id }));
};

/** Two questions share the chance of a false alarm. */
export const confidenceOfEach = (confidence: number): number => 1 - (1 - confidence) / 2;

/** What one of them is sure of holds; a breach before a pass. */
const joined = (alone: Verdict, together: Verdict): Verdict => {
  const sure = (['error', 'fail', 'pass'] as const).map((outcome) => [alone, together].find((one) => one.outcome === outcome));
  const { outcome, reason } = sure.find((one) => one !== undefined) ?? alone;
  return conclude(
    outcome,
    reason,
    [...alone.inequalities, ...together.inequalities],
    [...alone.evidenceIds, ...together.evidenceIds],
  );
};

/** The same for evidence of a gain, of whatever source. */
export const decideGain = (evidence: Evidence | undefined, policy: PerformancePolicy): Verdict => {
  if (evidence === undefined) return conclude('error', `${policy.evidenceId} is missing`);
  if (!(policy.tolerated >= 0)) return conclude('error', `the tolerated drop must be >= 0: it is ${policy.tolerated}`);
  if (evidence.kind === 'insufficient')
    return conclude('inconclusive', `${evidence.what}: ${evidence.reason}`, [], [evidence.id]);
  if (evidence.kind !== 'interval') return conclude('error', `${evidence.id} must be an interval: it is a ${evidence.kind}`);
  if (evidence.confidence !== policy.confidence)
    return conclude('error', `bounds must be at ${percent(policy.confidence)}: they are at ${percent(evidence.confidence)}`);
  return judge(evidence, policy.tolerated, policy.toleratedWords ?? '');
};

/** "on 1440 rows in 1 day against 7". */
const rowsSentence = ({ rows, clusters }: Interval): string => {
  if (clusters === undefined) return `on ${rows} rows`;
  const { by, count, reference } = clusters;
  const named = by === 'day' || by === 'hour' ? `${by}${count === 1 ? '' : 's'}` : `clusters by ${by}`;
  return `on ${rows} rows in ${count} ${named}${reference === null ? '' : ` against ${reference}`}`;
};

const judge = (evidence: Interval, tolerated: number, words: string): Verdict => {
  const limit = tolerated === 0 ? 0 : -tolerated;
  const position = locate(evidence, limit);
  const outcome = position === 'above' ? 'pass' : position === 'below' ? 'fail' : 'inconclusive';
  const at = percent(evidence.confidence);
  const lower = inequality(`${evidence.what}, lower ${at} bound`, evidence.lower, '>', limit);
  const upper = inequality(`${evidence.what}, upper ${at} bound`, evidence.upper, '<', limit);
  const [low, high, right] = [evidence.lower, evidence.upper, limit].map(shortNumber);
  const told = {
    above: `lower ${at} bound ${low} > ${right}${words}`,
    below: `upper ${at} bound ${high} < ${right}${words}`,
    undecided: `lower ${at} bound ${low} > ${right}${words} does not hold, nor does upper bound ${high} < ${right}`,
  }[position];
  const reason = `${evidence.what} ${shortNumber(evidence.estimate)}: ${told}, ${rowsSentence(evidence)}`;
  return conclude(outcome, reason, [lower, upper], [evidence.id]);
};
