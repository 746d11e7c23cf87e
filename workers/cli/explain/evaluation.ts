/** What an evaluation found: the comparison with the champion, fairness between groups, calibration, and on what it rests. */
import {
  type Calibration,
  type Comparison,
  type EvaluationReport,
  evaluationReportSchema,
  type FairnessReport,
} from '#domain/contracts/evaluation-report.ts';
import { percent } from '#domain/decide/judgement.ts';
import type { RunKey } from '#domain/units.ts';
import type { Context } from '../context.ts';
import { paint } from '../output.ts';
import { formatCount, formatMany, formatNumber } from '../quantity.ts';
import { type Depth, evidenceLine } from './lines.ts';

/** The newest evaluation of a run; null where the run did not come so far. */
export const readEvaluation = async (context: Context, runKey: RunKey): Promise<EvaluationReport | null> => {
  const [newest] = await context.registry.evaluations(runKey);
  if (newest === undefined) return null;
  const stored = evaluationReportSchema.safeParse(await context.content.getJson(newest.sha256).catch(() => null));
  return stored.data ?? null;
};

const orNone = (value: number | null | undefined): string => (value == null ? 'none' : formatNumber(value));

const comparisonLines = (
  { metric, slice, rows, candidate, champion, clusters, evidence }: Comparison,
  depth: Depth,
): string[] => {
  const where = slice === null ? 'all rows' : `${slice.by} ${slice.value}`;
  const weight =
    clusters === null
      ? 'each row by itself'
      : `${formatMany(clusters.count, 'cluster')} by ${clusters.by}, worth ${formatNumber(clusters.effective)} of equal size`;
  return [
    `    ${metric}, ${where}: candidate ${orNone(candidate)}, champion ${orNone(champion)}; ${formatMany(rows, 'row')}, ${weight}`,
    ...(depth === 'all' ? evidence.map((one) => `      ${evidenceLine(one)}`) : []),
  ];
};

const groupLine = ({ value, rows, positives, isGated, candidate, champion }: FairnessReport['groups'][number]): string =>
  `      ${value}: ${formatMany(rows, 'row')}, ${formatCount(positives)} positive${isGated ? '' : ' (too few, only shown)'}; predicted positive ${percent(candidate.selectionRate)}, champion ${percent(champion.selectionRate)}; found of the positive ${candidate.truePositiveRate === null ? 'none' : percent(candidate.truePositiveRate)}, champion ${champion.truePositiveRate === null ? 'none' : percent(champion.truePositiveRate)}`;

const fairnessLines = ({ by, margin, groups, measures }: FairnessReport): string[] => [
  `    between groups of ${by}, a margin of ${formatNumber(margin)} is granted`,
  ...measures.flatMap(({ measure, candidate, champion, evidence }) => [
    `      ${measure}: candidate ${orNone(candidate)}, champion ${orNone(champion)}`,
    ...evidence.map((one) => `        ${evidenceLine(one)}`),
  ]),
  ...groups.map(groupLine),
];

const calibrationLine = (who: string, { expectedError, brier, observedOverExpected, spiegelhalter }: Calibration): string =>
  `    ${who}: probabilities are off by ${percent(expectedError)} on average (Brier ${formatNumber(brier)}), ${
    observedOverExpected === null ? 'no ratio' : `${formatNumber(observedOverExpected)} times as many positives as they say`
  }${spiegelhalter === null ? '' : `, p-value of being right ${formatNumber(spiegelhalter.pValue)}`}`;

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [paint('bold', `  ${title}`), ...lines];

const basis = ({ rows, holdoutUse, parity, latencyMsPerRow }: EvaluationReport): string[] => [
  `    ${formatMany(rows, 'row')} held out${holdoutUse === null ? '' : `; candidate ${holdoutUse.number} that is compared on them (${holdoutUse.holdout}), so ${percent(holdoutUse.confidence)} can be claimed`}`,
  `    trainer and served model differ by at most ${formatNumber(parity.largestDifference)} on ${formatMany(parity.rows, 'row')}: ${parity.holds ? 'within' : 'beyond'} ${formatNumber(parity.tolerance)}`,
  `    ${formatNumber(latencyMsPerRow)} ms for a row`,
];

const compared = ({ comparisons }: EvaluationReport, depth: Depth): string[] =>
  section(
    'compared with the champion',
    comparisons.filter(({ slice }) => depth === 'all' || slice === null).flatMap((one) => comparisonLines(one, depth)),
  );

/** In short the metrics on the whole hold-out; all of it with the evidence, slices, fairness, calibration and the basis. */
export const evaluationLines = (report: EvaluationReport, depth: Depth): string[] =>
  depth === 'all'
    ? [...compared(report, depth), ...detailLines(report)]
    : [...compared(report, depth), '    evidence, slices, fairness, calibration, and what it rests on: --all'];

const detailLines = (report: EvaluationReport): string[] => [
  ...section('fairness', report.fairness.flatMap(fairnessLines)),
  ...section(
    'calibration',
    report.calibration === null
      ? []
      : [
          calibrationLine('candidate', report.calibration.candidate),
          ...(report.calibration.champion === null ? [] : [calibrationLine('champion', report.calibration.champion)]),
        ],
  ),
  ...section('it rests on', basis(report)),
];
