/** The proof on honest and on leaking SQL. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import { featuresSchema } from '#domain/contracts/pipeline-spec/features.ts';
import { newestValues } from '../../../infra/features/publish.ts';
import { proveByTruncation } from '../../../infra/features/truncation.ts';
import type { SqlView } from '../../../infra/features/view-types.ts';
import { compileViews } from '../../../infra/features/views.ts';
import { type Duck, withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { column } from './fixtures.ts';

const schema: DatasetSchema = {
  columns: [
    column('ts', 'timestamp', { role: 'event_time' }),
    column('origin', 'category'),
    column('late', 'boolean', { role: 'label' }),
    column('delay', 'integer', { role: 'outcome' }),
    column('landed', 'timestamp'),
  ],
  eventTime: 'ts',
  key: [],
  label: 'late',
  labelKnownAfterMs: 86_400_000,
};

/** 20 days of flights, about 100 a day from four airports, and a forecast every six hours that is issued an hour late. */
const load = async (db: Duck): Promise<void> => {
  await db.run(`CREATE TABLE snapshot AS SELECT TIMESTAMP '2001-01-01' + INTERVAL (i * 14) MINUTE AS ts, 'A' || (i * 7 % 4) AS origin,
    (i * 7919 % 100) < 20 + (i // 100) AS late, (i * 7919 % 100) AS delay,
    TIMESTAMP '2001-01-01' + INTERVAL (i * 14 + 60 + i % 50) MINUTE AS landed, i::BIGINT AS _row FROM range(2000) r(i)`);
  await db.run(`CREATE TABLE "source:weather" AS SELECT 'A' || (i % 4) AS airport, TIMESTAMP '2001-01-01' + INTERVAL (i // 4 * 6) HOUR AS valid_at,
    TIMESTAMP '2001-01-01' + INTERVAL (i // 4 * 6 + 1) HOUR AS issued_at, (i * 31 % 17)::DOUBLE AS wind FROM range(400) r(i)`);
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'perennial-proof-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scope = { schema, eventTime: 'ts', sources: ['weather'] };
const compile = async (db: Duck, sql: string, knownAt: string): Promise<SqlView> => {
  const { views } = featuresSchema.parse({ views: { seen: { sql, entity: 'origin', known_at: knownAt } } });
  return (await compileViews(db, views, schema, ['weather']))[0] as SqlView;
};
const withData = <T>(work: (db: Duck) => Promise<T>): Promise<T> =>
  withDuckDb({ folder, memoryMiB: 256, threads: 2, allowedFolders: [folder] }, async (db) => {
    await load(db);
    return work(db);
  });
const prove = (sql: string, knownAt = 'known_at') =>
  withData(async (db) => proveByTruncation(db, await compile(db, sql, knownAt), scope));

const rate = (frame: string): string =>
  `SELECT origin, ts AS known_at, avg(late::INTEGER) OVER (PARTITION BY origin ORDER BY ts RANGE BETWEEN ${frame}) AS late_rate FROM events`;
const week = 'INTERVAL 7 DAY PRECEDING';

describe('proveByTruncation()', () => {
  it('lets a view pass that waits for the label', async () => {
    const proofs = await prove(rate(`${week} AND INTERVAL 1 DAY PRECEDING`));
    expect(proofs.length).toBeGreaterThanOrEqual(5);
    expect(proofs.every((proof) => proof.view === 'seen' && proof.rowsCompared > 0)).toBe(true);
    // One cut lies within the label's delay of the newest row (2001-01-20T10:26).
    expect(proofs.some((proof) => proof.at > '2001-01-19T10:26' && proof.at <= '2001-01-20T10:27')).toBe(true);
  });
  it('lets a view pass that says itself when its label is known', async () => {
    const sql = `SELECT origin, ts + INTERVAL 1 DAY AS known_at, avg(late::INTEGER) OVER (PARTITION BY origin ORDER BY ts RANGE BETWEEN ${week} AND CURRENT ROW) AS late_rate FROM events;`;
    expect((await prove(sql)).length).toBeGreaterThanOrEqual(5);
  });
  it('lets forecasts pass from when they were issued', async () => {
    expect((await prove('SELECT airport AS origin, issued_at, wind FROM weather', 'issued_at')).length).toBeGreaterThanOrEqual(5);
  });
  it('lets a view pass over what had landed by then', async () => {
    const sql = `WITH gone AS (SELECT origin, landed FROM events WHERE landed IS NOT NULL) SELECT origin, landed, 1.0 AS here FROM gone`;
    expect((await prove(sql, 'landed')).length).toBeGreaterThanOrEqual(5);
  });
  it('refuses a view that ignores only the delay of the label, naming view, column, row, T and both values', async () => {
    const leak = prove(rate(`${week} AND INTERVAL 1 MICROSECOND PRECEDING`));
    await expect(leak).rejects.toMatchObject({
      code: 'PRN_FEATURE_FUTURE',
      message: expect.stringMatching(
        /view "seen" as "late_rate" must be the same .* known at 2001-01-\d\dT.*: for the row ts = .*, origin = A\d it is 0\.\d+ with the future and (0\.\d+|missing) without it/,
      ),
      details: expect.objectContaining({ view: 'seen', column: 'late_rate', at: expect.any(String), row: expect.any(Number) }),
    });
  });
  it.each([
    [
      'ignores the delay of an outcome',
      `SELECT origin, ts AS known_at, max(delay) OVER (PARTITION BY origin ORDER BY ts ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING) AS worst FROM events`,
      'known_at',
    ],
    [
      'takes an average over all time',
      `SELECT origin, TIMESTAMP '1970-01-01' AS known_at, avg(delay) AS usual FROM events GROUP BY origin`,
      'known_at',
    ],
    ['reads its own label', 'SELECT origin, ts AS known_at, late::INTEGER AS cheat FROM events', 'known_at'],
    [
      'looks one row ahead',
      'SELECT origin, ts AS known_at, lead(ts) OVER (PARTITION BY origin ORDER BY ts) - ts > INTERVAL 1 HOUR AS quiet FROM events',
      'known_at',
    ],
    [
      'says that a landing was known at departure',
      'SELECT origin, ts AS known_at, epoch(landed - ts) AS took FROM (SELECT origin, ts, delay, late, landed FROM events WHERE late)',
      'known_at',
    ],
  ])('refuses a view that %s', async (_, sql, knownAt) => {
    await expect(prove(sql, knownAt)).rejects.toMatchObject({ code: 'PRN_FEATURE_FUTURE' });
  });
  it('gives a row the newest values known at its instant, and a request the newest of all', () =>
    withData(async (db) => {
      const view = await compile(db, 'SELECT airport AS origin, issued_at, wind FROM weather', 'issued_at');
      const found = await db.rows<{ _row: number; wind: number | null }>(`SELECT * FROM (${view.sql}) ORDER BY _row`);
      const expected = await db.rows<{ wind: number | null }>(
        `SELECT (SELECT arg_max(wind, issued_at) FROM "source:weather" w WHERE w.airport = s.origin AND w.issued_at <= s.ts) AS wind FROM snapshot s ORDER BY _row`,
      );
      expect(found.map((row) => row.wind)).toEqual(expected.map((row) => row.wind));
      const watermarkMs = Date.parse('2001-01-10T00:00:00Z');
      const published = [];
      for await (const row of newestValues(db, [view], { ...scope, watermarkMs })) published.push(row);
      expect(published.map((row) => row.entity).sort()).toEqual(['A0', 'A1', 'A2', 'A3']);
      expect(new Set(published.map((row) => row.knownAt))).toEqual(new Set(['2001-01-09T19:00:00.000Z']));
    }));
});

describe('compileSqlView()', () => {
  const select = (more: string) => `SELECT origin, ts AS known_at, 1 AS v FROM ${more}`;
  it.each([
    ['a statement that is no SELECT', 'DELETE FROM events', /must be one SELECT/],
    ['two statements', `${select('events')}; ${select('events')}`, /2 statements/],
    ['what is not SQL', 'SELEC 1', /must be one SELECT/],
    ['a file', select(`read_parquet('/etc/passwd')`), /must not call "read_parquet"/],
    ['a file by its name', select(`'/etc/passwd'`), /reads "\/etc\/passwd"/],
    ['our own relations', select('snapshot'), /reads "snapshot"/],
    ['our own relations by their full names', select('main.snapshot'), /reads "snapshot"/],
    [
      'our own relations in a subquery',
      `SELECT origin, ts AS known_at, (SELECT count(*) FROM snapshot) AS v FROM events`,
      /reads "snapshot"/,
    ],
    ['a name of ours for a query of its own', `WITH events AS (SELECT 1) ${select('events')}`, /must not give the name "events"/],
    ['the clock', `SELECT origin, ts AS known_at, epoch(now()) AS v FROM events`, /must not call "now"/],
    ['chance', `SELECT origin, ts AS known_at, random() AS v FROM events`, /must not call "random"/],
    ['a result without the entity', 'SELECT ts AS known_at, 1 AS v FROM events', /must have the column "origin"/],
    ['a result without an instant', `SELECT origin, 'x' AS known_at, 1 AS v FROM events`, /must be a timestamp/],
    ['a result without values', 'SELECT origin, ts AS known_at FROM events', /must have a value/],
    ['a column that is not there', 'SELECT origin, ts AS known_at, wnd AS v FROM weather', /DuckDB says/],
    ['the name of a file', 'weather.sql', /name of a file/],
  ])('refuses %s', (_, sql, message) =>
    withData((db) =>
      expect(compile(db, sql, 'known_at')).rejects.toMatchObject({
        code: 'PRN_FEATURE_INVALID',
        message: expect.stringMatching(message),
      }),
    ),
  );
});
