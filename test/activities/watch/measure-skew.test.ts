import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPublish } from '../../../activities/publish.ts';
import { measureSkew, type SkewQuestion } from '../../../activities/watch/measure-skew.ts';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { createOnlineFeatures } from '../../../infra/postgres/online-features.ts';
import type { Db } from '../../../infra/postgres/pool.ts';
import { createPredictionParts } from '../../../infra/postgres/prediction-parts.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { createWatchReports } from '../../../infra/postgres/watch-reports.ts';
import { silentLogger } from '../../../infra/telemetry/logger.ts';
import { createMetrics } from '../../../infra/telemetry/metrics.ts';
import { startShipper } from '../../../serving/capture/ship.ts';
import { createOnlineCopy, lookupFor } from '../../../serving/model/online-copy.ts';
import { lookupIn, rowViewsOf } from '../../../serving/model/row-views.ts';
import { loadServedModel } from '../../../serving/model/served-model.ts';
import type { AnsweredRecord } from '../../../workflows/domain/contracts/capture.ts';
import type { FeatureSet } from '../../../workflows/domain/contracts/feature-set.ts';
import type { ModelPackage } from '../../../workflows/domain/contracts/model-version.ts';
import type { PipelineName, Sha256 } from '../../../workflows/domain/units.ts';
import { answered, instant, writeSegment } from '../../infra/capture/records.ts';
import { storeTinyModel } from '../../serving/support/models.ts';
import { csvOf, type DataWorld, eventsFile, openDataWorld } from '../support/data-world.ts';

const events = 'events' as PipelineName;
const eventDay = '2001-01-08';

const featureSet: FeatureSet = {
  format: 1,
  eventTime: 'at',
  request: [
    { name: 'at', type: 'timestamp', unknownValues: 'allow', required: true, defaultsTo: null },
    { name: 'place', type: 'category', unknownValues: 'allow', required: true, defaultsTo: null },
  ],
  views: [{ name: 'place_7d', entity: ['place'], values: ['late_rate'], sql: 'select 1', staleAfterMs: 7 * 86_400_000 }],
  features: [
    {
      name: 'hour',
      source: { kind: 'column', column: 'at' },
      transforms: [{ kind: 'date-part', part: 'hour' }],
      outputs: ['hour'],
    },
    {
      name: 'late_rate',
      source: { kind: 'view', view: 'place_7d', value: 'late_rate' },
      transforms: [{ kind: 'impute', value: 0.25 }],
      outputs: ['late_rate'],
    },
  ],
};

/** Delays at three places over a week; the rate of each is its own. */
const csv = csvOf(
  Array.from({ length: 210 }, (_, n) => {
    const place = ['ORD', 'ATL', 'SFO'][n % 3] as string;
    const day = String(1 + Math.floor(n / 30)).padStart(2, '0');
    return [`2001-01-${day} ${String(n % 24).padStart(2, '0')}:00:00`, n % (2 + (n % 3)) === 0 ? 60 : 0, place];
  }),
);

const views = { views: { place_7d: { entity: 'place', window: '7d', values: { late_rate: 'avg(late)' } } } };

let world: DataWorld;
let version: SkewQuestion['version'];
beforeEach(async () => {
  world = await openDataWorld({ memoryMiB: 256, threads: 1 });
  const file = {
    ...eventsFile(world.write('events.csv', csv)),
    features: views,
  };
  version = await prepare(file);
});
afterEach(() => world.close());

