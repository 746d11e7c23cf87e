/** Rows of every awkward kind, written to Parquet by DuckDB, and the same rows as JavaScript has them. */
import { join } from 'node:path';
import { createRandom } from '#domain/stats/random.ts';
import { dayMs } from '#domain/units.ts';
import { profileColumns } from '../../../infra/profile/profile-columns.ts';
import type { ProfiledColumn, ProfiledRows } from '../../../infra/profile/rows.ts';
import { type Duck, withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { quoteText } from '../../../infra/tabular/sql.ts';

export type MadeRow = { readonly x: number | null; readonly c: string | null; readonly at: number };

const special: readonly (number | null)[] = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  null,
  0,
  -0,
  5e-324,
  -5e-324,
];
const extremes: readonly number[] = [Number.MAX_VALUE, -Number.MAX_VALUE, 1e6, -1e6];

/** Numbers with ties, heavy values and every number that is none; categories with quotes, an empty text and missing ones. With
 * `more` categories come numbers that no reference has. */
export const makeRows = (count: number, seed: number, more: readonly string[] = []): MadeRow[] => {
  const random = createRandom(seed);
  const numbers = more.length === 0 ? special : [...special, ...extremes];
  const categories = ['', "it's", 'a', 'a', 'a', 'b', 'Ä "quoted"', 'null', ...more];
  return Array.from({ length: count }, (_, row) => {
    const kind = random();
    const number = kind < 0.3 ? Math.floor(random() * 8) : (random() - 0.5) * 100;
    return {
      x: kind > 0.9 ? (numbers[Math.floor(random() * numbers.length)] as number | null) : number,
      c: random() < 0.05 ? null : (categories[Math.floor(random() * categories.length)] as string),
      at: Date.UTC(2001, 0, 1) + Math.floor((row / count) * 35 * dayMs),
    };
  });
};

const literalOf = (x: number | null): string => (x === null ? 'NULL' : `CAST('${Object.is(x, -0) ? '-0' : x}' AS DOUBLE)`);

export const writeRows = async (db: Duck, folder: string, name: string, made: readonly MadeRow[]): Promise<string> => {
  await db.run('CREATE OR REPLACE TABLE made (_row BIGINT, x DOUBLE, c VARCHAR, instant TIMESTAMP)');
  for (let from = 0; from < made.length; from += 1000) {
    const tuples = made
      .slice(from, from + 1000)
      .map(
        ({ x, c, at }, index) =>
          `(${from + index}, ${literalOf(x)}, ${c === null ? 'NULL' : quoteText(c)}, make_timestamp(${at * 1000}))`,
      );
    await db.run(`INSERT INTO made VALUES ${tuples.join(', ')}`);
  }
  const file = join(folder, name);
  await db.run(`COPY (SELECT * FROM made ORDER BY _row) TO ${quoteText(file)} (FORMAT parquet)`);
  return file;
};

export const inDuck = <T>(folder: string, work: (db: Duck) => Promise<T>, threads = 1): Promise<T> =>
  withDuckDb({ folder, memoryMiB: 512, threads, allowedFolders: [] }, work);

export const rowsOf = (file: string): ProfiledRows => ({
  relation: `read_parquet(${quoteText(file)})`,
  rowNumber: '_row',
  epochMs: 'epoch_ms(instant)',
});

export const numberColumn: ProfiledColumn = { name: 'x', kind: 'numeric', sql: 'x' };
export const categoryColumn: ProfiledColumn = { name: 'c', kind: 'categorical', sql: 'c' };

export const profileMade = (db: Duck, file: string, windowMs: number = dayMs) =>
  profileColumns(db, rowsOf(file), [numberColumn, categoryColumn], windowMs);
