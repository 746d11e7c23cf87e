/** Sliding must equal the windows of SQL, which define the views. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import { featuresSchema } from '#domain/contracts/pipeline-spec/features.ts';
import { writePrepared } from '../../../infra/features/prepare.ts';
import { planSlide, slide } from '../../../infra/features/slide.ts';
import type { AggregateView } from '../../../infra/features/view-types.ts';
import { compileViews } from '../../../infra/features/views.ts';
import { type Duck, withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { column } from './fixtures.ts';

const schemaWith = (labelKnownAfterMs: number): DatasetSchema => ({
  columns: [
    column('ts', 'timestamp', { role: 'event_time' }),
    column('a', 'category'),
    column('b', 'integer'),
    column('x', 'integer'),
    column('w', 'number'),
    column('late', 'boolean', { role: 'label' }),
  ],
  eventTime: 'ts',
  key: [],
  label: 'late',
  labelKnownAfterMs,
});
const values = {
  rate: 'avg(late)',
  events: 'count(*)',
  total: 'sum(x)',
  mean: 'avg(x)',
  odd: 'count(x) FILTER (x % 2 = 1)',
  share: 'count(*) FILTER (late) / count(*)',
  whole: 'sum(x) // count(*)',
};
const split = { kind: 'hash', trainFrom: null, holdoutFrom: null, holdoutTo: null, sideSql: '0', earliestMs: null } as const;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'perennial-slide-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const withDb = <T>(work: (db: Duck) => Promise<T>): Promise<T> =>
  withDuckDb({ folder, memoryMiB: 512, threads: 2, allowedFolders: [folder] }, work);

/** `rows` events in the order of time: ties, gaps, missing entities, labels and numbers. */
const load = (db: Duck, rows: number, seed: number, stepMinutes: number): Promise<void> =>
  db.run(`CREATE OR REPLACE TABLE snapshot AS SELECT TIMESTAMP '2001-01-01' + INTERVAL ((i // 3) * ${stepMinutes}) MINUTE AS ts,
    CASE WHEN h % 13 = 0 THEN NULL ELSE 'A' || (h % 5) END AS a, (h // 7 % 3)::BIGINT AS b,
    CASE WHEN h % 11 = 0 THEN NULL ELSE h % 50 - 10 END::BIGINT AS x, (h % 17) / 3.0 AS w,
    CASE WHEN h % 9 = 0 THEN NULL ELSE h % 4 = 0 END AS late, i::BIGINT * 3 AS _row
    FROM (SELECT i, (md5_number_lower(i || '/${seed}') % 1000)::INTEGER AS h FROM range(${rows}) r(i))`);

let made = 0;
const prepare = async (db: Duck, views: readonly AggregateView[], how: 'fastest' | 'sql') => {
  const wanted = new Set(views.flatMap((view) => view.values.map((value) => `${view.name}.${value.name}`)));
  await writePrepared(db, { views, extra: [], split, eventTime: 'ts', wanted, how }, join(folder, `${(made += 1)}.parquet`));
  const rows = await db.rows<Record<string, unknown>>('SELECT * FROM prepared');
  await db.run('DROP VIEW prepared');
  return rows;
};
const compile = async (db: Duck, windowHours: number, delayHours: number, more: Record<string, string> = {}) => {
  const { views } = featuresSchema.parse({
    views: {
      by_a: { entity: 'a', window: `${windowHours}h`, values: { ...values, ...more } },
      by_ab: { entity: ['a', 'b'], window: `${windowHours * 3}h`, values },
    },
  });
  return (await compileViews(db, views, schemaWith(delayHours * 3_600_000), [])) as AggregateView[];
};

describe('slide()', () => {
  it('equals the windows of SQL, row by row and in their order', () =>
    withDb(async (db) => {
      const sizes = fc.constantFrom(1, 2, 30, 2048, 2049, 6500);
      await fc.assert(
        fc.asyncProperty(
          sizes,
          fc.nat(1000),
          fc.integer({ min: 0, max: 40 }),
          fc.integer({ min: 3, max: 48 }),
          fc.integer({ min: 0, max: 2 }),
          async (rows, seed, step, window, delay) => {
            await load(db, rows, seed, step);
            const views = await compile(db, window, delay);
            expect(planSlide(views)).not.toBeNull();
            expect(await prepare(db, views, 'fastest')).toEqual(await prepare(db, views, 'sql'));
          },
        ),
        { numRuns: 15 },
      );
    }));

  it('leaves to SQL what is not exact: fractions, extremes, distinct values', () =>
    withDb(async (db) => {
      await load(db, 100, 1, 10);
      for (const sql of ['sum(w)', 'max(x)', 'count(DISTINCT x)', 'stddev(x)', 'sum(x * 0.5)']) {
        expect(planSlide(await compile(db, 24, 1, { more: sql })), sql).toBeNull();
      }
      const views = await compile(db, 24, 1, { more: 'max(x)' });
      expect(await prepare(db, views, 'fastest')).toEqual(await prepare(db, views, 'sql'));
    }));

  it('leaves to SQL rows that are not in the order of time, and numbers that are too large', () =>
    withDb(async (db) => {
      await load(db, 100, 1, 10);
      const views = await compile(db, 24, 1);
      const plan = planSlide(views);
      if (plan === null) throw new Error('the views must be exact sums');
      const tried = async (relation: string) => slide(db, plan, relation, 'ts');
      expect(await tried('snapshot')).toBe(true);
      expect(await tried('(SELECT * FROM snapshot ORDER BY ts DESC)')).toBe(false);
      expect(await tried('(SELECT * REPLACE (x * 1000000000000 AS x) FROM snapshot)')).toBe(false);
      await db.run('CREATE OR REPLACE TABLE snapshot AS SELECT * FROM snapshot ORDER BY ts DESC');
      const sorted = (rows: Record<string, unknown>[]) =>
        rows.toSorted((left, right) => Number(left['_row']) - Number(right['_row']));
      expect(sorted(await prepare(db, views, 'fastest'))).toEqual(sorted(await prepare(db, views, 'sql')));
    }));
});
