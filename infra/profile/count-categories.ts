/** Categories: which values a layout names, and how many rows each cell has. */
import type { CategoricalLayout, CellCounts } from '#domain/contracts/reference-profile.ts';
import { type BloomFilter, createBloomWriter, rememberSeen } from '#domain/stats/summaries/bloom-filter.ts';
import { emptyCounts } from '#domain/stats/summaries/cell-counts.ts';
import { createPlacer } from '#domain/stats/summaries/place-value.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { quoteText } from '../tabular/sql.ts';
import type { CountedGroups } from './count-numbers.ts';

/** Rows of each value; null is no value. */
export type ValueCounts = ReadonlyMap<string | null, number>;

/** Every distinct value of SQL over a relation with its rows, as text. Memory grows with the distinct values. */
export const countTexts = async (db: Duck, relation: string, sql: string): Promise<ValueCounts> => {
  const result = await db.connection.runAndReadAll(
    `SELECT CAST(${sql} AS VARCHAR) AS value, CAST(count(*) AS DOUBLE) AS rows FROM ${relation} GROUP BY 1`,
  );
  const [values = [], rows = []] = result.getColumns();
  return new Map(values.map((value, index) => [value as string | null, rows[index] as number]));
};

/** Values that have a cell of their own, at most. */
const mostValues = 50;
/** They end where they cover this share of the rows: cells for the rest would be noise. */
const coverage = 0.999;

const byRows = ([left, leftRows]: [string, number], [right, rightRows]: [string, number]): number => {
  if (leftRows !== rightRows) return rightRows - leftRows;
  return left < right ? -1 : 1;
};

/** Values from the top of the rank until they cover the rows that are wanted. */
const mostFrequent = (ranked: readonly (readonly [string, number])[], wanted: number): string[] => {
  const values: string[] = [];
  let covered = 0;
  for (const [value, rows] of ranked) {
    if (values.length === mostValues || covered >= wanted) break;
    values.push(value);
    covered += rows;
  }
  return values;
};

/** Cells for the most frequent values, 50 at most or as many as cover 99.9 % of the rows; all the others were seen. */
const categoricalLayoutOf = (counts: ValueCounts): CategoricalLayout => {
  const ranked = [...counts].filter((entry): entry is [string, number] => entry[0] !== null).sort(byRows);
  const wanted = coverage * ranked.reduce((sum, [, rows]) => sum + rows, 0);
  const values = mostFrequent(ranked, wanted);
  return { kind: 'categorical', values, seen: rememberSeen(ranked.slice(values.length).map(([value]) => value)) };
};

/** More different values than these are not held in memory at once: a million of them take 600 MB. */
const mostInMemory = 100_000;

/** The values of the table that have a cell of their own, and how many different ones there are. */
const nameMost = async (db: Duck): Promise<{ values: string[]; distinct: number }> => {
  const { distinct, rows } = await db.row<{ distinct: number; rows: number }>(
    'SELECT count(*) AS "distinct", CAST(sum(rows) AS DOUBLE) AS rows FROM counted_values',
  );
  const top = await db.rows<{ value: string; rows: number }>(
    `SELECT value, rows FROM counted_values ORDER BY rows DESC, value LIMIT ${mostValues}`,
  );
  const ranked = top.map((one): [string, number] => [one.value, one.rows]);
  return { values: mostFrequent(ranked, coverage * rows), distinct };
};

/** The other values of the table, none of them held. */
const rememberOthers = async (db: Duck, values: readonly string[], distinct: number): Promise<BloomFilter> => {
  const writer = createBloomWriter(distinct - values.length);
  const named = new Set(values);
  const result = await db.connection.stream('SELECT value FROM counted_values');
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const column = chunk.getColumnVector(0);
    for (let row = 0; row < chunk.rowCount; row += 1) {
      const value = column.getItem(row) as string;
      if (!named.has(value)) writer.add(value);
    }
  }
  return writer.finish();
};

/** The layout of a column, whose values may be too many to hold: what has no cell then goes to the filter as it streams by. */
export const categoricalLayoutOfColumn = async (
  db: Duck,
  relation: string,
  sql: string,
  most = mostInMemory,
): Promise<CategoricalLayout> => {
  const text = `CAST(${sql} AS VARCHAR)`;
  const { about } = await db.row<{ about: number }>(`SELECT approx_count_distinct(${text}) AS about FROM ${relation}`);
  if (about <= most) return categoricalLayoutOf(await countTexts(db, relation, sql));
  const counted = `SELECT ${text} AS value, count(*) AS rows FROM ${relation} WHERE ${text} IS NOT NULL GROUP BY 1`;
  await db.run(`CREATE OR REPLACE TEMP TABLE counted_values AS ${counted}`);
  const { values, distinct } = await nameMost(db);
  const seen = await rememberOthers(db, values, distinct);
  await db.run('DROP TABLE counted_values');
  return { kind: 'categorical', values, seen };
};

/** Counters of values that were counted one by one. */
export const placeCounts = (layout: CategoricalLayout, counts: ValueCounts): CellCounts => {
  const place = createPlacer(layout);
  const placed = emptyCounts(layout);
  for (const [value, rows] of counts) {
    const at = place(value);
    if (typeof at === 'number') (placed.cells[at] as number) += rows;
    else placed[at] += rows;
  }
  return placed;
};

/** Counters by group of the very rows that the layout was made of, so that nothing is new. */
export const countCategoriesByGroup = async (
  db: Duck,
  relation: string,
  sql: string,
  layout: CategoricalLayout,
  group: string,
): Promise<CountedGroups> => {
  const other = layout.values.length;
  // Where nothing has a name of its own, NULL stands for the list: it equals no value.
  const named = layout.values.map((value, cell) => `(${quoteText(value)}, ${cell})`).join(', ') || '(CAST(NULL AS VARCHAR), 0)';
  const rows = await db.rows<{ group: number; cell: number; rows: number }>(
    `SELECT "group", CASE WHEN value IS NULL THEN -1 ELSE coalesce(cell, ${other}) END AS cell, count(*) AS rows
     FROM (SELECT ${group} AS "group", CAST(${sql} AS VARCHAR) AS value FROM ${relation}) AS counted
     LEFT JOIN (VALUES ${named}) AS named(name, cell) ON named.name = counted.value
     GROUP BY 1, 2 ORDER BY 1, 2`,
  );
  const groups = new Map<number, { counts: CellCounts; outside: number }>();
  for (const row of rows) {
    const counted = groups.get(row.group) ?? { counts: emptyCounts(layout), outside: 0 };
    if (row.cell === -1) counted.counts.missing = row.rows;
    else counted.counts.cells[row.cell] = row.rows;
    groups.set(row.group, counted);
  }
  return groups;
};
