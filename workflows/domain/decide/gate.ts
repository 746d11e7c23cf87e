import type { EvaluationReport } from '../contracts/evaluation-report.ts';
import type { GateSpec, MetricName } from '../contracts/pipeline-spec/training.ts';
import type { Verdict, VerdictOutcome } from '../contracts/verdict.ts';
import { checkCalibration } from './gate/check-calibration.ts';
import { checkChampion } from './gate/check-champion.ts';
import { checkFairness } from './gate/check-fairness.ts';
import { checkSlices, worstSliceSentence } from './gate/check-slices.ts';
import { type Check, checkOf, inequality, sentenceOf } from './judgement.ts';

/**
 * May this candidate replace the champion? Compares what was measured with what the pipeline asks; computes nothing.
 *
 * Asks in this order: are the served answers those of the trainer; is the candidate not worse than the champion (or
 * better, where the pipeline says so); do the metrics keep their absolute limits; is no slice harmed; are the
 * probabilities calibrated, where that is asked; are groups treated no less alike. All are asked and all inequalities
 * recorded; the worst outcome is the verdict: error, then fail, then inconclusive, then pass. What is missing is an
 * error, never a pass. Without a champion only parity and limits count. The worst slice is always named. Does not throw.
 */
export const decideGate = (report: EvaluationReport, gate: GateSpec): Verdict =>
  combine(
    [
      checkParity(report),
      checkMetric(report, gate),
      ...checkChampion(report, gate),
      ...checkLimits(report, gate.minimum, '>='),
      ...checkLimits(report, gate.maximum, '<='),
      ...checkSlices(report, gate),
      ...checkCalibration(report, gate),
      ...checkFairness(report, gate),
    ],
    worstSliceSentence(report, gate),
  );

/** A model that answers otherwise in the server than in its trainer is not the model that was trained. */
const checkParity = ({ parity }: EvaluationReport): Check => {
  if (parity.rows === 0) return checkOf('error', 'no row of the trainer could be compared: rows compared 0 > 0 does not hold');
  const what = "largest difference of served from trainer's answers";
  const found = inequality(what, parity.largestDifference, '<=', parity.tolerance);
  if (parity.holds && found.holds) return checkOf('pass', sentenceOf(found), [found]);
  const { worst } = parity;
  const place = worst === null ? '' : ` (row ${worst.row}, output ${worst.output}: ${worst.served} for ${worst.trainer})`;
  return checkOf('fail', `${sentenceOf({ ...found, holds: false })}${place}`, [found]);
};

const checkMetric = (report: EvaluationReport, gate: GateSpec): Check => {
  const asked = gate.metric ?? report.primaryMetric;
  if (asked !== report.primaryMetric)
    return checkOf('error', `${asked} must be the metric compared: it is ${report.primaryMetric}`);
  if (report.candidate[asked] === undefined)
    return checkOf('error', `${asked} of the candidate is missing on ${report.rows} rows`);
  return checkOf('pass', '');
};

const checkLimits = (
  report: EvaluationReport,
  limits: Readonly<Partial<Record<MetricName, number>>>,
  operator: '>=' | '<=',
): Check[] =>
  (Object.entries(limits) as [MetricName, number][]).map(([name, limit]) => {
    const value = report.candidate[name];
    if (value === undefined)
      return checkOf('error', `${name} of the candidate is missing: ${name} ${operator} ${limit} cannot be compared`);
    const found = inequality(name, value, operator, limit);
    return checkOf(found.holds ? 'pass' : 'fail', sentenceOf(found), [found]);
  });

const severity: readonly VerdictOutcome[] = ['error', 'fail', 'inconclusive', 'pass'];
/** Sentences in a reason; the record has all inequalities. */
const sentencesShown = 3;

const combine = (checks: readonly Check[], always: string | null): Verdict => {
  const outcome = severity.find((one) => checks.some((check) => check.outcome === one)) ?? 'error';
  const [first, ...others] = checks.filter((check) => check.outcome === outcome && check.sentence !== '');
  // Parity, the first, is worth a sentence only where there is no other.
  const told = outcome === 'pass' && others.length > 0 ? others : [first, ...others];
  const sentences = told.flatMap((check) => (check === undefined ? [] : [check.sentence]));
  const more = sentences.length > sentencesShown ? `; and ${sentences.length - sentencesShown} more` : '';
  return {
    outcome,
    reason: `${sentences.slice(0, sentencesShown).join('; ')}${more}${always === null ? '' : `; ${always}`}`,
    inequalities: checks.flatMap((check) => check.inequalities),
    evidenceIds: checks.flatMap((check) => check.evidenceIds),
  };
};
