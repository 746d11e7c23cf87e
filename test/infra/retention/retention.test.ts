import { beforeEach, describe, expect, it } from 'vitest';
import { digestOfJson, sha256Of } from '../../../infra/objects/digest.ts';
import type { ObjectStore } from '../../../infra/objects/store.ts';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { createLabels } from '../../../infra/postgres/labels.ts';
import { createPredictionParts } from '../../../infra/postgres/prediction-parts.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import { createRuns } from '../../../infra/postgres/runs.ts';
import { createSnapshots } from '../../../infra/postgres/snapshots.ts';
import { createStepLedger } from '../../../infra/postgres/step-ledger.ts';
import { applyRetention, garbageGraceMs } from '../../../infra/retention/apply-retention.ts';
import { observeLoop } from '../../../infra/telemetry/loop-metrics.ts';
import { createMetrics } from '../../../infra/telemetry/metrics.ts';
import { verifyAll } from '../../../infra/verify.ts';
import type { ReferenceProfile } from '../../../workflows/domain/contracts/reference-profile.ts';
import { dayMs, hourMs, type PipelineName, type RunKey, type Sha256 } from '../../../workflows/domain/units.ts';
import { testStore } from '../../support/servers.ts';
import { idAt, instant } from '../capture/records.ts';
import { applyFlights, candidate, flights, openBench, promotion, request, runKey, version } from '../postgres/bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
let stored: ReturnType<typeof testStore>;

const sha = (text: string): Sha256 => sha256Of(text);
/** Of a model with windows of a day. */
const profile: ReferenceProfile = {
  format: 1,
  pipeline: flights,
  snapshotSha256: sha('snapshot'),
  featureSetSha256: sha('features'),
  onnxSha256: null,
  rows: 1,
  eventTime: null,
  season: { slot: 'none', slots: 1, windowMs: dayMs, windowsBySlot: [1] },
  features: [],
  scores: [],
  predictions: null,
  performance: null,
};

/** A bystander with a definition of its own. */
const churn = 'churn' as PipelineName;
/** Keeps ten times as long. */
const patient = 'patient' as PipelineName;
const data = { source: 'rows.csv', label: 'late' };

const apply = (pipeline: PipelineName, retention: Record<string, string>): Promise<unknown> => {
  const file = { name: pipeline, data, retention };
  return createDefinitions(bench.db).apply(pipeline, null, file, digestOfJson(file), 'c0ffee', 'ada');
};

beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  await apply(flights, { predictions: '90d', snapshots: 'champions and 1 newest', runs: '365d' });
  await apply(patient, { predictions: '900d', snapshots: 'champions and 10 newest', runs: '3650d' });
  stored = testStore();
  return async () => {
    await bench.end();
    stored.close();
  };
});

const apply90 = (isForReal = true, objects: ObjectStore = stored.store) =>
  applyRetention(
    { db: bench.db, objects, content: stored.content },
    { isForReal },
    { graceMs: garbageGraceMs, nowMs: Date.now() + 2 * garbageGraceMs },
  );
const of = async (pipeline: PipelineName, report: ReturnType<typeof apply90> = apply90()) =>
  (await report).pipelines.find((one) => one.pipeline === pipeline);

/** The store, so that some of what it does can be replaced. */
const bound = (): ObjectStore => {
  const { store } = stored;
  return {
    createOnce: (key, body) => store.createOnce(key, body),
    createFromFile: (file, keyOf) => store.createFromFile(file, keyOf),
    read: (key) => store.read(key),
    download: (key, file) => store.download(key, file),
    localPath: (key) => store.localPath(key),
    stat: (key) => store.stat(key),
    list: (prefix) => store.list(prefix),
    delete: (key) => store.delete(key),
  };
};

const hourAgo = (days: number): number => Math.floor((Date.now() - days * dayMs) / hourMs) * hourMs;
/** One object and its row: what a server shipped of an hour. */
const ship = async (pipeline: PipelineName, hour: number, eventMs = hour, segment = 1): Promise<Sha256> => {
  const sha256 = await stored.content.putBytes(Buffer.from(`${pipeline} ${hour} ${segment}`.padEnd(100)));
  await createPredictionParts(bench.db).record([
    {
      pipeline,
      hour: instant(hour),
      serverId: 's',
      epoch: 'e',
      segment,
      sha256,
      rows: 7,
      bytes: 100,
      firstEventAt: instant(eventMs),
      lastEventAt: instant(eventMs),
    },
  ]);
  return sha256;
};
const has = (digests: readonly Sha256[]) => Promise.all(digests.map((sha256) => stored.content.has(sha256)));
const partsOf = async (pipeline: PipelineName) =>
  (await bench.db.selectFrom('prediction_parts').select('hour').where('pipeline', '=', pipeline).execute()).length;
