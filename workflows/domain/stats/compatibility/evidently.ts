import {
  chiSquareOfGivenShares,
  evidentlyCells,
  jensenShannonInNats,
  ksPValueOfScipy,
  normedWasserstein,
  zTestPValue,
} from './evidently-tests.ts';
import { countByValue, type Value } from './value-counts.ts';

/** Both samples of one column. NaN, infinite numbers and null are left out, as missing. */
export type EvidentlyColumn =
  | { readonly kind: 'numeric'; readonly reference: readonly number[]; readonly current: readonly number[] }
  | {
      readonly kind: 'categorical';
      readonly reference: readonly (Value | null)[];
      readonly current: readonly (Value | null)[];
    };

export type EvidentlyTest = 'ks' | 'chi-square' | 'z' | 'wasserstein' | 'jensen-shannon';

export type EvidentlyResult = {
  readonly test: EvidentlyTest;
  /** What the score is: a small p-value means drift, a large distance does. Evidently calls both a score. */
  readonly scoreIs: 'p-value' | 'distance';
  readonly score: number;
  readonly threshold: number;
  readonly isDrift: boolean;
};

/** Up to so many reference rows a column is tested; with more, its distance is measured. */
const mostRowsTested = 1000;
/** Up to so many distinct values, in both samples together, numbers are taken as categories. */
const mostValuesAsCategories = 5;
const level = 0.05;
const distanceThreshold = 0.1;

/**
 * What Evidently says of one column by its defaults: for comparison with our own judgement, never in place of it. There is
 * no correction for many columns and no account of how many rows there are beyond the choice of the test.
 *
 * Up to 1000 reference rows: KS for numbers with more than 5 distinct values; otherwise z with up to 2 values, chi-square
 * with more. Beyond: normed Wasserstein for numbers with more than 5 values, otherwise Jensen-Shannon. Null where a side
 * has no usable value, which Evidently refuses.
 *
 * Source: behaviour of Evidently 0.7.23 (`ValueDrift` without arguments).
 * Agrees with: test/golden/evidently.json, 1e-9.
 */
export const evidentlyColumn = (column: EvidentlyColumn): EvidentlyResult | null => {
  const reference = usable(column.reference);
  const current = usable(column.current);
  if (reference.length === 0 || current.length === 0) return null;
  return judge(testOf(column.kind, reference, current), column.kind, reference, current);
};

const usable = (values: readonly (Value | null)[]): Value[] => values.filter(isUsable);
const isUsable = (value: Value | null): value is Value => value !== null && (typeof value !== 'number' || Number.isFinite(value));

const testOf = (kind: EvidentlyColumn['kind'], reference: readonly Value[], current: readonly Value[]): EvidentlyTest => {
  const values = new Set([...reference, ...current]).size;
  const isNumeric = kind === 'numeric' && values > mostValuesAsCategories;
  if (reference.length > mostRowsTested) return isNumeric ? 'wasserstein' : 'jensen-shannon';
  if (isNumeric) return 'ks';
  return values > 2 ? 'chi-square' : 'z';
};

const judge = (
  test: EvidentlyTest,
  kind: EvidentlyColumn['kind'],
  reference: readonly Value[],
  current: readonly Value[],
): EvidentlyResult => {
  const numbers = [reference as readonly number[], current as readonly number[]] as const;
  switch (test) {
    case 'ks':
      return pValue(test, ksPValueOfScipy(...numbers), (score) => score <= level);
    case 'chi-square':
      return pValue(test, chiSquareOfGivenShares(countByValue(reference, current)).pValue, (score) => score < level);
    case 'z':
      return pValue(test, zTestPValue(countByValue(reference, current)), (score) => score < level);
    case 'wasserstein':
      return distance(test, normedWasserstein(...numbers));
    case 'jensen-shannon':
      return distance(test, jensenShannonInNats(evidentlyCells(kind, reference, current)));
  }
};

const pValue = (test: EvidentlyTest, score: number, isDrift: (score: number) => boolean): EvidentlyResult => ({
  test,
  scoreIs: 'p-value',
  score,
  threshold: level,
  isDrift: isDrift(score),
});

const distance = (test: EvidentlyTest, score: number): EvidentlyResult => ({
  test,
  scoreIs: 'distance',
  score,
  threshold: distanceThreshold,
  isDrift: score >= distanceThreshold,
});

/**
 * What Evidently says of a whole data set: drift if at least half of the columns drift. So 9 of 20 features may be
 * destroyed in silence. Null without columns.
 *
 * Source: behaviour of Evidently 0.7.23 (`DataDriftPreset` without arguments).
 * Agrees with: test/golden/evidently.json, exactly.
 * @example evidentlyDataSet([{ isDrift: true }, { isDrift: false }, { isDrift: false }]).share // 0.3333333333333333
 */
export const evidentlyDataSet = (
  columns: readonly Pick<EvidentlyResult, 'isDrift'>[],
  threshold = 0.5,
): { drifted: number; share: number; isDrift: boolean } | null => {
  if (columns.length === 0) return null;
  const drifted = columns.filter((column) => column.isDrift).length;
  const share = drifted / columns.length;
  return { drifted, share, isDrift: share >= threshold };
};
