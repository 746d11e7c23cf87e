import type { Evidence } from '../../contracts/evidence.ts';
import type { ProfiledVariable, QuietHistory } from '../../contracts/reference-profile.ts';
import { hellingerDistance } from '../distances/hellinger.ts';
import { largestDifference } from '../distances/largest-difference.ts';
import { totalVariation } from '../distances/total-variation.ts';
import { conformalPValue } from '../multiple/conformal.ts';
import type { CellComparison, CellStatistics } from './cell-statistics.ts';
import { type ComparedCounts, wassersteinInUnits } from './wasserstein-units.ts';

/** Which variable is spoken of; the first part of its evidence's ids, such as "feature/age". */
export type Subject = { readonly role: 'feature' | 'score' | 'predicted class'; readonly name: string };

/** Id of one piece of evidence, such as "feature/age/jensen-shannon". */
export const driftEvidenceId = ({ role, name }: Subject, measure: string): string => `${role}/${name}/${measure}`;

const measureNames = {
  psi: 'population stability index, half a row added to each occupied cell',
  'jensen-shannon': 'Jensen-Shannon distance, base 2',
  'kolmogorov-smirnov': 'Kolmogorov-Smirnov distance at the edges of the cells',
  'total-variation': 'total variation distance',
  hellinger: 'Hellinger distance',
  'largest-difference': 'largest difference of shares of a cell',
  'wasserstein/deviation': 'Wasserstein-1 distance over the standard deviation of the reference',
  'wasserstein/quartiles': 'Wasserstein-1 distance over the interquartile range of the reference',
} as const;
type Measure = keyof typeof measureNames;

/** All distances of one comparison, as evidence: none of them alone is a reason to alarm. */
export const distanceEvidence = (
  subject: Subject,
  variable: ProfiledVariable,
  { occupied, statistics }: CellComparison,
  compared: ComparedCounts,
): Evidence[] => {
  const { reference, current, currentRows } = occupied;
  const wasserstein = wassersteinInUnits(variable, compared);
  const distances: readonly (readonly [Measure, number | null | undefined])[] = [
    ['psi', statistics.psi],
    ['jensen-shannon', statistics['jensen-shannon']],
    ['total-variation', totalVariation(reference, current)],
    ['hellinger', hellingerDistance(reference, current)],
    ['largest-difference', largestDifference(reference, current)],
    ['kolmogorov-smirnov', statistics['kolmogorov-smirnov']],
    ['wasserstein/deviation', wasserstein?.byDeviation],
    ['wasserstein/quartiles', wasserstein?.byQuartiles],
  ];
  return distances.flatMap(([measure, distance]): Evidence[] => {
    if (distance === null || distance === undefined) return [];
    const id = driftEvidenceId(subject, measure);
    return [{ id, what: subject.name, kind: 'distance', distance, measure: measureNames[measure], rows: currentRows }];
  });
};

/** Measures whose rank among quiet windows is told. */
const ranked = ['psi', 'jensen-shannon', 'wasserstein', 'kolmogorov-smirnov', 'chi-square', 'missing-rate'] as const;

/** Where each statistic lies among those of quiet windows. */
export const rankEvidence = (subject: Subject, statistics: CellStatistics, quiet: QuietHistory, rows: number): Evidence[] =>
  ranked.flatMap((measure): Evidence[] => {
    const [past, statistic] = [quiet.statistics[measure], statistics[measure]];
    if (past === undefined || statistic === undefined) return [];
    const id = driftEvidenceId(subject, `${measure}/quiet windows`);
    const test = `rank of ${measure} among ${past.length} quiet windows`;
    return [{ id, what: subject.name, kind: 'p-value', pValue: conformalPValue(past, statistic), test, rows }];
  });

export const chiSquareEvidence = (subject: Subject, pValue: number, designEffect: number, rows: number): Evidence => ({
  id: driftEvidenceId(subject, 'chi-square'),
  what: subject.name,
  kind: 'p-value',
  pValue,
  test: `chi-square test of homogeneity over a design effect of ${Number(designEffect.toPrecision(6))}`,
  rows,
});

export const insufficientEvidence = (subject: Subject, reason: string, rows: number): Evidence => ({
  id: driftEvidenceId(subject, 'insufficient'),
  what: subject.name,
  kind: 'insufficient',
  reason,
  rows,
});
