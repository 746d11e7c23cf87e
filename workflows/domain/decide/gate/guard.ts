import type { Comparison } from '../../contracts/evaluation-report.ts';
import { type Check, checkOf, shortNumber } from '../judgement.ts';
import { boundInequalities, boundSentence, type Compared, gainSentence, type Interval, locate } from './bounds.ts';

/** Something that a candidate must not make worse by more than a margin, beside the metric that it is chosen by. */
export type Guarded = Compared & {
  /** Short, such as "origin=ORD". */
  readonly name: string;
  readonly interval: Interval;
  readonly margin: number;
  /** Where the margin comes from, such as " (4% of 23163.2)"; empty where it was said as it is. */
  readonly marginWords: string;
  readonly pHarm: number;
  /** Enough rows to show that an equal candidate is not worse, in four out of five cases for all that is guarded at once. */
  readonly isPowered: boolean;
  readonly clusters: Comparison['clusters'];
};

/**
 * Fails what is shown to be harmed beyond its margin: one-sided p-values, corrected over all by Holm's method, so that ten
 * slices do not raise ten times the false alarms. What has enough rows must also be shown not to be worse, else it is
 * inconclusive. The rest passes. Nothing guarded, nothing said.
 *
 * Source: Holm, Scandinavian Journal of Statistics 6 (1979).
 */
export const judgeGuarded = (guarded: readonly Guarded[], level: number): Check[] => {
  const harmed = rejectByHolm(guarded, level);
  if (harmed.length > 0) return harmed.map((one) => checkOfGuarded('fail', one));
  const unproven = guarded.filter((one) => one.isPowered && locate(one.interval, -one.margin) !== 'above');
  if (unproven.length > 0) return unproven.map((one) => checkOfGuarded('inconclusive', one));
  return guarded.map((one) => ({ ...checkOfGuarded('pass', one), sentence: '' }));
};

/** The one that lost most; undefined of nothing. */
export const worstOf = (guarded: readonly Guarded[]): Guarded | undefined =>
  guarded.reduce<Guarded | undefined>(
    (least, one) => (least === undefined || one.interval.estimate < least.interval.estimate ? one : least),
    undefined,
  );

/** Those whose p-value of harm stays below level / m, level / (m - 1), ... from the smallest up. */
const rejectByHolm = (guarded: readonly Guarded[], level: number): Guarded[] => {
  const ascending = [...guarded].sort((left, right) => left.pHarm - right.pHarm);
  const firstKept = ascending.findIndex((one, index) => !(one.pHarm <= level / (ascending.length - index)));
  return firstKept < 0 ? ascending : ascending.slice(0, firstKept);
};

const checkOfGuarded = (outcome: 'pass' | 'fail' | 'inconclusive', one: Guarded): Check => {
  const harm = outcome === 'fail' ? ` (p of harm ${shortNumber(one.pHarm)} after Holm's correction)` : '';
  return checkOf(
    outcome,
    `${gainSentence(one, one.interval)}, ${boundSentence(one.interval, -one.margin, one.clusters, one.marginWords)}${harm}`,
    boundInequalities(one.what, one.interval, -one.margin),
    [one.interval.id],
  );
};
