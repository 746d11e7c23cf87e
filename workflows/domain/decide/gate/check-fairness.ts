import type { EvaluationReport, FairnessReport } from '../../contracts/evaluation-report.ts';
import type { GateSpec } from '../../contracts/pipeline-spec/training.ts';
import { evidenceId, evidenceRoles, fairnessName, findById } from '../comparison-evidence.ts';
import { type Check, checkOf, inequality } from '../judgement.ts';
import { isComparable } from './champion-rows.ts';
import { type Guarded, judgeGuarded } from './guard.ts';

/** Below it, a selection is usually asked to justify itself: a line of the report, never a gate. */
const fourFifths = 0.8;

/**
 * Are groups treated no less alike than by the champion? Each gap may be wider by its margin; it is guarded like a slice.
 * Groups of fewer than 100 rows are reported only. A column that the pipeline asks for and nobody compared is an error.
 *
 * Source: equal opportunity: Hardt, Price and Srebro, NeurIPS 2016; the four-fifths rule: Uniform Guidelines on Employee
 * Selection Procedures, 29 CFR 1607.4 D (1978).
 */
export const checkFairness = (report: EvaluationReport, gate: GateSpec): Check[] => {
  if (report.champion === null || !isComparable(report)) return [];
  const missing = gate.fairness
    .filter(({ by }) => !report.fairness.some((one) => one.by === by))
    .map(({ by }) => checkOf('error', `fairness by ${by} was asked for and not compared: columns compared 0 > 0 does not hold`));
  return [
    ...missing,
    ...judgeGuarded(guardedGaps(report, gate), 1 - gate.champion.confidence),
    ...report.fairness.flatMap(reportFourFifths),
  ];
};

const guardedGaps = (report: EvaluationReport, gate: GateSpec): Guarded[] =>
  report.fairness.flatMap(({ by, measures, groups }) => {
    const margin = gate.fairness.find((asked) => asked.by === by)?.margin;
    if (margin === undefined) return [];
    const rows = groups.reduce((sum, group) => sum + (group.isGated ? group.rows : 0), 0);
    return measures.flatMap((measure) => guardOf(by, measure, margin, rows));
  });

const guardOf = (by: string, found: FairnessReport['measures'][number], margin: number, rows: number): Guarded[] => {
  const { measure, candidate, champion, evidence } = found;
  const name = fairnessName(measure, by);
  const interval = findById(evidence, evidenceId(name, evidenceRoles.interval), 'interval');
  const harm = findById(evidence, evidenceId(name, evidenceRoles.harm), 'p-value');
  if (interval === undefined || harm === undefined) return [];
  const wanted = findById(evidence, evidenceId(name, evidenceRoles.rowsForPower), 'measurement');
  const isPowered = wanted !== undefined && rows >= wanted.value;
  const what = `${measure} by ${by}`;
  return [{ name, what, candidate, champion, interval, margin, marginWords: '', pHarm: harm.pValue, isPowered, clusters: null }];
};

const reportFourFifths = ({ by, measures }: FairnessReport): Check[] =>
  measures.flatMap(({ measure, candidate }) => {
    if (measure !== 'selection rate ratio' || candidate === null) return [];
    return [checkOf('pass', '', [inequality(`${measure} by ${by}, reported only`, candidate, '>=', fourFifths)])];
  });