const logged = async () =>
  (await bench.db.selectFrom('retention_log').selectAll().orderBy('id').execute()).map(({ pipeline, what, items, rows }) => [
    pipeline,
    what,
    Number(items),
    Number(rows),
  ]);
const endRuns = () => bench.pool.query(`update perennial.runs set ended_at = now(), outcome = 'rejected'`);

describe('predictions', () => {
  it('go with their objects when they have outlived it, are counted once, and leave a bystander alone', async () => {
    await endRuns();
    const old = [await ship(flights, hourAgo(92)), await ship(flights, hourAgo(91), hourAgo(91), 2)];
    const young = [await ship(flights, hourAgo(89)), await ship(flights, hourAgo(1))];
    const theirs = [await ship(patient, hourAgo(92)), await ship(patient, hourAgo(1))];
    const looked = (await of(flights, apply90(false)))?.predictions;
    expect(looked).toMatchObject({ hours: 2, parts: 2, rows: 14, bytes: 200, held: [] });
    expect(await has([...old, ...young, ...theirs])).toEqual(Array(6).fill(true));
    expect((await of(flights))?.predictions).toMatchObject({ hours: 2, parts: 2, rows: 14 });
    expect(await has(old)).toEqual([false, false]);
    expect(await has([...young, ...theirs])).toEqual(Array(4).fill(true));
    expect([await partsOf(flights), await partsOf(patient)]).toEqual([2, 2]);
    expect((await of(flights))?.predictions).toMatchObject({ hours: 0, rows: 0 });
    expect(await logged()).toEqual([[flights, 'predictions', 2, 14]]);
  });

  it('age by the time of the data, and by the wall once nothing comes any more', async () => {
    const [first, last] = [Date.UTC(2001, 0, 1), Date.UTC(2001, 2, 25)];
    await ship(flights, hourAgo(2), first);
    await ship(flights, hourAgo(1), last);
    expect((await of(flights))?.predictions.hours).toBe(0);
    await bench.pool.query(`update perennial.prediction_parts set shipped_at = now() - interval '8 days'`);
    expect((await of(flights))?.predictions.hours).toBe(1);
    await bench.pool.query(`update perennial.prediction_parts set shipped_at = now() - interval '91 days'`);
    expect((await of(flights))?.predictions.hours).toBe(1);
    expect(await partsOf(flights)).toBe(0);
  });

  it('go as well where the pipeline was deleted', async () => {
    await ship(flights, hourAgo(92));
    await ship(flights, hourAgo(1));
    await bench.pool.query('update perennial.pipelines set deleted_at = now()');
    expect((await of(flights))?.predictions.hours).toBe(1);
  });

  it('go at last where we are killed between rows and objects', async () => {
    await endRuns();
    const [old, young] = [await ship(flights, hourAgo(92)), await ship(flights, hourAgo(1))];
    const killed = { ...bound(), delete: () => Promise.reject(new Error('killed')) };
    await expect(apply90(true, killed)).rejects.toThrow('killed');
    expect([await partsOf(flights), ...(await has([old, young]))]).toEqual([1, true, true]);
    expect((await apply90()).garbage).toMatchObject({ deleted: 1 });
    expect(await has([old, young])).toEqual([false, true]);
    expect(await logged()).toEqual([[flights, 'predictions', 1, 7]]);
  });

  it('leave an object that another row names by now', async () => {
    const hour = hourAgo(92);
    const old = await ship(flights, hour);
    await ship(flights, hourAgo(1));
    // A server that was killed before its segment was gone ships it again, just after its row went.
    await bench.pool.query(`create function perennial.reship() returns trigger language plpgsql as $$ begin
      insert into perennial.prediction_parts select (old).*; return null; end $$;
      create trigger reship after delete on perennial.prediction_parts for each row execute function perennial.reship()`);
    await apply90();
    expect(await has([old])).toEqual([true]);
  });

  it('wait for the next time while somebody verifies the store, and nobody is held up', async () => {
    await ship(flights, hourAgo(92));
    await ship(flights, hourAgo(1));
    let report: Awaited<ReturnType<typeof apply90>> | null = null;
    const reading = {
      ...bound(),
      stat: async (key: string) => {
        report ??= await apply90();
        return stored.store.stat(key);
      },
    };
    const findings = await verifyAll({ db: bench.db, objects: reading });
    expect(findings.filter(({ invariant, statement }) => invariant === 'I1' && /predictions/.test(statement))).toMatchObject([
      { holds: true },
    ]);
    const held = { predictions: { hours: 0, held: [{ hours: 1, rows: 7, why: expect.stringContaining('verifies') }] } };
    expect(report).toMatchObject({ problems: [], pipelines: [{ pipeline: flights, ...held }, { pipeline: patient }] });
    expect((await of(flights))?.predictions.hours).toBe(1);
  }, 30_000);

  it('stay while their labels may come, and while a rollout is compared by them', async () => {
    const registry = createRegistry(bench.db);
    const profileSha256 = await stored.content.putJson(profile);
    await registry.register({ ...candidate('a'), profileSha256 }, 'ada');
    await registry.register({ ...candidate('b'), trainingKey: sha256Of('b') }, 'ada');
    await createDeployments(bench.db).promote(promotion(1, 0, 'first'));
    await apply(flights, { predictions: '2d' });
    for (const days of [50, 20, 5, 1, 0]) await ship(flights, hourAgo(days));
    // No label was ever handed in, and none takes longer than nothing.
    expect((await of(flights, apply90(false)))?.predictions).toMatchObject({ hours: 3, held: [] });
    await createLabels(bench.db).record(flights, [{ subject: 'key:{"id":1}', label: true, at: null }]);
    expect(await of(flights, apply90(false))).toMatchObject({
      predictions: { hours: 1, held: [{ hours: 2, rows: 14 }] },
      held: [expect.stringMatching(/^predictions of 2 hours: windows from .* have not matured/)],
    });
    await createRollouts(bench.db).begin({
      id: 'flights/2/x',
      pipeline: flights,
      version: version(2),
      championVersion: version(1),
      workflowId: 'roll-out/flights/2',
      policy: {},
      deployed: { strategy: 'a/b', share: 0.1, salt: 'salt', by: ['id'], latencyMs: null },
      actor: 'ada',
      reason: 'the gate passed',
    });
    await bench.pool.query(`update perennial.rollouts set started_at = now() - interval '60 days'`);
    const rolling = await of(flights);
    expect(rolling?.predictions).toMatchObject({ hours: 0, held: [{ hours: 3, rows: 21 }] });
    expect(rolling?.held[0]).toMatch(/version 2 is rolled out since/);
    expect(await partsOf(flights)).toBe(5);
  });

  it('take the labels of their ids along, and no others', async () => {
    const labels = createLabels(bench.db);
    const label = (days: number, n: number) => `id:${idAt(instant(hourAgo(days)), n)}`;
    const subjects = [label(95, 1), label(92, 2), label(60, 3), 'key:{"id":1}'];
    const news = subjects.map((subject) => ({ subject, label: true, at: instant(hourAgo(92)) }));
    await labels.record(flights, news);
    await apply(churn, { predictions: '900d' });
    await labels.record(churn, news);
    for (const days of [95, 59, 0]) await ship(flights, hourAgo(days));
    expect((await of(flights, apply90(false)))?.predictions.labels).toBe(2);
    expect((await of(flights))?.predictions.labels).toBe(2);
    expect((await labels.find(flights, subjects)).map(({ subject }) => subject)).toEqual(subjects.slice(2));
    expect((await labels.find(churn, subjects)).length).toBe(4);
    expect((await of(flights))?.predictions.labels).toBe(0);
  });
});

