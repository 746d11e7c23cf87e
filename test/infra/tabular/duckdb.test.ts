import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Duck, withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { checkExpression } from '../../../infra/tabular/expression.ts';
import { castSql } from '../../../infra/tabular/typed.ts';
import { testFolder } from '../../support/servers.ts';

const place = testFolder();
const secret = testFolder();
afterAll(() => {
  place.close();
  secret.close();
});
beforeAll(() => writeFileSync(join(secret.folder, 'secret.csv'), 'a\n1\n'));

const withDb = <T>(work: (db: Duck) => Promise<T>, signal?: AbortSignal): Promise<T> =>
  withDuckDb({ folder: place.folder, memoryMiB: 128, threads: 2, allowedFolders: [place.folder], signal }, work);

describe('withDuckDb()', () => {
  it.each([
    ['reads a file outside its folders', () => `SELECT * FROM '${join(secret.folder, 'secret.csv')}'`],
    ['reads text outside its folders', () => `SELECT * FROM read_text('${join(secret.folder, 'secret.csv')}')`],
    ['writes outside its folders', () => `COPY (SELECT 1) TO '${join(secret.folder, 'out.csv')}'`],
    ['leaves by a parent folder', () => `SELECT * FROM '${place.folder}/../${secret.folder.split('/').pop()}/secret.csv'`],
    ['attaches another database', () => `ATTACH '${join(secret.folder, 'x.db')}'`],
    ['loads an extension', () => 'INSTALL httpfs'],
    ['opens the sandbox again', () => 'SET enable_external_access = true'],
    ['raises its memory', () => `SET memory_limit = '10GB'`],
  ])('fails where SQL %s', async (_, sql) => {
    await expect(withDb((db) => db.run(sql()))).rejects.toThrow(/disabled by configuration|locked|Cannot change|cannot be/i);
  });

  it('spills to its own folder where memory is short', async () => {
    const count = await withDb((db) =>
      db.row<{ n: number }>('SELECT count(*) AS n FROM (SELECT i FROM range(20000000) t(i) ORDER BY hash(i)) WHERE i >= 0'),
    );
    expect(count.n).toBe(20_000_000);
    expect(existsSync(join(place.folder, 'spill'))).toBe(true);
  });

  it('interrupts a running statement and says why', async () => {
    const controller = new AbortController();
    const started = performance.now();
    const running = withDb((db) => {
      setImmediate(() => controller.abort(new Error('cancelled')));
      return db.rows('SELECT sum(hash(a.range + b.range)) FROM range(10000000) a, range(100000) b');
    }, controller.signal);
    await expect(running).rejects.toThrow('cancelled');
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

describe('checkExpression()', () => {
  const facts = (sql: string) => withDb((db) => checkExpression(db, 'check "mine"', sql));

  it('tells aggregates, windows and columns', async () => {
    expect(await facts('delay > 15')).toMatchObject({ hasAggregate: false, hasWindow: false, columns: ['delay'] });
    expect(await facts('count(DISTINCT a) = max(b)')).toMatchObject({ hasAggregate: true, columns: ['a', 'b'] });
    expect(await facts('lag(a) OVER (ORDER BY b) = 1')).toMatchObject({ hasAggregate: false, hasWindow: true });
  });

  it.each([
    '1) FROM (SELECT 2',
    '1; DROP TABLE x',
    '(SELECT 1)',
    'a IN (SELECT b FROM c)',
    '*',
    'a AS b',
    'a FROM b',
    'a ORDER BY 1',
    'DISTINCT a',
    'random()',
    'now()',
    '$1',
    'true UNION SELECT 1',
    '',
  ])('refuses %s', async (sql) => {
    await expect(facts(sql)).rejects.toMatchObject({ code: 'PRN_DATA_SQL', message: expect.stringContaining('check "mine"') });
  });

  it('keeps a trailing comment from swallowing what follows', async () => {
    const { sql } = await facts('1 + 1 -- two');
    expect(await withDb((db) => db.row(`SELECT ${sql} AS two`))).toEqual({ two: 2 });
  });
});

describe('castSql()', () => {
  const cast = async (values: readonly string[], type: Parameters<typeof castSql>[1], duckType = 'VARCHAR') =>
    withDb(async (db) => {
      const list = values.map((value) => `(${value})`).join(', ');
      const rows = await db.rows<{ t: unknown }>(`SELECT ${castSql('r', type, duckType)} AS t FROM (VALUES ${list}) v(r)`);
      return rows.map((row) => (row.t instanceof Date ? row.t.toISOString() : row.t));
    });

  it('reads integers without rounding', async () => {
    expect(
      await cast([`'12'`, `' 7 '`, `'1.0'`, `'1.5'`, `'1e3'`, `'1_000'`, `'x'`, `''`, `'9223372036854775808'`], 'integer'),
    ).toEqual([12, 7, 1, null, 1000, null, null, null, null]);
    expect(await cast(['1.0::DOUBLE', '1.5', `'nan'::DOUBLE`], 'integer', 'DOUBLE')).toEqual([1, null, null]);
  });

  it('reads numbers that are finite, and one zero', async () => {
    expect(await cast([`'1.5'`, `'-0'`, `'inf'`, `'nan'`, `'1,5'`], 'number')).toEqual([1.5, 0, null, null, null]);
    expect(Object.is((await cast([`'-0.0'`], 'number'))[0], 0)).toBe(true);
  });

  it('reads booleans from words and from 0 and 1 only', async () => {
    expect(await cast([`'true'`, `'No'`, `'1'`, `'2'`, `'maybe'`], 'boolean')).toEqual([true, false, true, null, null]);
    expect(await cast(['1', '0', '2'], 'boolean', 'INTEGER')).toEqual([true, false, null]);
  });

  it('reads instants in UTC, with offsets heeded', async () => {
    const texts = [
      `'2001-01-01'`,
      `'2001-01-01T10:00:00Z'`,
      `'2001-01-01T10:00:00+02:00'`,
      `'2001-01-01 10:00:00-02'`,
      `'2001-02-30'`,
      `'01/02/2001'`,
      `'infinity'`,
    ];
    expect(await cast(texts, 'timestamp')).toEqual([
      '2001-01-01T00:00:00.000Z',
      '2001-01-01T10:00:00.000Z',
      '2001-01-01T08:00:00.000Z',
      '2001-01-01T12:00:00.000Z',
      null,
      null,
      null,
    ]);
    expect(await cast(['978307200'], 'timestamp', 'BIGINT')).toEqual([null]);
  });
});
