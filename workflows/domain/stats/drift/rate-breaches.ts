import type { QualityBreach } from '../../contracts/drift-report.ts';
import type { CellCounts, ProfiledFeature } from '../../contracts/reference-profile.ts';
import { shortNumber } from '../../decide/judgement.ts';
import { rowsCounted, rowsInCells } from '../summaries/cell-counts.ts';
import { clopperPearson } from '../two-sample/clopper-pearson.ts';
import { newcombeInterval, type Share } from '../two-sample/proportions.ts';
import { breachIf, breachLimits } from './breach-limits.ts';
import type { Counted, Watched } from './watched-variables.ts';

const { confidence } = breachLimits;

const lowerLimit = (share: Share): number => clopperPearson(share, confidence)?.lower ?? 0;
const told = ({ count, rows }: Share): string => `${count} of ${rows} rows`;

/**
 * A rate of rows that lack something has risen beyond doubt, or most rows now lack it.
 *
 * Source: Newcombe (1998), method 10, for the rise.
 */
export const riseBreaches = (
  check: 'missing rate' | 'labelled share',
  variable: string | null,
  reference: Share,
  current: Share,
): QualityBreach[] => {
  const lower = newcombeInterval(reference, current, confidence)?.lower;
  if (lower === undefined) return [];
  const rates = `missing in ${told(current)} against ${told(reference)}`;
  const risen = breachIf(check, variable, `${rates}: rise, lower 95% bound`, lower, '>', breachLimits.missingRise);
  if (risen.length > 0) return risen;
  const wasRare = reference.count <= breachLimits.missing * reference.rows;
  return wasRare && lower > 0
    ? breachIf(check, variable, `${rates}: rate`, current.count / current.rows, '>', breachLimits.missing)
    : [];
};

/** The missing rate of one variable. */
export const missingBreaches = ({ subject, counted }: Watched, reference: CellCounts): QualityBreach[] =>
  riseBreaches(
    'missing rate',
    subject.name,
    { count: reference.missing, rows: rowsCounted(reference) },
    { count: counted.counts.missing, rows: rowsCounted(counted.counts) },
  );

/** Values that are no numbers, or not of the type. Servers reject them; the counters prove that they came. */
export const unusableBreaches = ({ subject: { name }, counted: { counts } }: Watched): QualityBreach[] => {
  const all = rowsCounted(counts);
  const of = (check: 'non-finite values' | 'wrong type', rows: number): QualityBreach[] => {
    const many = breachIf(check, name, `rows with ${check}`, rows, '>', breachLimits.unusableRows);
    return many.length > 0 || rows === 0
      ? many
      : breachIf(check, name, `share of rows with ${check}`, rows / all, '>', breachLimits.unusable);
  };
  return [...of('non-finite values', counts.nonFinite), ...of('wrong type', counts.wrongType)];
};

/** Categories that the reference did not have: any where the vocabulary is closed, else more than 1 % beyond doubt. */
export const newCategoryBreaches = ({ variable, counted: { counts } }: Watched<ProfiledFeature>): QualityBreach[] => {
  if (variable.layout.kind !== 'categorical') return [];
  const share = { count: counts.cells.at(-1) as number, rows: rowsInCells(counts) };
  if (variable.closedVocabulary)
    return breachIf('new category', variable.name, 'rows with a value outside the closed vocabulary', share.count, '>', 0);
  const what = `values never seen in ${told(share)}: share, lower 95% bound`;
  return breachIf('new category', variable.name, what, lowerLimit(share), '>', breachLimits.newCategory);
};

/** Numbers beyond the hard limits, where any is one too many, or beyond the fences in more than 0.5 % beyond doubt. */
export const rangeBreaches = ({ variable, counted }: Watched<ProfiledFeature>): QualityBreach[] => {
  const hard = hardBreaches(variable, counted.moments);
  if (hard.length > 0 || variable.fences === null) return hard;
  const share = { count: counted.outside, rows: rowsInCells(counted.counts) };
  const fences = `${shortNumber(variable.fences.low)} to ${shortNumber(variable.fences.high)}`;
  const what = `values outside ${fences} in ${told(share)}: share, lower 95% bound`;
  return breachIf('out of range', variable.name, what, lowerLimit(share), '>', breachLimits.outOfRange);
};

const hardBreaches = ({ name, hardLimits: { min, max } }: ProfiledFeature, moments: Counted['moments']): QualityBreach[] => [
  ...(min === null || moments?.min == null ? [] : breachIf('out of range', name, 'lowest value', moments.min, '<', min)),
  ...(max === null || moments?.max == null ? [] : breachIf('out of range', name, 'highest value', moments.max, '>', max)),
];