describe('snapshots', () => {
  const freeze = async (name: string, pipeline = flights) => {
    const shared = await stored.content.putBytes(Buffer.from('shared'));
    const own = await stored.content.putBytes(Buffer.from(`own ${name}`));
    const sha256 = await stored.content.putJson({ name, parts: [{ sha256: shared }, { sha256: own }] });
    const row = { sha256, pipeline, rows: 1, bytes: 4, partCount: 2, firstEventAt: null, lastEventAt: null };
    const isNew = await createSnapshots(bench.db).record(row);
    return { sha256, own, shared, isNew };
  };
  const collected = async (sha256: Sha256) => (await createSnapshots(bench.db).get(sha256))?.collectedAt !== null;

  it('give their data up but for champions and the newest; what others share stays', async () => {
    await bench.pool.query(`delete from perennial.snapshots`);
    const [old, champion, newest] = [await freeze('old'), await freeze('champion'), await freeze('newest')];
    const theirs = await freeze('theirs', patient);
    await createRegistry(bench.db).register({ ...candidate('a'), snapshotSha256: champion.sha256 }, 'ada');
    await createDeployments(bench.db).promote(promotion(1, 0, 'first'));
    await createStepLedger(bench.db).record('froze', 'freezeSnapshot', { snapshotSha256: old.sha256 });
    expect(await of(flights)).toMatchObject({ snapshots: 0, held: [expect.stringContaining('is in work')] });
    await endRuns();
    expect(await of(flights, apply90(false))).toMatchObject({ snapshots: 1, held: [] });
    expect(await of(flights)).toMatchObject({ snapshots: 1, held: [] });
    expect(await has([old.sha256, old.own, old.shared, champion.own, newest.own, theirs.own])).toEqual([
      false,
      false,
      ...Array(4).fill(true),
    ]);
    expect(await createStepLedger(bench.db).find('froze')).toBeNull();
    expect([await collected(old.sha256), await collected(champion.sha256)]).toEqual([true, false]);
    expect(await of(flights)).toMatchObject({ snapshots: 0 });
    expect(await logged()).toEqual([[flights, 'snapshots', 1, 1]]);
  });

  it('come back when the same data are frozen again', async () => {
    await endRuns();
    const old = await freeze('old');
    await freeze('newest');
    await bench.pool.query(`update perennial.snapshots set created_at = now() - interval '1 day' where sha256 = '${old.sha256}'`);
    await apply90();
    expect([await collected(old.sha256), ...(await has([old.own]))]).toEqual([true, false]);
    expect((await freeze('old')).isNew).toBe(true);
    expect((await freeze('old')).isNew).toBe(false);
    expect([await collected(old.sha256), ...(await has([old.own]))]).toEqual([false, true]);
    expect(await of(flights)).toMatchObject({ snapshots: 1 });
    expect(await collected(old.sha256)).toBe(false);
  });
});

