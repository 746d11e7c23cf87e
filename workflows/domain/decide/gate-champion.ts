import type { Comparison, EvaluationReport } from '../contracts/evaluation-report.ts';
import type { Evidence } from '../contracts/evidence.ts';
import type { GateSpec } from '../contracts/pipeline-spec/training.ts';
import { evidenceRoles, findEvidence, sliceName } from './comparison-evidence.ts';
import { type Check, checkOf, inequality, percent, shortNumber } from './judgement.ts';

export type Interval = Extract<Evidence, { kind: 'interval' }>;

/** A pair of one-sided bounds against one limit: above it, below it, or neither. */
export type Position = 'above' | 'below' | 'undecided';

/**
 * Is the candidate not worse than the champion by more than the margin ("not worse"), or better at all ("better")?
 *
 * With the gain (candidate minus champion, more being better): passes where its lower bound lies above the limit, fails
 * where its upper bound lies below, and is inconclusive between, saying how many rows are missing. The limit is minus the
 * margin for "not worse" and 0 for "better". A point estimate alone never promotes: with equal models it would promote
 * half of all retrains.
 *
 * Source: non-inferiority by one-sided bounds, `#domain/stats/comparison/non-inferiority.ts`.
 */
export const checkChampion = (report: EvaluationReport, gate: GateSpec): Check[] => {
  if (report.champion === null) return [];
  const comparison = report.comparisons.find((one) => one.slice === null && one.metric === report.primaryMetric);
  if (comparison === undefined) {
    return [checkOf('error', `${report.primaryMetric} was not compared with champion version ${report.champion.version}`)];
  }
  return [judge(comparison, gate.champion)];
};

const judge = (comparison: Comparison, policy: GateSpec['champion']): Check => {
  const interval = findEvidence(comparison, evidenceRoles.interval, 'interval');
  if (interval === undefined) return withoutInterval(comparison);
  if (interval.confidence !== policy.confidence) {
    return checkOf('error', `bounds must be at ${percent(policy.confidence)}: they are at ${percent(interval.confidence)}`);
  }
  const limit = policy.rule === 'better' ? 0 : -policy.margin;
  const position = locate(interval, limit);
  const outcome = position === 'above' ? 'pass' : position === 'below' ? 'fail' : 'inconclusive';
  const missing = position === 'undecided' ? rowsMissing(comparison) : '';
  return checkOf(
    outcome,
    `${gainSentence(comparison, interval)}, ${boundSentence(interval, limit, position)}${missing}`,
    boundInequalities(comparison, interval, limit),
    [interval.id],
  );
};

/** Where the bounds lie. NaN lies nowhere. */
export const locate = (interval: Interval, limit: number): Position => {
  if (interval.lower > limit) return 'above';
  return interval.upper < limit ? 'below' : 'undecided';
};

/** Too few rows to compare at all is inconclusive; no evidence of any kind is an error. */
const withoutInterval = (comparison: Comparison): Check => {
  const insufficient = comparison.evidence.find((one) => one.kind === 'insufficient');
  const about = `${comparison.metric} on ${sliceName(comparison.slice)}`;
  if (insufficient === undefined) return checkOf('error', `${about} has no bounds to compare`);
  return checkOf('inconclusive', `${about}: ${insufficient.reason}`, [], [insufficient.id]);
};

export const gainSentence = (comparison: Comparison, interval: Interval): string => {
  const value = (metric: number | null) => (metric === null ? 'nothing' : shortNumber(metric));
  const where = comparison.slice === null ? '' : ` on ${sliceName(comparison.slice)}`;
  return `${comparison.metric}${where} ${value(comparison.candidate)} against ${value(comparison.champion)} of the champion: gain ${shortNumber(interval.estimate)}`;
};

export const boundSentence = (interval: Interval, limit: number, position: Position): string => {
  const [lower, upper, right] = [interval.lower, interval.upper, limit].map(shortNumber);
  const confidence = percent(interval.confidence);
  if (position === 'above') return `lower ${confidence} bound ${lower} > ${right} on ${interval.rows} rows`;
  if (position === 'below') return `upper ${confidence} bound ${upper} < ${right} on ${interval.rows} rows`;
  return `lower ${confidence} bound ${lower} > ${right} does not hold, nor does upper bound ${upper} < ${right}, on ${interval.rows} rows`;
};

export const boundInequalities = (comparison: Comparison, interval: Interval, limit: number) => {
  const what = `${comparison.metric}, ${sliceName(comparison.slice)}, candidate minus champion`;
  const confidence = percent(interval.confidence);
  return [
    inequality(`${what}, lower ${confidence} bound`, interval.lower, '>', limit),
    inequality(`${what}, upper ${confidence} bound`, interval.upper, '<', limit),
  ];
};

const rowsMissing = (comparison: Comparison): string => {
  const needed = findEvidence(comparison, evidenceRoles.rowsToDecide, 'measurement');
  if (needed === undefined || needed.value <= comparison.rows) return '';
  return `; about ${needed.value - comparison.rows} more rows would decide it`;
};
