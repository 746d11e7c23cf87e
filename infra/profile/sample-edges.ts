/** Where the cells of numbers lie. */
import type { NumericLayout, ProfiledVariable } from '#domain/contracts/reference-profile.ts';
import { quantileOfSorted } from '#domain/stats/quantile.ts';
import { numericLayoutOf } from '#domain/stats/summaries/cell-edges.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { inPortions, type ProfiledColumn, type ProfiledRows } from './rows.ts';

/**
 * Rows that edges and fences are taken from. An edge need not be the exact quantile of the reference: it is fixed once, and
 * both sides are counted exactly at it. The mass of a cell of 5 % is then off by 0.1 points (one standard deviation).
 */
const sampleRows = 50_000;
/** Share of the rows beyond each fence, before it is widened. */
const tail = 0.0005;

/** What of a numeric variable is fixed before anything is counted. */
export type NumericScale = Pick<ProfiledVariable, 'interquartileRange' | 'fences'> & { readonly layout: NumericLayout };

/** Layout, interquartile range and fences of finite numbers. Without numbers: one cell and no fences. */
export const scaleOf = (values: Float64Array): NumericScale => {
  const sorted = values.toSorted();
  const layout = numericLayoutOf(sorted);
  if (sorted.length === 0) return { layout, interquartileRange: null, fences: null };
  const interquartileRange = quantileOfSorted(sorted, 0.75) - quantileOfSorted(sorted, 0.25);
  const low = quantileOfSorted(sorted, tail) - interquartileRange;
  const high = quantileOfSorted(sorted, 1 - tail) + interquartileRange;
  const isFinite = [interquartileRange, low, high].every(Number.isFinite);
  return { layout, interquartileRange: isFinite ? interquartileRange : null, fences: isFinite ? { low, high } : null };
};

/**
 * Every row of a small relation; of a large one about 50,000, picked by their number: multiples of the golden ratio, so
 * that no rhythm of the rows is met or missed (Knuth, The Art of Computer Programming 3, 6.4). No chance: same rows, same sample.
 */
const sampleSql = ({ rowNumber }: ProfiledRows, rows: number): string => {
  if (rows <= sampleRows) return 'true';
  return `((${rowNumber}) % 4294967296 * 2654435761) % 4294967296 < ${Math.floor((sampleRows / rows) * 4294967296)}`;
};

/** Scales of numeric columns over a relation of so many rows, in their order. */
export const sampleScales = async (
  db: Duck,
  rows: ProfiledRows,
  rowCount: number,
  columns: readonly ProfiledColumn[],
): Promise<NumericScale[]> => {
  const scales: NumericScale[] = [];
  for (const portion of inPortions(columns)) {
    const selected = portion.map(({ sql }) => `CAST(${sql} AS DOUBLE)`).join(', ');
    const sample = await db.connection.runAndReadAll(
      `SELECT ${selected} FROM ${rows.relation} WHERE ${sampleSql(rows, rowCount)}`,
    );
    const found = sample.getColumns() as (number | null)[][];
    // A result without rows has no columns either.
    for (const index of portion.keys()) scales.push(scaleOf(finiteOf(found[index] ?? [])));
  }
  return scales;
};

const finiteOf = (values: readonly (number | null)[]): Float64Array => {
  const kept = new Float64Array(values.length);
  let count = 0;
  for (const value of values) if (value !== null && Number.isFinite(value)) kept[count++] = value;
  return kept.subarray(0, count);
};
