import type { Comparison, EvaluationReport } from '../../contracts/evaluation-report.ts';
import type { GateSpec } from '../../contracts/pipeline-spec/training.ts';
import type { VerdictOutcome } from '../../contracts/verdict.ts';
import { evidenceRoles, findEvidence, sliceName } from '../comparison-evidence.ts';
import type { GrantedLoss } from '../granted-loss.ts';
import { type Check, checkOf, inequality, percent, sentenceOf } from '../judgement.ts';
import { boundInequalities, boundSentence, gainSentence, type Interval, locate, missingSentence } from './bounds.ts';
import { checkChampionRows, onWhichRows, withLearned } from './champion-rows.ts';
import { championMargin } from './margin.ts';

/**
 * May the candidate replace the champion?
 *
 * With the gain (candidate minus champion, more being better), "not worse" passes where its lower bound lies above minus
 * the margin: the candidate is fresher, and shown to lose less than that is worth. "better" passes where the one-sided
 * test of "not better" is below 1 - confidence; for accuracy on independent rows that is McNemar's exact test. Either
 * fails where the upper bound lies below its limit, and is inconclusive between, saying how many rows are missing. A
 * point estimate alone never promotes: with equal models it would promote half of all retrains.
 *
 * The bounds must be at the confidence that this use of the hold-out may still claim, never at less than the pipeline
 * asks for. Rows that the champion learned from are not compared. Without a champion there is nothing to compare with, and the sentence says so.
 *
 * Source: non-inferiority by one-sided bounds, `#domain/stats/comparison/non-inferiority.ts`; repeated use of one
 * hold-out, `alpha-spending.ts` there.
 */
export const checkChampion = (report: EvaluationReport, gate: GateSpec): Check[] => {
  if (report.champion === null) return [checkOf('pass', 'no champion serves yet, so there is nothing to compare with')];
  const untold = checkChampionRows(report);
  if (untold !== null) return [untold];
  const comparison = report.comparisons.find((one) => one.slice === null && one.metric === report.primaryMetric);
  if (comparison === undefined) {
    return [checkOf('error', `${report.primaryMetric} was not compared with champion version ${report.champion.version}`)];
  }
  return [judge(report, comparison, gate)];
};

const judge = (report: EvaluationReport, comparison: Comparison, gate: GateSpec): Check => {
  const policy = gate.champion;
  const interval = findEvidence(comparison, evidenceRoles.interval, 'interval');
  if (interval === undefined) return withoutInterval(report, comparison);
  const confidence = Math.max(policy.confidence, report.holdoutUse?.confidence ?? 0);
  if (interval.confidence !== confidence) {
    return checkOf('error', `bounds must be at ${percent(confidence)}: they are at ${percent(interval.confidence)}`);
  }
  const found =
    policy.rule === 'better'
      ? askBetter(comparison, interval)
      : askNotWorse(comparison, interval, championMargin(gate, comparison));
  return { ...found, sentence: `${found.sentence}${useSentence(report, policy)}${onWhichRows(report)}` };
};

const subjectOf = ({ metric, candidate, champion }: Comparison) => ({ what: metric, candidate, champion });
const longName = ({ metric, slice }: Comparison): string => `${metric}, ${sliceName(slice)}`;

const askNotWorse = (comparison: Comparison, interval: Interval, { value: margin, words }: GrantedLoss): Check => {
  const position = locate(interval, -margin);
  const outcome: VerdictOutcome = position === 'above' ? 'pass' : position === 'below' ? 'fail' : 'inconclusive';
  const sentence = `${gainSentence(subjectOf(comparison), interval)}, ${boundSentence(interval, -margin, comparison.clusters, words)}`;
  return checkOf(
    outcome,
    `${sentence}${position === 'undecided' ? rowsMissing(comparison) : ''}`,
    boundInequalities(longName(comparison), interval, -margin),
    [interval.id],
  );
};

const askBetter = (comparison: Comparison, interval: Interval): Check => {
  const test = findEvidence(comparison, evidenceRoles.better, 'p-value');
  if (test === undefined) return checkOf('error', `${comparison.metric} has no test of "better" to compare`);
  const level = Number((1 - interval.confidence).toPrecision(12));
  const won = inequality(`p of "not better" (${test.test})`, test.pValue, '<', level);
  const isWorse = !won.holds && locate(interval, 0) === 'below';
  const evidence = isWorse ? boundSentence(interval, 0, comparison.clusters) : sentenceOf(won);
  const outcome: VerdictOutcome = won.holds ? 'pass' : isWorse ? 'fail' : 'inconclusive';
  return checkOf(
    outcome,
    `${gainSentence(subjectOf(comparison), interval)}, ${evidence}${outcome === 'inconclusive' ? rowsMissing(comparison) : ''}`,
    [won, ...boundInequalities(longName(comparison), interval, 0)],
    [test.id, interval.id],
  );
};

/** Too few rows to compare at all is inconclusive; no evidence of any kind is an error. */
const withoutInterval = (report: EvaluationReport, comparison: Comparison): Check => {
  const insufficient = comparison.evidence.find((one) => one.kind === 'insufficient');
  const about = `${comparison.metric} on ${sliceName(comparison.slice)}`;
  if (insufficient === undefined) return checkOf('error', `${about} has no bounds to compare`);
  return checkOf('inconclusive', withLearned(report, `${about}: ${insufficient.reason}`), [], [insufficient.id]);
};

const rowsMissing = (comparison: Comparison): string => {
  const needed = findEvidence(comparison, evidenceRoles.rowsToDecide, 'measurement');
  return missingSentence(needed?.value, comparison.rows, comparison.clusters);
};

/** Nothing where the bounds are at the confidence that the pipeline asks for, which is what a reader expects. */
const useSentence = ({ holdoutUse }: EvaluationReport, { confidence }: GateSpec['champion']): string =>
  holdoutUse === null || holdoutUse.confidence <= confidence
    ? ''
    : ` (candidate ${holdoutUse.number} on this hold-out, ${holdoutUse.holdout}, so it must be ${percent(holdoutUse.confidence)} sure)`;
