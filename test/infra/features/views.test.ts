/** Engine-written views against a brute-force reading of the rules, on small random data with ties and gaps. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import { featuresSchema } from '#domain/contracts/pipeline-spec/features.ts';
import { entityKey, unseenEntity } from '#domain/features/entity-key.ts';
import { newestValues } from '../../../infra/features/publish.ts';
import { compileViews } from '../../../infra/features/views.ts';
import { type Duck, withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { column } from './fixtures.ts';

type Event = { at: number; a: string | null; b: number; late: boolean | null; x: number | null };
const hour = 3_600_000;
const start = Date.parse('2001-01-01T00:00:00Z');

const schemaWith = (labelKnownAfterMs: number): DatasetSchema => ({
  columns: [
    column('ts', 'timestamp', { role: 'event_time' }),
    column('a', 'category'),
    column('b', 'integer'),
    column('late', 'boolean', { role: 'label' }),
    column('x', 'integer'),
    column('took', 'integer', { role: 'outcome' }),
  ],
  eventTime: 'ts',
  key: [],
  label: 'late',
  labelKnownAfterMs,
});

const values = {
  late_rate: 'avg(late)',
  events: 'count(*)',
  total: 'sum(x)',
  biggest: 'max(x)',
  late_share: 'count(*) FILTER (late) * 1.0 / nullif(count(*), 0) -- label inside',
  late_or_unknown: 'sum(CASE WHEN late THEN 1 ELSE 0 END)',
  late_took: 'sum(took) FILTER (x > 2)',
};

type Values = Record<keyof typeof values, number | null>;
const sum = (numbers: number[]): number | null => (numbers.length === 0 ? null : numbers.reduce((a, b) => a + b, 0));

/** The rules in words: events of the same entity in the window; strictly before, and for the label: known by then. */
const bruteForce = (
  events: readonly Event[],
  entity: (event: Event) => string | null,
  key: string,
  at: number,
  windowMs: number,
  delayMs: number,
  afterAt = false,
): Values => {
  const ofEntity = events.filter((event) => entity(event) === key && event.at >= at - windowMs + (afterAt ? 1 : 0));
  const before = ofEntity.filter((event) => (afterAt ? event.at <= at : event.at < at));
  const known = (delayMs > 0 ? ofEntity.filter((event) => event.at + delayMs <= at) : before).filter(
    (event) => event.late !== null,
  );
  const xs = before.flatMap((event) => (event.x === null ? [] : [event.x]));
  const late = known.filter((event) => event.late === true).length;
  return {
    late_rate: known.length === 0 ? null : late / known.length,
    events: before.length,
    total: sum(xs),
    biggest: xs.length === 0 ? null : Math.max(...xs),
    late_share: known.length === 0 ? null : late / known.length,
    late_or_unknown: known.length === 0 ? null : late,
    late_took: sum(known.flatMap((event) => (event.x !== null && event.x > 2 ? [event.x * 2] : []))),
  };
};

const literal = (value: string | number | boolean | null): string =>
  value === null ? 'NULL' : typeof value === 'string' ? `'${value}'` : String(value);

const load = async (db: Duck, events: readonly Event[]): Promise<void> => {
  const rows = events.map(
    (event, index) =>
      `(make_timestamp(${event.at * 1000}::BIGINT), ${literal(event.a)}::VARCHAR, ${event.b}::BIGINT, ${literal(event.late)}::BOOLEAN, ${literal(event.x)}::BIGINT, ${literal(event.x === null ? null : event.x * 2)}::BIGINT, ${index}::BIGINT)`,
  );
  await db.run(`CREATE OR REPLACE TABLE snapshot AS SELECT * FROM (VALUES ${rows.join(', ')}) v(ts, a, b, late, x, took, _row)`);
};

