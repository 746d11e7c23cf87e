import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatasetManifest, DatasetSchema } from '#domain/contracts/dataset.ts';
import type { PipelineFile } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { createVectorizer, type RawRow, type ViewLookup } from '#domain/features/apply.ts';
import type { Sha256 } from '#domain/units.ts';
import { type BuiltFrame, buildFrame, type FrameInput } from '../../../infra/features/frame.ts';
import { readNpy } from '../../../infra/features/npy.ts';
import { allFiles, fetchSnapshot } from '../../../infra/features/snapshot.ts';
import type { ContentStore } from '../../../infra/objects/store.ts';
import { withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { testStore } from '../../support/servers.ts';
import { column, makeSnapshot, specOf } from './fixtures.ts';

const flights: DatasetSchema = {
  columns: [
    column('ts', 'timestamp', { role: 'event_time' }),
    column('delay', 'integer', { role: 'outcome' }),
    column('distance', 'integer', { min: 1, unit: 'mi' }),
    column('weight', 'number'),
    column('origin', 'category', { new_values: 'reject' }),
    column('destination', 'string'),
    column('heavy', 'boolean'),
    column('scheduled', 'timestamp'),
    column('nothing', 'number'),
    column('late', 'boolean', { role: 'label' }),
  ],
  eventTime: 'ts',
  key: [],
  label: 'late',
  labelKnownAfterMs: 86_400_000,
};
/** 3000 flights over 30 days, with ties in time and missing values; late a fifth of the time, more often from A1. */
const flightsSql = `SELECT TIMESTAMP '2001-01-01' + INTERVAL (i // 2 * 28) MINUTE AS ts, ((i * 7919) % 100)::BIGINT AS delay,
  CASE WHEN i % 11 = 0 THEN NULL ELSE (i * 31) % 2000 END::BIGINT AS distance,
  CASE WHEN i % 13 = 0 THEN NULL ELSE (i * 37 % 1000) / 7.0 END::DOUBLE AS weight,
  CASE WHEN i % 17 = 0 THEN NULL ELSE 'A' || (i * 13 % 5) END AS origin, 'B' || (i * 29 % 40) AS destination,
  CASE WHEN i % 19 = 0 THEN NULL ELSE i % 3 = 0 END AS heavy, TIMESTAMP '2001-01-01' + INTERVAL (i * 14 - 30000) MINUTE AS scheduled,
  NULL::DOUBLE AS nothing, CASE WHEN i % 101 = 0 THEN NULL ELSE ((i * 7919) % 100) < (CASE WHEN i % 5 = 1 THEN 40 ELSE 20 END) END AS late
  FROM range(3000) r(i)`;

const views = {
  origin_7d: { entity: 'origin', window: '7d', values: { late_rate: 'avg(late)', flights: 'count(*)' } },
  route: { entity: ['origin', 'destination'], window: '20d', values: { late_rate: 'avg(late)', mean_weight: 'avg(weight)' } },
};
const inputs: NonNullable<NonNullable<PipelineFile['features']>['inputs']> = {
  hour: { from: 'ts', part: 'hour' },
  month: { from: 'scheduled', part: 'month', encode: 'one-hot' },
  day_of_year: { from: 'scheduled', part: 'day_of_year', scale: 'min-max' },
  distance: { impute: 'median', scale: 'standard' },
  weight: {},
  origin: { encode: 'target', min_count: 10 },
  origin_code: { from: 'origin', encode: 'one-hot', impute: 'mode' },
  destination: { encode: 'ordinal', min_count: 5 },
  pair: { cross: ['origin', 'heavy'], encode: 'ordinal' },
  bucket: { from: 'destination', encode: 'hash', buckets: 16 },
  heavy: {},
  'origin_7d.late_rate': { impute: 0.2 },
  'origin_7d.flights': {},
  'route.late_rate': { impute: 'origin_7d.late_rate' },
  'route.mean_weight': { impute: 'mean' },
};

let folder: string;
let store: ReturnType<typeof testStore>;
let content: ContentStore;
let snapshot: DatasetManifest;
let count = 0;
const newFolder = (): string => join(folder, `work-${(count += 1)}`);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perennial-frame-'));
  store = testStore();
  content = store.content;
  snapshot = await makeSnapshot(content, newFolder(), flights, { main: { sql: flightsSql, parts: 4 } });
});
afterAll(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const build = async (
  manifest: DatasetManifest,
  file: Omit<PipelineFile, 'name' | 'data'>,
  more: Partial<FrameInput> = {},
  threads = 2,
): Promise<BuiltFrame> => {
  const spec = specOf({ data: { source: 'x.parquet', label: manifest.schema.label }, ...file });
  const files = await fetchSnapshot(manifest, content);
  const work = newFolder();
  return withDuckDb({ folder: work, memoryMiB: 512, threads, allowedFolders: allFiles(files) }, (db) =>
    buildFrame(db, {
      manifest,
      snapshotSha256: '0'.repeat(64) as Sha256,
      spec,
      files,
      folder: work,
      content,
      extraViews: [],
      championValues: [],
      onStage: () => {},
      ...more,
    }),
  );
};
const readMatrix = async (sha256: Sha256) => readNpy(await content.localFile(sha256));

type HoldoutRow = Record<string, string | number | boolean | null | Date>;
const readRaw = async (sha256: Sha256): Promise<HoldoutRow[]> => {
  const file = await content.localFile(sha256);
  return withDuckDb({ folder: newFolder(), memoryMiB: 256, threads: 1, allowedFolders: [file] }, (db) =>
    db.rows<HoldoutRow>(`SELECT * FROM read_parquet('${file}')`),
  );
};
const asRequest = (row: HoldoutRow): RawRow =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value instanceof Date ? value.getTime() : value]));
const lookupIn =
  (row: HoldoutRow): ViewLookup =>
  (view) =>
    Object.fromEntries(
      Object.entries(row).flatMap(([name, value]) =>
        name.startsWith(`${view}.`) ? [[name.slice(view.length + 1), value as number | null]] : [],
      ),
    );

