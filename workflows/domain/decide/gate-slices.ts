import type { Comparison, EvaluationReport } from '../contracts/evaluation-report.ts';
import type { GateSpec } from '../contracts/pipeline-spec/training.ts';
import { evidenceRoles, findEvidence, sliceName } from './comparison-evidence.ts';
import { boundInequalities, boundSentence, gainSentence, type Interval, locate } from './gate-champion.ts';
import { type Check, checkOf, shortNumber } from './judgement.ts';

type Slice = {
  readonly comparison: Comparison;
  readonly interval: Interval;
  readonly margin: number;
  readonly pHarm: number;
  /** Enough rows to show, four times out of five, that an equal candidate is not worse. */
  readonly powered: boolean;
};

/**
 * Is no slice of the hold-out harmed?
 *
 * A slice fails where harm beyond its margin is shown: one-sided p-values, corrected over all slices by Holm's method, so
 * that ten slices do not raise ten times the false alarms. A slice with enough rows must also be shown not to be worse,
 * else the verdict is inconclusive. Smaller slices, and those with too few rows to compare, are guarded or reported only.
 * A slice that the pipeline asks for and nobody compared is an error.
 *
 * Source: Holm, Scandinavian Journal of Statistics 6 (1979).
 */
export const checkSlices = (report: EvaluationReport, gate: GateSpec): Check[] => {
  if (report.champion === null) return [];
  return [...missingSlices(report, gate), ...judgeSlices(comparableSlices(report, gate), 1 - gate.champion.confidence)];
};

const missingSlices = (report: EvaluationReport, gate: GateSpec): Check[] =>
  gate.slices
    .filter(({ by }) => !report.comparisons.some((comparison) => comparison.slice?.by === by))
    .map(({ by }) => checkOf('error', `slices by ${by} were asked for and not compared: slices compared 0 > 0 does not hold`));

const comparableSlices = (report: EvaluationReport, gate: GateSpec): Slice[] =>
  report.comparisons.flatMap((comparison) => {
    const margin = gate.slices.find(({ by }) => by === comparison.slice?.by)?.margin;
    const interval = findEvidence(comparison, evidenceRoles.interval, 'interval');
    const harm = findEvidence(comparison, evidenceRoles.harm, 'p-value');
    if (margin === undefined || interval === undefined || harm === undefined) return [];
    const wanted = findEvidence(comparison, evidenceRoles.rowsForPower, 'measurement');
    const powered = wanted !== undefined && comparison.rows >= wanted.value;
    return [{ comparison, interval, margin, pHarm: harm.pValue, powered }];
  });

const judgeSlices = (slices: readonly Slice[], level: number): Check[] => {
  if (slices.length === 0) return [];
  const harmed = rejectByHolm(slices, level);
  if (harmed.length > 0) return harmed.map((slice) => sliceCheck('fail', slice));
  const unproven = slices.filter((slice) => slice.powered && locate(slice.interval, -slice.margin) !== 'above');
  if (unproven.length > 0) return unproven.map((slice) => sliceCheck('inconclusive', slice));
  const worst = slices.reduce((least, slice) => (slice.interval.estimate < least.interval.estimate ? slice : least));
  return [passing(slices, worst)];
};

/** Slices whose p-value of harm stays below level / m, level / (m - 1), ... from the smallest up. */
const rejectByHolm = (slices: readonly Slice[], level: number): Slice[] => {
  const ascending = [...slices].sort((left, right) => left.pHarm - right.pHarm);
  const firstKept = ascending.findIndex((slice, index) => !(slice.pHarm <= level / (ascending.length - index)));
  return firstKept < 0 ? ascending : ascending.slice(0, firstKept);
};

const sliceCheck = (outcome: 'fail' | 'inconclusive', { comparison, interval, margin, pHarm }: Slice): Check => {
  const harm = outcome === 'fail' ? ` (p of harm ${shortNumber(pHarm)} after Holm's correction)` : '';
  return checkOf(
    outcome,
    `${gainSentence(comparison, interval)}, ${boundSentence(interval, -margin, locate(interval, -margin))}${harm}`,
    boundInequalities(comparison, interval, -margin),
    [interval.id],
  );
};

const passing = (slices: readonly Slice[], worst: Slice): Check =>
  checkOf(
    'pass',
    `no harm in ${slices.length} slices, the worst being ${sliceName(worst.comparison.slice)} with gain ${shortNumber(worst.interval.estimate)}, upper bound ${shortNumber(worst.interval.upper)} >= ${shortNumber(-worst.margin)}`,
    slices.flatMap(({ comparison, interval, margin }) => boundInequalities(comparison, interval, -margin)),
    slices.map(({ interval }) => interval.id),
  );