const eventArbitrary = fc.record({
  at: fc.integer({ min: 0, max: 30 }).map((step) => start + step * hour),
  a: fc.constantFrom('p', 'q|r', null),
  b: fc.integer({ min: 1, max: 2 }),
  late: fc.constantFrom(true, false, null),
  x: fc.option(fc.integer({ min: 0, max: 9 })),
});
const events = fc.array(eventArbitrary, { minLength: 1, maxLength: 40 });
const windows = fc.integer({ min: 3, max: 12 });
const delays = fc.integer({ min: 0, max: 2 });

const entityA = (event: Event) => entityKey([event.a]);
const entityAB = (event: Event) => entityKey([event.a, event.b]);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'perennial-views-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const withDb = <T>(work: (db: Duck) => Promise<T>): Promise<T> =>
  withDuckDb({ folder, memoryMiB: 256, threads: 2, allowedFolders: [folder] }, work);
const viewsOf = (windowHours: number) =>
  featuresSchema.parse({
    views: {
      by_a: { entity: 'a', window: `${windowHours}h`, values },
      by_ab: { entity: ['a', 'b'], window: `${windowHours}h`, values },
    },
  }).views;

const rounded = (row: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'number' ? Number(value.toPrecision(12)) : value]),
  );
const empty = Object.fromEntries(Object.keys(values).map((name) => [name, null]));