describe('buildFrame()', () => {
  it('gives a request the same bits as the batch', async () => {
    const { frame, featureSet } = await build(snapshot, { features: { views, inputs }, training: { holdout: '7d' } });
    const vectorizer = createVectorizer(featureSet);
    const batch = await readMatrix(frame.holdout.features);
    const rows = await readRaw(frame.holdout.raw);
    expect(rows.map((row) => row['_row'])).toEqual(rows.map((_, index) => index));
    expect([batch.rows, batch.columns]).toEqual([frame.holdout.rows, frame.columns.length]);
    const single = new Float32Array(batch.data.length);
    rows.forEach((row, index) => {
      vectorizer.apply(asRequest(row), lookupIn(row), single, index * vectorizer.width);
    });
    expect(Buffer.from(single.buffer).equals(Buffer.from(batch.data.slice().buffer))).toBe(true);
    expect(new Set(batch.data.subarray(0, batch.columns)).size).toBeGreaterThan(3);
  });

  it('makes equal bytes of equal data, whatever the threads', async () => {
    const file = {
      features: {
        views: { origin_7d: views.origin_7d },
        inputs: { distance: {}, origin: { encode: 'target' as const }, 'origin_7d.late_rate': {} },
      },
    };
    const [one, two, three] = [
      await build(snapshot, file, {}, 1),
      await build(snapshot, file, {}, 2),
      await build(snapshot, file, {}, 3),
    ];
    expect(two.frameSha256).toBe(one.frameSha256);
    expect(three.frameSha256).toBe(one.frameSha256);
  });

  it('holds out the newest rows with known labels, and trains on what was known before them', async () => {
    const { frame } = await build(snapshot, {
      features: { inputs: { distance: {} } },
      training: { holdout: '7d', window: '14d' },
    });
    const last = Date.parse(snapshot.eventTime?.last as string);
    const day = 86_400_000;
    expect(frame.split).toEqual({
      kind: 'time',
      trainFrom: new Date(last - 22 * day).toISOString(),
      holdoutFrom: new Date(last - 8 * day).toISOString(),
      holdoutTo: expect.any(String),
    });
    const raw = await readRaw(frame.holdout.raw);
    const times = raw.map((row) => (row['ts'] as Date).getTime());
    expect(Math.min(...times)).toBeGreaterThanOrEqual(last - 8 * day);
    expect(Math.max(...times)).toBeLessThanOrEqual(last - day);
    expect(raw.every((row) => row['late'] !== null)).toBe(true);
    const start = Date.parse('2001-01-01T00:00:00Z');
    const expected = Array.from({ length: 3000 }, (_, i) => ({
      at: start + Math.floor(i / 2) * 28 * 60_000,
      known: i % 101 !== 0,
    })).filter(({ at, known }) => known && at >= last - 22 * day && at + day <= last - 8 * day).length;
    expect(frame.train.rows).toBe(expected);
    const labels = await readMatrix(frame.train.labels);
    expect([labels.rows, new Set(labels.data)]).toEqual([expected, new Set([0, 1])]);
  });

  it('encodes a training row without its own fold, and a request with all', async () => {
    const { frame, featureSet } = await build(snapshot, { features: { inputs: { origin: { encode: 'target', smoothing: 0 } } } });
    const matrix = await readMatrix(frame.train.features);
    const [transform] = featureSet.features[0]?.transforms ?? [];
    expect(transform).toMatchObject({ kind: 'target', categories: ['A0', 'A1', 'A2', 'A3', 'A4'] });
    // Five folds of six categories (missing is one), some of them equal; none of them is the served value.
    const seen = new Set(matrix.data);
    expect(seen.size).toBeGreaterThan(20);
    const served = new Set((transform as { means: number[] }).means.map(Math.fround));
    expect([...seen].filter((value) => served.has(value))).toEqual([]);
  });

  it('asks a request for what training had, with types, limits and known values', async () => {
    const { featureSet } = await build(snapshot, { features: { views, inputs }, serve: { inputs: { ts: 'now' } } });
    expect(featureSet.request).toMatchObject([
      { name: 'ts', type: 'timestamp', required: false, defaultsTo: 'now' },
      { name: 'distance', type: 'integer', min: 1, unit: 'mi', required: false },
      { name: 'weight', required: false },
      { name: 'origin', unknownValues: 'reject', values: ['A0', 'A1', 'A2', 'A3', 'A4'], required: false },
      { name: 'destination', required: true, unknownValues: 'allow' },
      { name: 'heavy', required: false },
      { name: 'scheduled', required: true },
    ]);
    expect(featureSet.views.map((view) => view.name)).toEqual(['origin_7d', 'route']);
  });

  it('takes what only names a row, and does without', async () => {
    const named = { ...snapshot, schema: { ...flights, key: ['origin', 'nothing'] } };
    const [without, withKey] = [
      await build(snapshot, { features: { views, inputs } }),
      await build(named, { features: { views, inputs } }),
    ];
    expect(withKey.featureSet.request).toEqual([
      ...without.featureSet.request,
      { name: 'nothing', type: 'number', unknownValues: 'allow', required: false, defaultsTo: null },
    ]);
    expect(withKey.featureSet.features).toEqual(without.featureSet.features);
  });

  it('takes everything but text where nothing is declared, and a constant for an empty column', async () => {
    const { frame, featureSet } = await build(snapshot, { features: { views: { origin_7d: views.origin_7d } } });
    const names = [
      'ts_hour',
      'ts_weekday',
      'distance',
      'weight',
      'origin',
      'heavy',
      'scheduled_hour',
      'scheduled_weekday',
      'nothing',
    ];
    expect(frame.columns).toEqual([...names, 'origin_7d.late_rate', 'origin_7d.flights']);
    expect(featureSet.features.find((feature) => feature.name === 'nothing')?.transforms).toEqual([{ kind: 'impute', value: 0 }]);
  });

  it('proves the SQL of the user before it uses it', async () => {
    const rate = (end: string) =>
      `SELECT origin, ts AS known_at, avg(late::INTEGER) OVER (PARTITION BY origin ORDER BY ts RANGE BETWEEN INTERVAL 9 DAY PRECEDING AND ${end} PRECEDING) AS v FROM events`;
    const file = (end: string) => ({
      features: { views: { mine: { sql: rate(end), entity: 'origin', known_at: 'known_at' } }, inputs: { 'mine.v': {} } },
    });
    const { frame } = await build(snapshot, file('INTERVAL 1 DAY'));
    expect(frame.truncationProof.length).toBeGreaterThanOrEqual(5);
    await expect(build(snapshot, file('INTERVAL 1 MINUTE'))).rejects.toMatchObject({ code: 'PRN_FEATURE_FUTURE' });
  });

  it("puts a champion's further views into the hold-out, and says nothing where they cannot be computed", async () => {
    const { featureSet } = await build(snapshot, { features: { views, inputs: { 'origin_7d.flights': {} } } });
    const [view] = featureSet.views;
    if (view === undefined) throw new Error('the feature set has no view');
    const extraViews = [
      { view, as: 'origin_7d' },
      { view: { ...view, sql: 'SELECT _row, gone AS flights, gone AS late_rate FROM snapshot' }, as: 'origin_7d@abc' },
    ];
    const { frame } = await build(snapshot, { features: { inputs: { distance: {} } } }, { extraViews });
    const rows = await readRaw(frame.holdout.raw);
    expect(rows.every((row) => row['origin'] === null || (row['origin_7d.flights'] as number) > 0)).toBe(true);
    expect(rows.every((row) => row['origin_7d@abc.flights'] === null)).toBe(true);
  });

  const small = (labelSql: string, type: 'category' | 'integer' | 'number' | 'boolean', rows = 300) =>
    makeSnapshot(
      content,
      newFolder(),
      {
        columns: [column('id', 'integer', { role: 'key' }), column('x', 'integer'), column('y', type, { role: 'label' })],
        eventTime: null,
        key: ['id'],
        label: 'y',
        labelKnownAfterMs: 0,
      },
      { main: { sql: `SELECT i::BIGINT AS id, (i * 7919 % 101)::BIGINT AS x, ${labelSql} AS y FROM range(${rows}) r(i)` } },
    );
  it.each([
    ['truths', 'i % 3 = 0', 'boolean', 'binary', ['false', 'true']],
    ['two numbers', '(i % 2 + 1)::BIGINT', 'integer', 'binary', ['1', '2']],
    ['two texts', `CASE WHEN i % 3 = 0 THEN 'yes' ELSE 'no' END`, 'category', 'binary', ['no', 'yes']],
    [
      'few whole numbers',
      '(i % 12)::BIGINT',
      'integer',
      'multiclass',
      ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11'],
    ],
    ['many whole numbers', '(i * 31 % 997)::BIGINT', 'integer', 'regression', []],
    ['fractions', '(i * 31 % 997 / 3.0)::DOUBLE', 'number', 'regression', []],
  ] as const)('takes %s for what they are', async (_, sql, type, task, classes) => {
    const { frame } = await build(await small(sql, type), {});
    expect([frame.task, frame.classes, frame.split.kind]).toEqual([task, classes, 'hash']);
    const labels = await readMatrix(frame.train.labels);
    if (task !== 'regression') expect(new Set(labels.data)).toEqual(new Set(classes.map((_each, index) => index)));
  });

  it('keeps a row on its side when others come', async () => {
    const sides = async (rows: number) => {
      const { frame } = await build(await small('i % 3 = 0', 'boolean', rows), { training: { holdout: '30%' } });
      return (await readRaw(frame.holdout.raw)).map((row) => row['id'] as number);
    };
    const [few, many] = [await sides(300), await sides(600)];
    expect(many.filter((id) => id < 300)).toEqual(few);
    expect(few.length).toBeGreaterThan(60);
    expect(few.length).toBeLessThan(120);
  });

  it.each([
    ['one class', 'true', 'boolean', 300, {}, 'PRN_DATA_LABEL', /only "true"/],
    ['no label', 'NULL::BOOLEAN', 'boolean', 300, {}, 'PRN_FEATURE_SPLIT', /has 0/],
    ['too few rows', 'i % 2 = 0', 'boolean', 20, {}, 'PRN_FEATURE_SPLIT', /must have at least/],
    [
      'a time where there is none',
      'i % 2 = 0',
      'boolean',
      300,
      { training: { holdout: '7d' } },
      'PRN_FEATURE_SPLIT',
      /must be a share/,
    ],
    [
      'the label by another name',
      '(i * 7919 % 101) > 50',
      'boolean',
      300,
      {},
      'PRN_FEATURE_LEAKAGE',
      /"x" as its roc_auc alone must be at most 0.99: it is 1/,
    ],
    ['a quantity by another name', '(i * 7919 % 101) * 2.5::DOUBLE', 'number', 300, {}, 'PRN_FEATURE_LEAKAGE', /its r2 alone/],
    [
      'a target encoding of classes',
      '(i % 5)::BIGINT',
      'integer',
      300,
      { features: { inputs: { x: { encode: 'target' as const } } } },
      'PRN_FEATURE_INVALID',
      /two classes/,
    ],
  ] as const)('refuses %s', async (_, sql, type, rows, file, code, message) => {
    await expect(build(await small(sql, type, rows), file)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('refuses a feature that is known only with the label, and one that was never there', async () => {
    await expect(build(snapshot, { features: { inputs: { delay: {} } } })).rejects.toThrow(/role outcome/);
    await expect(build(snapshot, { features: { inputs: { nothing: { impute: 'median' } } } })).rejects.toThrow(/all are missing/);
  });
});