/** Freezes, registers and publishes, as a run does. */
const prepare = async (
  file: Parameters<DataWorld['snapshot']>[0],
  training = 'first',
  served: FeatureSet = featureSet,
): Promise<SkewQuestion['version']> => {
  const { input, frozen } = await world.snapshot(file);
  const { content } = world.deps;
  const modelSha256 = await storeTinyModel(content, { pipeline: events, bias: -1, featureSet: served });
  const { onnx, featureSetSha256 } = (await content.getJson(modelSha256)) as ModelPackage;
  const registry = createRegistry(world.db);
  const profileSha256 = sha256Of('profile');
  const { definitionSha256 } = input;
  const lineage = { pipeline: events, modelSha256, onnxSha256: onnx.sha256, featureSetSha256, definitionSha256, profileSha256 };
  const origin = {
    trainingKey: sha256Of(training),
    codeVersion: 'test',
    snapshotSha256: frozen.snapshotSha256,
    runKey: null,
  };
  const registered = await registry.register({ ...lineage, ...origin, trainer: 'reference', parameters: {}, metrics: {} }, 'ada');
  const deps = {
    ...world.deps,
    deployments: createDeployments(world.db as Db),
    registry,
    onlineFeatures: createOnlineFeatures(world.db),
  };
  await createPublish(deps)({ ...input, snapshotSha256: frozen.snapshotSha256, featureSetSha256 });
  return { ...registered, profileSha256 };
};

/** Answers of the server's own code, logged and shipped. */
const serve = async (
  count: number,
  change: (record: AnsweredRecord, n: number) => AnsweredRecord = (record) => record,
): Promise<AnsweredRecord[]> => {
  const { content } = world.deps;
  const model = await loadServedModel(content, events, {
    modelSha256: version.modelSha256,
    profileSha256: null,
  });
  const { publication, rows } = await createOnlineFeatures(world.db).load(events);
  const copy = createOnlineCopy(publication ?? '', rows);
  const lookupOf = lookupFor(featureSet, copy, () => {});
  const at = Date.now() + 1_000;
  const asked = Array.from({ length: count }, (_, n) => ({
    at: Date.parse(`${eventDay}T00:00:00Z`) + n * 60_000,
    place: ['ORD', 'ATL', 'SFO', 'XNA'][n % 4] as string,
  }));
  const views = asked.map((row) => rowViewsOf(featureSet, row, lookupOf(row)));
  const answers = await model.predict(asked, (_, index) => lookupIn(views[index] ?? null));
  await model.retire();
  const records = asked.map((row, n) =>
    change(
      answered(instant(at), n, {
        pipeline: events,
        modelSha256: version.modelSha256,
        eventAt: instant(row.at),
        inputs: row,
        views: views[n] ?? {},
        scores: [answers[n]?.probability ?? 0],
        prediction: answers[n]?.prediction ?? null,
      }),
      n,
    ),
  );
  const serverFolder = join(world.folder, 'capture/server-1');
  writeSegment(join(serverFolder, 'epoch-1/000001.ndjson'), records);
  const parts = createPredictionParts(world.db);
  const shipping = {
    content,
    parts,
    log: silentLogger(),
    metrics: createMetrics(),
    scratch: join(world.folder, 'ship'),
    closeMs: 60_000,
  };
  await startShipper(shipping, { serverId: 'server-1', serverFolder, epoch: 'epoch-1' }).close();
  return records;
};

const window = { from: instant(eventDay), to: instant('2001-01-09') };
const measured = async () => {
  const reports = createWatchReports(world.db);
  const deps = {
    ...world.deps,
    predictionParts: createPredictionParts(world.db),
    reports,
    onlineFeatures: createOnlineFeatures(world.db),
  };
  return await measureSkew(deps, { version, window });
};

