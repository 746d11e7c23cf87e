/** Moments of numbers, with the same bits however many threads read them. */
import type { Moments, NumericLayout } from '#domain/contracts/reference-profile.ts';
import { emptyMoments } from '#domain/stats/summaries/moments.ts';
import type { Duck } from '../tabular/duckdb.ts';
import type { ScaledColumn } from './count-numbers.ts';
import { inPortions, largestInMoments, type ProfiledRows } from './rows.ts';

/** Sums of deviations from a number near the mean: small, so that their squares lose nothing. */
export type Sums = { readonly pivot: number; count: number; sum: number; squares: number; min: number; max: number };
type Column = { readonly itemCount: number; getItem(index: number): unknown };

/** Any number near the middle would do; that of the layout is at hand, and fixed. */
export const pivotOf = ({ edges }: NumericLayout): number => {
  const middle = edges[Math.floor(edges.length / 2)] ?? 0;
  return Math.abs(middle) <= largestInMoments ? middle : 0;
};

const addColumn = (sums: Sums, column: Column): void => {
  let { count, sum, squares, min, max } = sums;
  const { pivot } = sums;
  for (let row = 0; row < column.itemCount; row += 1) {
    const value = column.getItem(row) as number | null;
    if (value === null || !(Math.abs(value) <= largestInMoments)) continue;
    const deviation = value - pivot;
    count += 1;
    sum += deviation;
    squares += deviation * deviation;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  Object.assign(sums, { count, sum, squares, min, max });
};

export const momentsOfSums = ({ pivot, count, sum, squares, min, max }: Sums): Moments => {
  if (count === 0) return emptyMoments;
  // Adding zero makes -0 a zero: JSON knows only one.
  const [mean, squaredDeviations] = [pivot + sum / count, Math.max(0, squares - (sum * sum) / count)];
  return { count, mean, squaredDeviations, min: min + 0, max: max + 0 };
};

/**
 * Moments of the numbers of each column. DuckDB adds up in whatever order its threads come by, and the last bits of a sum of
 * fractions depend on it; here rows are added in their own order.
 */
export const measureMoments = async (
  db: Duck,
  { relation }: Pick<ProfiledRows, 'relation'>,
  columns: readonly ScaledColumn[],
): Promise<Moments[]> => {
  const moments: Moments[] = [];
  for (const portion of inPortions(columns)) {
    const sums = portion.map(({ scale }): Sums => {
      const nothing = { count: 0, sum: 0, squares: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
      return { pivot: pivotOf(scale.layout), ...nothing };
    });
    const result = await db.connection.stream(`SELECT ${portion.map(({ sql }) => sql).join(', ')} FROM ${relation}`);
    for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
      for (const [index, one] of sums.entries()) addColumn(one, chunk.getColumnVector(index) as Column);
    }
    moments.push(...sums.map(momentsOfSums));
  }
  return moments;
};
