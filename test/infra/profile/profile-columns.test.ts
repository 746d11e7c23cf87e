import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { slotOf } from '#domain/stats/drift/season.ts';
import { addCounts, emptyCounts } from '#domain/stats/summaries/cell-counts.ts';
import { momentsOf } from '#domain/stats/summaries/moments.ts';
import { countValues } from '#domain/stats/summaries/place-value.ts';
import { dayMs, hourMs } from '#domain/units.ts';
import { categoricalLayoutOfColumn } from '../../../infra/profile/count-categories.ts';
import { profileColumns } from '../../../infra/profile/profile-columns.ts';
import { profileNumbersInMemory } from '../../../infra/profile/profile-values.ts';
import { planWindows } from '../../../infra/profile/season.ts';
import { quoteText } from '../../../infra/tabular/sql.ts';
import { expectRelative } from '../../domain/stats/tolerance.ts';
import { testFolder } from '../../support/servers.ts';
import { categoryColumn, inDuck, makeRows, numberColumn, profileMade, rowsOf, writeRows } from './made-rows.ts';

let place: ReturnType<typeof testFolder>;
beforeAll(() => {
  place = testFolder();
});
afterAll(() => place.close());

const made = makeRows(5000, 1);
const profiled = (threads = 1, windowMs = dayMs) =>
  inDuck(
    place.folder,
    async (db) => profileMade(db, await writeRows(db, place.folder, `rows-${threads}-${windowMs}.parquet`, made), windowMs),
    threads,
  );