describe('measureSkew()', () => {
  it('finds what was served to be what the data give, value by value and answer by answer, and keeps the report', async () => {
    await serve(40);
    const found = await measured();
    expect(found).toMatchObject({
      outcome: 'pass',
      report: {
        predictions: 40,
        sampled: 40,
        skipped: 0,
        compared: { views: 40, features: 80, answers: 40 },
        mismatched: { views: 0, features: 0, answers: 0, rows: 0 },
        mismatches: [],
        snapshots: [version.snapshotSha256],
      },
    });
    expect(await measured()).toEqual(found);
    const [row] = await createWatchReports(world.db).list(events, { kind: 'skew' });
    expect(row).toMatchObject({ outcome: 'pass', sha256: found?.reportSha256, from: window.from, to: window.to });
    expect(await world.json(found?.reportSha256 as Sha256)).toEqual(found?.report);
  });

  it('finds a published value that is wrong, by view, feature, answer and prediction, with both values', async () => {
    const { rows: before } = await sql<{
      values: { late_rate: number };
    }>`select "values" from perennial.online_features where entity = 'ATL'`.execute(world.db);
    await sql`update perennial.online_features set "values" = '{"late_rate": 0.99}' where entity = 'ATL'`.execute(world.db);
    const records = await serve(40);
    const found = await measured();
    const wrong = records.filter(({ inputs }) => inputs['place'] === 'ATL');
    expect(found?.outcome).toBe('fail');
    expect(found?.report.mismatched).toEqual({
      views: wrong.length,
      features: wrong.length,
      answers: wrong.length,
      rows: wrong.length,
    });
    expect(found?.report.byName).toEqual({ 'view place_7d.late_rate': 10, 'feature late_rate': 10, 'answer true': 10 });
    const [first] = wrong;
    const told = found?.report.mismatches.filter(({ predictionId }) => predictionId === first?.id);
    const right = before[0]?.values.late_rate ?? 0;
    expect(told).toEqual([
      { predictionId: first?.id, what: 'view', name: 'place_7d.late_rate', served: 0.99, recomputed: expect.closeTo(right, 9) },
      {
        predictionId: first?.id,
        what: 'feature',
        name: 'late_rate',
        served: expect.closeTo(0.99, 6),
        recomputed: expect.closeTo(right, 6),
      },
      { predictionId: first?.id, what: 'answer', name: 'true', served: first?.scores[0], recomputed: expect.any(Number) },
    ]);
  });

  it('finds an answer that its own inputs do not give', async () => {
    const records = await serve(8, (record, n) => (n === 5 ? { ...record, scores: [0.9] } : record));
    const found = await measured();
    expect(found?.outcome).toBe('fail');
    expect(found?.report.mismatches).toEqual([
      { predictionId: records[5]?.id, what: 'answer', name: 'true', served: 0.9, recomputed: expect.any(Number) },
    ]);
  });

  it('finds a value where none should have been', async () => {
    await serve(4, (record, n) => (n === 3 ? { ...record, views: { place_7d: { late_rate: 0.5 } } } : record));
    const found = await measured();
    expect(found?.report.mismatches[0]).toMatchObject({ what: 'view', served: 0.5, recomputed: null });
  });

  it('goes by what was published, not by what was frozen since', async () => {
    await serve(8);
    const more = eventsFile(world.write('events.csv', `${csv}2001-01-07 23:30:00,60,ATL\n`));
    const { frozen } = await world.snapshot({ ...more, features: views });
    await sql`update perennial.snapshots set created_at = created_at - interval '1 hour'`.execute(world.db);
    expect(await measured()).toMatchObject({ outcome: 'pass', report: { sampled: 8, snapshots: [version.snapshotSha256] } });
    expect(frozen.snapshotSha256).not.toBe(version.snapshotSha256);
  });

  const promote = () =>
    createDeployments(world.db as Db).promote({
      pipeline: events,
      kind: 'promote',
      version: version.version,
      expectedGeneration: 0,
      operationKey: 'test',
      actor: 'tester',
      reason: 'test',
    });
  const fileWith = (late_rate: string, more = '') => ({
    ...eventsFile(world.write('events.csv', csv + more)),
    features: { views: { place_7d: { entity: 'place', window: '7d', values: { late_rate } } } },
  });
  const [view] = featureSet.views as [FeatureSet['views'][number]];
  const redefined = { ...featureSet, views: [{ ...view, sql: 'select 2' }] };

  it('finds that a champion is served its own values while a candidate means others by their name', async () => {
    await promote();
    const file = fileWith('avg(case when late then 0 else 1 end)', '2001-01-07 23:30:00,60,ATL\n');
    const candidate = await prepare(file, 'later', redefined);
    const records = await serve(8);
    // Not what it was published with when it began to serve.
    await sql`update perennial.publication_log set began_at = began_at - interval '1 day', published_at = published_at - interval '1 day'`.execute(
      world.db,
    );
    const rates = records.map(({ views }) => views['place_7d']?.['late_rate']);
    expect(new Set(rates.slice(0, 3)).size).toBe(3);
    expect(rates.slice(0, 3).every((rate) => typeof rate === 'number' && rate <= 0.5)).toBe(true);
    const report = { sampled: 8, skipped: 0, snapshots: [candidate.snapshotSha256] };
    expect(await measured()).toMatchObject({ outcome: 'pass', report });
  });

  it('cannot tell of values that stayed because newer data no longer give them', async () => {
    await promote();
    const renamed = csv.replace('at,delay,place', 'at,delay,spot');
    const file = eventsFile(world.write('events.csv', renamed), {
      columns: { at: { type: 'timestamp' }, delay: { type: 'integer', role: 'outcome' }, spot: { type: 'category' } },
    });
    const spots = { spot_7d: { entity: 'spot', window: '7d', values: { late_rate: 'avg(late)' } } };
    const served = { ...featureSet, views: [{ ...view, name: 'spot_7d', entity: ['spot'] }] };
    await prepare({ ...file, features: { views: spots } }, 'later', served);
    const records = await serve(8);
    expect(records.slice(0, 3).every(({ views }) => views['place_7d'] !== undefined)).toBe(true);
    expect(await measured()).toMatchObject({ outcome: 'pass', report: { sampled: 8, skipped: 0 } });
    await sql`delete from perennial.watch_reports`.execute(world.db);
    await sql`update perennial.publication_log set began_at = began_at - interval '1 day', published_at = published_at - interval '1 day'`.execute(
      world.db,
    );
    expect(await measured()).toMatchObject({ outcome: 'inconclusive', report: { sampled: 8, skipped: 8 } });
  });

  it('takes what a publication on its way gives for right, and what one from long ago gives for wrong', async () => {
    await serve(8);
    const more = eventsFile(world.write('events.csv', `${csv}2001-01-07 23:30:00,60,ATL\n`));
    await prepare({ ...more, features: views }, 'later');
    const reports = () => sql`delete from perennial.watch_reports`.execute(world.db);
    expect(await measured()).toMatchObject({ outcome: 'pass' });
    await reports();
    await sql`update perennial.publication_log set began_at = began_at - interval '1 day', published_at = published_at - interval '1 day'`.execute(
      world.db,
    );
    const found = await measured();
    expect(found?.outcome).toBe('fail');
    expect(found?.report.mismatched.rows).toBeGreaterThanOrEqual(2);
    expect(new Set(found?.report.mismatches.map(({ name }) => name))).toEqual(
      new Set(['place_7d.late_rate', 'late_rate', 'true']),
    );
  });

  it('reads eight publications again, and passes over the rows of others', async () => {
    const first = Date.parse('2026-01-01T00:00:00Z');
    await sql`delete from perennial.publication_log`.execute(world.db);
    for (let minute = 0; minute < 10; minute += 1) {
      const more = `2001-01-01 00:0${minute}:00,60,ELSEWHERE\n`;
      const { frozen } = await world.snapshot({ ...eventsFile(world.write('events.csv', csv + more)), features: views });
      const at = instant(first + minute * 60_000);
      await sql`insert into perennial.publication_log (pipeline, publication, snapshot_sha256, began_at, published_at)
        values (${events}, ${at}, ${frozen.snapshotSha256}, ${at}, ${at})`.execute(world.db);
    }
    // One row for each of them, once all servers had heard of it.
    await serve(10, (record, n) => ({ ...record, at: instant(first + n * 60_000 + 45_000) }));
    const found = await measured();
    expect(found).toMatchObject({ outcome: 'pass', report: { sampled: 10, skipped: 2 } });
    expect(found?.report.snapshots).toHaveLength(8);
  });

  it('cannot tell where nothing was published yet, and has nothing to say where nothing was answered', async () => {
    expect(await measured()).toBeNull();
    await serve(4);
    await sql`delete from perennial.publication_log`.execute(world.db);
    expect(await measured()).toMatchObject({ outcome: 'inconclusive', report: { sampled: 4, skipped: 4 } });
  });
});
