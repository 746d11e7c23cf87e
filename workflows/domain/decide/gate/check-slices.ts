import type { Comparison, EvaluationReport } from '../../contracts/evaluation-report.ts';
import type { GateSpec } from '../../contracts/pipeline-spec/training.ts';
import { evidenceRoles, findEvidence, sliceName } from '../comparison-evidence.ts';
import type { GrantedLoss } from '../granted-loss.ts';
import { type Check, checkOf, percent, shortNumber } from '../judgement.ts';
import { isComparable } from './champion-rows.ts';
import { type Guarded, judgeGuarded, worstOf } from './guard.ts';
import { sliceMargin } from './margin.ts';

/**
 * Is no slice of the hold-out harmed? Slices with too few rows to compare are reported only; one that the pipeline asks
 * for and nobody compared is an error. The level is the pipeline's own, however often the hold-out was used: a slice can
 * only hold a candidate back, so spending less on it would let more through.
 */
export const checkSlices = (report: EvaluationReport, gate: GateSpec): Check[] => {
  if (report.champion === null || !isComparable(report)) return [];
  return [...missingSlices(report, gate), ...judgeGuarded(guardedSlices(report, gate), 1 - gate.champion.confidence)];
};

/** "the worst of 10 slices is origin=DFW: gain -0.014, upper 95% bound 0.02 >= -0.006"; null where none was compared. */
export const worstSliceSentence = (report: EvaluationReport, gate: GateSpec): string | null => {
  const slices = guardedSlices(report, gate);
  const worst = worstOf(slices);
  if (worst === undefined) return null;
  const { estimate, upper, confidence } = worst.interval;
  const operator = upper >= -worst.margin ? '>=' : '<';
  return `the worst of ${slices.length} slices is ${worst.name}: gain ${shortNumber(estimate)}, upper ${percent(confidence)} bound ${shortNumber(upper)} ${operator} ${shortNumber(-worst.margin)}${worst.marginWords}`;
};

const missingSlices = (report: EvaluationReport, gate: GateSpec): Check[] =>
  gate.slices
    .filter(({ by }) => !report.comparisons.some((comparison) => comparison.slice?.by === by))
    .map(({ by }) => checkOf('error', `slices by ${by} were asked for and not compared: slices compared 0 > 0 does not hold`));

const guardedSlices = (report: EvaluationReport, gate: GateSpec): Guarded[] =>
  report.comparisons.flatMap((comparison) => {
    const by = comparison.slice?.by;
    const interval = findEvidence(comparison, evidenceRoles.interval, 'interval');
    const harm = findEvidence(comparison, evidenceRoles.harm, 'p-value');
    if (by === undefined || interval === undefined || harm === undefined) return [];
    return [guard(comparison, interval, harm.pValue, sliceMargin(gate, by, comparison))];
  });

const guard = (comparison: Comparison, interval: Guarded['interval'], pHarm: number, margin: GrantedLoss): Guarded => {
  const wanted = findEvidence(comparison, evidenceRoles.rowsForPower, 'measurement');
  const { metric, slice, candidate, champion, clusters, rows } = comparison;
  const name = sliceName(slice);
  const isPowered = wanted !== undefined && rows >= wanted.value;
  return {
    name,
    what: `${metric} on ${name}`,
    candidate,
    champion,
    interval,
    margin: margin.value,
    marginWords: margin.words,
    pHarm,
    isPowered,
    clusters,
  };
};