describe('profileColumns()', () => {
  test('counts a small table as one counts by hand', async () => {
    const { rows, eventTime, season, variables } = await inDuck(place.folder, async (db) => {
      const relation = `(VALUES (0, 1.0::DOUBLE, 'a'), (1, 2.0, 'a'), (2, 3.0, 'b'), (3, NULL, ''), (4, 'NaN', NULL), (5, '-Infinity', 'a')) AS t(_row, x, c)`;
      return profileColumns(db, { relation, rowNumber: '_row', epochMs: null }, [categoryColumn, numberColumn], dayMs);
    });
    expect({ rows, eventTime, season }).toEqual({
      rows: 6,
      eventTime: null,
      season: { slot: 'none', slots: 1, windowMs: dayMs, windowsBySlot: [0] },
    });
    const [c, x] = variables;
    expect(c).toEqual({
      name: 'c',
      layout: { kind: 'categorical', values: ['a', '', 'b'], seen: { kind: 'exact', values: [] } },
      reference: { cells: [3, 1, 1, 0, 0], missing: 1, nonFinite: 0, wrongType: 0 },
      bySlot: [],
      moments: null,
      interquartileRange: null,
      fences: null,
      outside: 0,
      quiet: null,
    });
    // Each of three values is more than a tenth of the rows: a cell of its own, and one between each two.
    expect(x?.reference).toEqual({ cells: [0, 1, 0, 1, 0, 1, 0], missing: 2, nonFinite: 1, wrongType: 0 });
    expect(x).toMatchObject({ moments: { count: 3, mean: 2, squaredDeviations: 2, min: 1, max: 3 }, interquartileRange: 1 });
    expect(x?.fences?.low).toBeCloseTo(0.001, 9);
    expect(x?.fences?.high).toBeCloseTo(3.999, 9);
  });

  test('names and remembers the same values whether they are held in memory or stream by', async () => {
    const relation = `(SELECT CASE WHEN i % 3 = 0 THEN 'often' || (i % 60) WHEN i % 1000 <> 1 THEN 'id-' || i END AS id FROM range(30000) AS r(i))`;
    const layouts = await inDuck(place.folder, async (db) => [
      await categoricalLayoutOfColumn(db, relation, 'id', 100_000),
      await categoricalLayoutOfColumn(db, relation, 'id', 1000),
      await categoricalLayoutOfColumn(db, relation, 'id', 1000),
    ]);
    expect(layouts[0]?.values).toHaveLength(50);
    expect(layouts[0]?.seen.kind).toBe('bloom');
    expect(layouts[1]).toEqual(layouts[0]);
    expect(layouts[2]).toEqual(layouts[0]);
  });

  test('agrees with the same rows counted one by one in memory', async () => {
    const { variables, season } = await profiled();
    const [x, c] = variables as [(typeof variables)[number], (typeof variables)[number]];
    const epochMs = Float64Array.from(made, (row) => row.at);
    const timing = { epochMs, plan: planWindows(dayMs, epochMs[0] as number, epochMs.at(-1) as number) };
    const expected = profileNumbersInMemory(
      'x',
      Float64Array.from(made, (row) => row.x ?? Number.NaN),
      timing,
    );
    const { moments, ...rest } = x;
    expect(rest).toEqual({ ...expected, moments: undefined });
    // The largest of all numbers are in the cells, and not in the moments.
    const usual = momentsOf(made.flatMap(({ x: value }) => (value !== null && Math.abs(value) <= 1e140 ? [value] : [])));
    expect(moments).toMatchObject({ count: usual.count, min: usual.min, max: usual.max });
    expectRelative(moments?.squaredDeviations as number, usual.squaredDeviations, 1e-12);
    expect(c.reference).toEqual(
      countValues(
        c.layout,
        made.map((row) => row.c),
      ),
    );
    expect(c.bySlot).toEqual(
      Array.from({ length: 7 }, (_, slot) =>
        countValues(
          c.layout,
          made.filter((row) => slotOf('day of week', row.at) === slot).map((row) => row.c),
        ),
      ),
    );
    expect(season).toMatchObject({ slot: 'day of week', slots: 7, windowsBySlot: [5, 5, 5, 5, 5, 5, 5] });
    expect(c.quiet?.windows).toBe(33);
  });

  test('is the same, bit by bit, for any number of threads', async () => {
    const [one, two] = [await profiled(1, hourMs), await profiled(2, hourMs)];
    expect(JSON.stringify(two)).toBe(JSON.stringify(one));
    expect(one.season.slot).toBe('hour of week');
  });

  test('is so too for rows of several row groups, of which only a sample sets the edges', async () => {
    const file = join(place.folder, 'large.parquet');
    const profile = (threads: number) =>
      inDuck(
        place.folder,
        async (db) => profileColumns(db, { ...rowsOf(file), epochMs: null }, [numberColumn, categoryColumn], dayMs),
        threads,
      );
    await inDuck(place.folder, (db) =>
      db.run(`COPY (SELECT i AS _row, ln(1 + (hash(i) % 1000003)) AS x, 'c' || (hash(i + 7) % 20000) AS c FROM range(300000) AS t(i))
        TO ${quoteText(file)} (FORMAT parquet)`),
    );
    const [one, two, four] = [await profile(1), await profile(2), await profile(4)];
    expect(JSON.stringify(two)).toBe(JSON.stringify(one));
    expect(JSON.stringify(four)).toBe(JSON.stringify(one));
    const [x, c] = one.variables;
    // 5 % of the rows a cell, within five standard deviations of the sample's and the rows' own.
    for (const rows of x?.reference.cells ?? []) expect(Math.abs(rows / 300_000 - 0.05)).toBeLessThan(5 * 0.0011);
    expect(x?.reference.cells.reduce((sum, rows) => sum + rows)).toBe(300_000);
    expect(c?.layout).toMatchObject({ values: { length: 50 }, seen: { kind: 'bloom' } });
    expect(c?.reference.cells.at(-1)).toBe(0);
  });

  test('adds slots up to the whole, also where old windows are counted by slot only', async () => {
    const { variables, season } = await profiled(1, 60_000 * 30);
    for (const { bySlot, reference, layout } of variables) {
      expect(bySlot.reduce(addCounts, emptyCounts(layout))).toEqual(reference);
    }
    expect(season.windowsBySlot.reduce((sum, windows) => sum + windows)).toBe(35 * 48);
    expect(variables[1]?.quiet?.windows).toBeLessThanOrEqual(499);
    const slot = 30;
    const inSlot = made.filter((row) => slotOf('hour of week', row.at) === slot).map((row) => row.c);
    const c = variables[1] as (typeof variables)[number];
    expect(c.bySlot[slot]).toEqual(countValues(c.layout, inSlot));
  });

  test('takes a column without any value, and no rows at all', async () => {
    const empty = (relation: string) =>
      inDuck(place.folder, (db) =>
        profileColumns(db, { relation, rowNumber: '_row', epochMs: 'NULL::BIGINT' }, [numberColumn, categoryColumn], dayMs),
      );
    const nothing = await empty('(SELECT i AS _row, NULL::DOUBLE AS x, NULL::VARCHAR AS c FROM range(3) AS t(i))');
    expect(nothing.variables.map(({ reference }) => reference)).toEqual([
      { cells: [0], missing: 3, nonFinite: 0, wrongType: 0 },
      { cells: [0, 0], missing: 3, nonFinite: 0, wrongType: 0 },
    ]);
    expect(nothing.variables[0]).toMatchObject({ fences: null, interquartileRange: null, moments: { count: 0, min: null } });
    const none = await empty('(SELECT i AS _row, 1.0::DOUBLE AS x, NULL::VARCHAR AS c FROM range(0) AS t(i))');
    expect(none).toMatchObject({ rows: 0, eventTime: null });
    expect(none.variables.map(({ reference }) => reference.cells)).toEqual([[0], [0, 0]]);
  });
});
