import { jensenShannonDistance } from '../distances/jensen-shannon.ts';
import { sortedSample } from '../distances/sorted-sample.ts';
import { spreadOf } from '../distances/spread.ts';
import { wassersteinOfSorted } from '../distances/wasserstein.ts';
import type { Numbers } from '../ranks.ts';
import { chiSquareUpperTail } from '../special/incomplete-gamma.ts';
import { largestGap } from '../two-sample/kolmogorov-smirnov.ts';
import { kolmogorovSmirnovExact } from '../two-sample/kolmogorov-smirnov-exact.ts';
import { twoProportionTest } from '../two-sample/proportions.ts';
import { oneSampleKolmogorov } from './one-sample-kolmogorov.ts';
import { type CountedPair, countBySturges, countByValue, type Value } from './value-counts.ts';

/*
 * The tests that Evidently chooses among, each as it computes them. Ours are elsewhere: these are for comparison. All take
 * samples of at least one row each.
 */

/** SciPy counts paths up to so many rows in the larger sample. */
const mostRowsExact = 10_000;

/**
 * P-value of Kolmogorov and Smirnov: exact up to 10,000 rows, beyond by the one-sample distribution at n m / (n + m) rows.
 *
 * Source: `scipy.stats.ks_2samp` by default. Agrees with: test/golden/evidently.json, 1e-9 (1e-5 beyond 10,000 rows, where
 * SciPy approximates that distribution).
 * @example ksPValueOfScipy([1, 2, 3], [4, 5, 6]) // 0.1
 */
export const ksPValueOfScipy = (reference: Numbers, current: Numbers): number => {
  const steps = largestGap(sortedSample(reference), sortedSample(current));
  const n = reference.length;
  const m = current.length;
  if (Math.max(n, m) <= mostRowsExact) return kolmogorovSmirnovExact(steps, n, m);
  return oneSampleKolmogorov(steps / n / m, roundHalfToEven((n * m) / (n + m)));
};

/** A half goes to the even neighbour, as NumPy rounds. */
const roundHalfToEven = (value: number): number => {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
};

/**
 * P-value of chi-square with the shares of the reference taken as known exactly. They are not: with two samples of equal
 * size it fires in 22 % (3 values) to 49 % (10 values) of cases where nothing has changed. A value that the reference has
 * not seen gives 0. One value gives 1.
 *
 * Source: Pearson's test of given shares. Agrees with: test/golden/vectors.json "chi2", 1e-9; test/golden/evidently.json, 1e-9.
 * @example chiSquareOfGivenShares({ reference: [100, 200, 300, 250, 150], current: [80, 150, 300, 280, 190] }).statistic // 30.7666666666...
 */
export const chiSquareOfGivenShares = ({ reference, current }: CountedPair): { statistic: number; pValue: number } => {
  const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
  const scale = total(current) / total(reference);
  const statistic = reference.reduce((sum, count, cell) => {
    const expected = count * scale;
    const observed = current[cell] as number;
    return observed === expected ? sum : sum + (observed - expected) ** 2 / expected;
  }, 0);
  const degreesOfFreedom = reference.length - 1;
  return { statistic, pValue: degreesOfFreedom === 0 ? 1 : chiSquareUpperTail(statistic, degreesOfFreedom) };
};

/**
 * P-value of a pooled z-test of two values: the share of one of them. One value alone gives 1.
 *
 * Source: definition. Agrees with: test/golden/evidently.json, 1e-9 (1e-15 absolute: there the tail is one less the rest).
 * @example zTestPValue({ reference: [982, 18], current: [1163, 37] }) // 0.0548884971...
 */
export const zTestPValue = ({ reference, current }: CountedPair): number => {
  const shareOf = ([first = 0, second = 0]: readonly number[]) => ({ count: second, rows: first + second });
  return twoProportionTest(shareOf(reference), shareOf(current))?.pValue ?? 1;
};

/**
 * Wasserstein-1 distance over the standard deviation of the reference, which counts as 0.001 where it is less, whatever
 * the unit: a feature of small numbers never drifts.
 *
 * Source: definition. Agrees with: test/golden/evidently.json, 1e-9.
 * @example normedWasserstein([1, 2, 3], [2, 3, 4]) // 1.2247448713915892
 */
export const normedWasserstein = (reference: Numbers, current: Numbers): number => {
  const distance = wassersteinOfSorted(sortedSample(reference), sortedSample(current)) ?? 0;
  return distance / Math.max(spreadOf(reference)?.standardDeviation ?? 0, 0.001);
};

/** More distinct values of the reference than this, and numbers are put into cells of equal width. */
const mostValuesCounted = 20;

/** Cells for a distance by shares: values one by one if they are few or no numbers, otherwise by Sturges' rule. */
export const evidentlyCells = (
  kind: 'numeric' | 'categorical',
  reference: readonly Value[],
  current: readonly Value[],
): CountedPair =>
  kind === 'numeric' && new Set(reference).size > mostValuesCounted
    ? countBySturges(reference as readonly number[], current as readonly number[])
    : countByValue(reference, current);

/**
 * Jensen-Shannon distance in nats, at most 0.8326.
 *
 * Source: `scipy.spatial.distance.jensenshannon` with its default base. Agrees with: test/golden/evidently.json, 1e-9.
 * @example jensenShannonInNats({ reference: [1, 0], current: [0, 1] }) // 0.8325546111576977
 */
export const jensenShannonInNats = ({ reference, current }: CountedPair): number =>
  jensenShannonDistance(reference, current, 'nats') ?? 0;