describe('runs', () => {
  const other = (digit: string) => digit.repeat(16) as RunKey;
  it('go with all that hangs on them, but for those of versions and those in work', async () => {
    const runs = createRuns(bench.db);
    await createRegistry(bench.db).register(candidate('a'), 'ada');
    for (const key of [other('b'), other('c'), other('d')])
      await runs.begin({ ...request, runKey: key }, `retrain/flights/${key}`);
    await runs.begin({ ...request, pipeline: patient, runKey: other('e') }, 'retrain/patient/e');
    await runs.recordMetrics(other('b'), [{ name: 'loss', step: 1, value: 0.5 }]);
    await runs.recordStage(other('b'), 'ingest', 'done', 'x');
    const verdict = { outcome: 'fail' as const, reason: 'x', inequalities: [], evidenceIds: [] };
    const report = await stored.content.putJson({ report: 1 });
    await createRegistry(bench.db).recordEvaluation({
      sha256: report,
      pipeline: flights,
      runKey: other('b'),
      verdict,
      decision: {},
    });
    await bench.pool.query(
      `update perennial.runs set ended_at = now() - interval '366 days', outcome = 'rejected' where run_key <> $1`,
      [other('d')],
    );
    await bench.pool.query(`update perennial.runs set ended_at = now() - interval '364 days' where run_key = $1`, [other('c')]);
    expect(await of(flights, apply90(false))).toMatchObject({ runs: 1 });
    expect(await of(flights)).toMatchObject({ runs: 1 });
    expect(await of(flights)).toMatchObject({ runs: 0 });
    const left = await bench.db.selectFrom('runs').select('run_key').orderBy('run_key').execute();
    expect(left.map(({ run_key }) => run_key)).toEqual([runKey, other('c'), other('d'), other('e')]);
    expect(await logged()).toEqual([[flights, 'runs', 1, 1]]);
  });
});

describe('a pipeline whose definition this version refuses', () => {
  it('is named, and the others are done', async () => {
    await createDefinitions(bench.db).apply(churn, null, { name: churn }, sha256Of('no data'), 'c0ffee', 'ada');
    await ship(flights, hourAgo(92));
    await ship(flights, hourAgo(1));
    const report = await apply90();
    expect(report.problems).toEqual([{ pipeline: churn, reason: expect.stringContaining('apply the retention of "churn"') }]);
    expect(report.pipelines.find((one) => one.pipeline === flights)?.predictions.hours).toBe(1);
  });
});

describe('perennial_retention_deleted_total', () => {
  it('counts each deletion once', async () => {
    await ship(flights, hourAgo(92));
    await ship(flights, hourAgo(1));
    await apply90();
    await bench.pool.query(`update perennial.retention_log set deleted_at = now() - interval '1 minute'`);
    const metrics = createMetrics();
    observeLoop(metrics, bench.db, (error) => {
      throw error;
    });
    const line = 'perennial_retention_deleted_total{pipeline="flights",what="predictions"} 7';
    expect((await metrics.exposition()).text).toContain(line);
    expect((await metrics.exposition()).text).toContain(line);
  });
});
