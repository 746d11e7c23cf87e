import { pairCells } from '../distances/cells.ts';
import type { Numbers } from '../ranks.ts';
import { chiSquareUpperTail } from '../special/incomplete-gamma.ts';

export type ChiSquare = {
  /** After division by the design effect. */
  readonly statistic: number;
  readonly degreesOfFreedom: number;
  readonly pValue: number;
  /** Cells that were compared, after the sparse ones were put together. */
  readonly cells: number;
};

/** Below this many expected rows the distribution of the statistic is not the one that is used. */
const fewestExpected = 5;

/**
 * Chi-square test of homogeneity: were both samples drawn with the same shares? Neither side is taken as known exactly,
 * for that would fire several times too often.
 *
 * Cells that expect fewer than 5 rows on the smaller side are put together first (and with the smallest remaining cell,
 * the first of equal ones, should they still expect too few). One cell, or one that is left, has p 1 with 0 degrees of
 * freedom. `designEffect` divides the statistic: how many times the variance of independent rows these rows have, at least
 * 1. Null where a side has no rows. Throws RangeError for cells that differ in number, counts that are negative or not
 * whole, and a design effect below 1.
 *
 * Source: Pearson (1900); the rule of five: Cochran, "Some methods for strengthening the common chi-square tests",
 * Biometrics 10 (1954); the design effect: Rao and Scott, JASA 76 (1981), first-order correction.
 * Agrees with: test/golden/vectors.json "chi2", 1e-9; test/golden/two-sample.json, `scipy.stats.chi2_contingency`, 1e-10.
 * @example chiSquareHomogeneity([100, 200, 300, 250, 150], [80, 150, 300, 280, 190]).pValue // 0.0033452124...
 */
export const chiSquareHomogeneity = (reference: Numbers, current: Numbers, designEffect = 1): ChiSquare | null => {
  if (!(designEffect >= 1)) {
    throw new RangeError(`Cannot test homogeneity as the design effect must be at least 1: it is ${designEffect}`);
  }
  const pair = pairCells(reference, current);
  if (pair === null) return null;
  const { referenceRows: n, currentRows: m } = pair;
  const cells = mergeSparse(occupied(reference, current), (fewestExpected * (n + m)) / Math.min(n, m));
  let sum = 0;
  for (const [a, b] of cells) sum += (a / n - b / m) ** 2 / (a + b);
  const statistic = (sum * n * m) / designEffect;
  const degreesOfFreedom = cells.length - 1;
  const pValue = degreesOfFreedom === 0 ? 1 : chiSquareUpperTail(statistic, degreesOfFreedom);
  return { statistic, degreesOfFreedom, pValue, cells: cells.length };
};

type Cell = readonly [reference: number, current: number];

const occupied = (reference: Numbers, current: Numbers): Cell[] =>
  Array.from({ length: reference.length }, (_, cell): Cell => [reference[cell] as number, current[cell] as number]).filter(
    ([a, b]) => a + b > 0,
  );

const pooled = ([a, b]: Cell): number => a + b;
const add = ([a, b]: Cell, [c, d]: Cell): Cell => [a + c, b + d];

/** Puts together the cells whose pooled count is below the limit; what they make joins the smallest other one if it must. */
const mergeSparse = (cells: readonly Cell[], limit: number): readonly Cell[] => {
  const sparse = cells.filter((cell) => pooled(cell) < limit);
  if (sparse.length === 0) return cells;
  const kept = cells.filter((cell) => pooled(cell) >= limit).sort((left, right) => pooled(left) - pooled(right));
  const other = sparse.reduce(add);
  const smallest = kept[0];
  return pooled(other) >= limit || smallest === undefined ? [...kept, other] : [...kept.slice(1), add(smallest, other)];
};