describe('compileViews()', () => {
  it('gives each row what was known before it, and nothing else', () =>
    withDb(async (db) => {
      await fc.assert(
        fc.asyncProperty(events, windows, delays, async (rows, window, delay) => {
          await load(db, rows);
          const schema = schemaWith(delay * hour);
          for (const view of await compileViews(db, viewsOf(window), schema, [])) {
            const entity = view.name === 'by_a' ? entityA : entityAB;
            const found = await db.rows<Record<string, number | null>>(`SELECT * FROM (${view.sql}) ORDER BY _row`);
            const expected = rows.map((event, index) => {
              const key = entity(event);
              const own = key === null ? empty : bruteForce(rows, entity, key, event.at, window * hour, delay * hour);
              return rounded({ _row: index, ...own });
            });
            expect(found.map(rounded)).toEqual(expected);
          }
        }),
        { numRuns: 40 },
      );
    }));

  it('gives the same on the data as it was known at any T (truncation)', () =>
    withDb(async (db) => {
      await fc.assert(
        fc.asyncProperty(events, windows, delays, fc.integer({ min: 0, max: 31 }), async (rows, window, delay, cutStep) => {
          const cut = start + cutStep * hour;
          await load(db, rows);
          const schema = schemaWith(delay * hour);
          const views = await compileViews(db, viewsOf(window), schema, []);
          const read = () =>
            Promise.all(views.map((view) => db.rows<{ _row: number }>(`SELECT * FROM (${view.sql}) ORDER BY _row`)));
          const whole = (await read()).map((each) => each.filter((row) => (rows[row._row] as Event).at < cut));
          const at = `make_timestamp(${cut * 1000}::BIGINT)`;
          const known = `ts + INTERVAL '${delay} hours' <= ${at}`;
          await db.run(
            `CREATE OR REPLACE TABLE snapshot AS SELECT * REPLACE (CASE WHEN ${known} THEN late END AS late, CASE WHEN ${known} THEN took END AS took) FROM snapshot WHERE ts < ${at}`,
          );
          expect(await read()).toEqual(whole);
        }),
        { numRuns: 25 },
      );
    }));

  it('publishes what a request right after the newest event would see', () =>
    withDb(async (db) => {
      await fc.assert(
        fc.asyncProperty(events, windows, delays, async (rows, window, delay) => {
          await load(db, rows);
          const schema = schemaWith(delay * hour);
          const watermarkMs = Math.max(...rows.map((row) => row.at));
          const views = await compileViews(db, viewsOf(window), schema, []);
          const seen = new Set<string>();
          for await (const row of newestValues(db, views, { schema, eventTime: 'ts', watermarkMs, sources: [] })) {
            const entity = row.view === 'by_a' ? entityA : entityAB;
            const expected = bruteForce(rows, entity, row.entity, watermarkMs, window * hour, delay * hour, true);
            expect(rounded(row.values)).toEqual(rounded(expected));
            seen.add(`${row.view}/${row.entity}`);
          }
          for (const event of rows) {
            const key = entityA(event);
            if (key !== null && event.at > watermarkMs - window * hour) expect(seen).toContain(`by_a/${key}`);
          }
          expect(seen).toContain(`by_a/${unseenEntity}`);
        }),
        { numRuns: 25 },
      );
    }));

  it('lets values of one entity, window and delay share one window', () =>
    withDb(async (db) => {
      await load(db, [{ at: start, a: 'p', b: 1, late: true, x: 1 }]);
      const [view] = await compileViews(db, viewsOf(5), schemaWith(hour), []);
      expect(view?.sql.match(/PARTITION BY/g)).toHaveLength(2);
    }));

  const refused: [string, unknown, string, RegExp][] = [
    ['no aggregate', { entity: 'a', window: '7d', values: { v: 'x + 1' } }, 'PRN_FEATURE_INVALID', /must hold an aggregate/],
    ['a loose column', { entity: 'a', window: '7d', values: { v: 'sum(x) + b' } }, 'PRN_FEATURE_INVALID', /"b" stands outside/],
    [
      'a window of its own',
      { entity: 'a', window: '7d', values: { v: 'sum(x) OVER ()' } },
      'PRN_FEATURE_INVALID',
      /window of its own/,
    ],
    ['an unknown column', { entity: 'a', window: '7d', values: { v: 'avg(lat)' } }, 'PRN_FEATURE_INVALID', /did you mean "late"/],
    ['a column by its place', { entity: 'a', window: '7d', values: { v: 'max(#4)' } }, 'PRN_FEATURE_INVALID', /position/],
    [
      'a whole row',
      { entity: 'a', window: '7d', values: { v: 'count(events)' } },
      'PRN_FEATURE_INVALID',
      /"events" must be a column/,
    ],
    ['a subquery', { entity: 'a', window: '7d', values: { v: '(SELECT max(late) FROM snapshot)' } }, 'PRN_DATA_SQL', /subquery/],
    ['chance', { entity: 'a', window: '7d', values: { v: 'sum(random())' } }, 'PRN_DATA_SQL', /random/],
    ['an unknown entity', { entity: 'aa', window: '7d', values: { v: 'count(*)' } }, 'PRN_FEATURE_INVALID', /entity "aa"/],
    [
      'an entity known with the label',
      { entity: 'took', window: '7d', values: { v: 'count(*)' } },
      'PRN_FEATURE_INVALID',
      /only with the label/,
    ],
    [
      'a window within the delay',
      { entity: 'a', window: '30m', values: { v: 'avg(late)' } },
      'PRN_FEATURE_INVALID',
      /must be longer than 3600000 ms/,
    ],
    [
      'a value that is no number',
      { entity: 'a', window: '7d', values: { v: 'max(ts)' } },
      'PRN_FEATURE_INVALID',
      /it is TIMESTAMP/,
    ],
    ['a type error', { entity: 'a', window: '7d', values: { v: "sum('a' || a)" } }, 'PRN_FEATURE_INVALID', /DuckDB says/],
  ];
  it.each(refused)('refuses %s', (_, view, code, message) =>
    withDb(async (db) => {
      await load(db, [{ at: start, a: 'p', b: 1, late: true, x: 1 }]);
      const { views } = featuresSchema.parse({ views: { past: view } });
      await expect(compileViews(db, views, schemaWith(hour), [])).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    }),
  );

  it('refuses a view where rows have no time', () =>
    withDb(async (db) => {
      await load(db, [{ at: start, a: 'p', b: 1, late: true, x: 1 }]);
      await expect(compileViews(db, viewsOf(5), { ...schemaWith(0), eventTime: null }, [])).rejects.toThrow(
        /needs data.event_time/,
      );
    }));
});
