import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WindowTally } from '#domain/contracts/flush.ts';
import { windowCountsSchema } from '#domain/contracts/reference-profile.ts';
import { measureDrift } from '#domain/stats/drift/measure-drift.ts';
import { countValues } from '#domain/stats/summaries/place-value.ts';
import { addWindows } from '#domain/stats/summaries/window-counts.ts';
import { dayMs, type Instant } from '#domain/units.ts';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { countWindow } from '../../../infra/profile/count-window.ts';
import { expectRelative } from '../../domain/stats/tolerance.ts';
import { testFolder } from '../../support/servers.ts';
import { inDuck, type MadeRow, makeRows, profileMade, rowsOf, writeRows } from './made-rows.ts';

const profileSha256 = sha256Of('the profile');
const span = { from: '2001-02-05T00:00:00.000Z' as Instant, to: '2001-02-06T00:00:00.000Z' as Instant };
const reference = makeRows(4000, 1);
const current = makeRows(3000, 2, ['never seen', 'nor this']);

let place: ReturnType<typeof testFolder>;
let profile: Pick<Parameters<typeof measureDrift>[0], 'features' | 'scores' | 'predictions' | 'season' | 'rows' | 'eventTime'>;
beforeAll(async () => {
  place = testFolder();
  profile = await inDuck(place.folder, async (db) => {
    const { variables, ...rest } = await profileMade(db, await writeRows(db, place.folder, 'reference.parquet', reference));
    const features = variables.map((variable) => ({
      ...variable,
      critical: false,
      importance: null,
      closedVocabulary: false,
      hardLimits: { min: null, max: null },
    }));
    return { ...rest, features, scores: [], predictions: null };
  });
});
afterAll(() => place.close());

const counted = (rows: readonly MadeRow[], threads = 1) =>
  inDuck(
    place.folder,
    async (db) =>
      countWindow(db, profile, profileSha256, rowsOf(await writeRows(db, place.folder, `window-${threads}.parquet`, rows)), span),
    threads,
  );

const outsideOf = (rows: readonly MadeRow[]): number => {
  const [x] = profile.features;
  if (!x?.fences) throw new Error('the reference has fences');
  const { low, high } = x.fences;
  return rows.filter((row) => row.x !== null && Number.isFinite(row.x) && (row.x < low || row.x > high)).length;
};

describe('countWindow()', () => {
  test('counts what is counted row by row: no numbers, infinities, missing, new and empty categories', async () => {
    const window = await counted(current);
    expect(windowCountsSchema.parse(window)).toEqual(window);
    const [x, c] = window.features as [(typeof window.features)[number], (typeof window.features)[number]];
    const [numbers, categories] = profile.features.map(({ layout }) => layout) as [never, never];
    expect(x.counts).toEqual(
      countValues(
        numbers,
        current.map((row) => row.x),
      ),
    );
    expect(c.counts).toEqual(
      countValues(
        categories,
        current.map((row) => row.c),
      ),
    );
    expect(x.outside).toBe(outsideOf(current));
    expect(x.outside).toBeGreaterThan(0);
    expect(c.counts.cells.at(-1)).toBe(current.filter((row) => row.c === 'never seen' || row.c === 'nor this').length);
    expect(x.moments?.max).toBe(1e6);
    expect(window.rows).toBe(3000);
  });

  test('gives the same counters for all rows and for parts that are added up', async () => {
    const whole = await counted(current, 2);
    const parts = [
      await counted(current.slice(0, 17)),
      await counted(current.slice(17, 2100)),
      await counted(current.slice(2100)),
    ];
    const summed = parts.reduceRight<WindowTally>((sum, part) => addWindows(sum, part), await counted([]));
    for (const [index, feature] of whole.features.entries()) {
      const other = summed.features[index] as typeof feature;
      expect({ ...other, moments: null }).toEqual({ ...feature, moments: null });
      if (feature.moments === null) continue;
      expectRelative(other.moments?.squaredDeviations as number, feature.moments.squaredDeviations, 1e-12);
    }
  });

  test('gives zeros for no rows', async () => {
    const window = await counted([]);
    expect(window.rows).toBe(0);
    for (const { counts } of window.features) expect([...counts.cells, counts.missing].every((rows) => rows === 0)).toBe(true);
  });

  test('counts numbers that came as text, and the other way round, as the wrong type', async () => {
    const window = await inDuck(place.folder, (db) =>
      countWindow(
        db,
        profile,
        profileSha256,
        { relation: `(SELECT 0 AS _row, '7' AS x, 1.5::DOUBLE AS c UNION ALL SELECT 1, NULL, NULL)` },
        span,
      ),
    );
    for (const { counts } of window.features) expect(counts).toMatchObject({ wrongType: 1, missing: 1 });
  });

  test('names the column that is not there', async () => {
    const counting = inDuck(place.folder, (db) =>
      countWindow(db, profile, profileSha256, { relation: `(SELECT 0 AS _row, 1.0 AS x, 'a' AS cc)` }, span),
    );
    await expect(counting).rejects.toMatchObject({
      code: 'PRN_DATA_COLUMN_MISSING',
      message: expect.stringContaining('the profile\'s column "c"'),
    });
  });

  test('finds no drift in rows of the same kind, and finds those that moved', async () => {
    const whole = {
      format: 1,
      pipeline: 'made',
      snapshotSha256: profileSha256,
      featureSetSha256: profileSha256,
      onnxSha256: null,
      performance: null,
    } as never;
    const judge = async (rows: readonly MadeRow[]) => {
      const { features } = measureDrift({ ...(whole as object), ...profile } as never, await counted(rows), { profileSha256 });
      return features.map(
        ({ debiasedPsi, adjustedPValue }) => (debiasedPsi as number) > 0.1 && (adjustedPValue as number) < 0.05,
      );
    };
    const day = makeRows(3000, 3).map((row) => ({ ...row, at: Date.parse(span.from) + (row.at % dayMs) }));
    expect(await judge(day)).toEqual([false, false]);
    expect(await judge(day.map((row) => ({ ...row, x: row.x === null ? null : row.x + 20 })))).toEqual([true, false]);
  });
});
