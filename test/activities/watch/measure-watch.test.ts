import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { PerennialError } from '#domain/errors.ts';
import { createRandom } from '#domain/stats/random.ts';
import { shapeOf } from '#domain/stats/summaries/window-counts.ts';
import { dayMs, type Instant, type RunKey, type Sha256, type VersionNumber } from '#domain/units.ts';
import { awaitCounters } from '../../../activities/watch/await-counters.ts';
import { createMeasureWatch } from '../../../activities/watch/measure-watch.ts';
import { createOpenWatch } from '../../../activities/watch/open-watch.ts';
import { loadConfig } from '../../../infra/config.ts';
import { digestOfJson } from '../../../infra/objects/digest.ts';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { createLabels } from '../../../infra/postgres/labels.ts';
import { openDatabase } from '../../../infra/postgres/pool.ts';
import { createQuarantine } from '../../../infra/postgres/quarantine.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import { createRuns } from '../../../infra/postgres/runs.ts';
import { createTallySink } from '../../../infra/postgres/tallies.ts';
import { createWatchLooks } from '../../../infra/postgres/watch-looks.ts';
import { createWatchReports } from '../../../infra/postgres/watch-reports.ts';
import { openCpuDeps } from '../../../workers/deps.ts';
import { rollOutWorkflowId } from '../../../workflows/names.ts';
import type { MeasureWatchInput } from '../../../workflows/watch-steps.ts';
import {
  calm,
  countDay,
  drawDay,
  flights,
  instantOf,
  liveFrom,
  profileOf,
  trainedDays,
  trainedFrom,
  type Weather,
} from '../../support/loop/world.ts';
import { describeWithServers, testDatabase, testFolder, testStore } from '../../support/servers.ts';
import { newCursor } from '../../workflows/pretend-watch.ts';
import { newRequest } from '../../workflows/world.ts';

const rowsPerDay = 600;
const broken: Weather = { ...calm, missingTemperature: 0.7 };
const context = { signal: new AbortController().signal, heartbeat: () => {} };
const file = {
  name: flights,
  data: {
    source: 'flights.csv',
    label: 'late',
    event_time: 'date',
    columns: { late: { type: 'boolean' }, date: { type: 'timestamp' } },
  },
};
const definitionSha256 = digestOfJson(file);

describeWithServers('measureWatch', () => {
  const closing: (() => unknown)[] = [];
  const openRuns = new Set<string>();
  const random = createRandom(5);
  const drawn = profileOf(
    Array.from({ length: trainedDays }, (_, day) => drawDay(random, trainedFrom + day * dayMs, rowsPerDay, calm, 0)).flat(),
    0,
  );
  // Days of the reference have one and the same number of rows; a little more may vary than that.
  const profile = { ...drawn.profile, season: { ...drawn.profile.season, overdispersion: 0.001 } };
  const profileSha256 = digestOfJson(profile);
  let place: Awaited<ReturnType<typeof openPlace>>;

  const openPlace = async () => {
    const [database, store, { folder, close }] = [await testDatabase(), testStore(), testFolder()];
    const temporal = {
      isOpen: async (id: string) => openRuns.has(id),
      askForSchedule: async () => Promise.reject(new Error('nobody asks')),
    };
    const config = { ...loadConfig({ PERENNIAL_STATE_DIR: folder, PERENNIAL_MEMORY_MIB: '256' }), threads: 1 };
    const opened = openCpuDeps(config, { databaseUrl: database.url, store: store.config }, async () => 1, temporal);
    const { db, close: closeDb } = openDatabase(database.url);
    const end = async () => {
      await Promise.all([opened.close(), closeDb()]);
      await database.close();
      store.close();
      close();
    };
    await createDefinitions(db).apply(flights, folder, file, definitionSha256, 'c0ffee', 'ada');
    return { db, deps: opened.deps, content: store.content, close: end };
  };

  /** The same reference under another digest: another model's. */
  const profileNamed = (name: string) => (name === 'first' ? profile : { ...profile, onnxSha256: digestOfJson({ model: name }) });

  const serve = async (name: string): Promise<VersionNumber> => {
    const modelSha256 = digestOfJson({ model: name });
    await place.content.putJson(profileNamed(name));
    const version = await createRegistry(place.db).register(
      {
        pipeline: flights,
        modelSha256,
        onnxSha256: modelSha256,
        featureSetSha256: modelSha256,
        trainingKey: modelSha256,
        definitionSha256,
        codeVersion: 'c0ffee',
        snapshotSha256: null,
        profileSha256: digestOfJson(profileNamed(name)),
        trainer: 'reference',
        parameters: {},
        metrics: {},
        runKey: null,
      },
      'ada',
    );
    const deployments = createDeployments(place.db);
    const { generation } = await deployments.get(flights);
    await deployments.promote({
      pipeline: flights,
      kind: 'promote',
      version: version.version,
      expectedGeneration: generation,
      operationKey: name,
      actor: 'ada',
      reason: 'a test',
    });
    return version.version;
  };

  let sequence = 0;
  /** A day of traffic as a server tells it; the last event is that of the newest row. */
  const live = async (
    day: number,
    weather = calm,
    options: { model?: string; rows?: number; at?: number; epoch?: string; lastEventAt?: Instant | null; serverId?: string } = {},
  ) => {
    const { model = 'first', rows = rowsPerDay, at = liveFrom + day * dayMs, epoch = `day ${day} ${sequence}` } = options;
    sequence += 1;
    const drawn = drawDay(random, at, rows, weather, 0);
    const { profileSha256: _of, ...window } = countDay({ profile, sha256: profileSha256 }, at, drawn);
    const modelSha256 = digestOfJson({ model });
    const process = { serverId: options.serverId ?? 'here:8080', epoch, modelSha256, arm: 'champion' as const };
    const sink = createTallySink(place.db, async () => shapeOf(profile));
    const receipt = await sink.recordWindows(flights, {
      format: 1,
      ...process,
      profileSha256: digestOfJson(profileNamed(model)),
      sequence,
      windows: [window],
    });
    expect(receipt.kind).toBe('recorded');
    const newest = instantOf(Math.max(...drawn.map(({ atMs }) => Math.floor(atMs))));
    await sink.recordArms([
      {
        ...process,
        sequence,
        pipeline: flights,
        generation: 1,
        requests: rows,
        units: rows,
        events: {},
        lastEventAt: options.lastEventAt === undefined ? newest : options.lastEventAt,
        latency: { zeros: 0, bins: {} },
        shadow: null,
      },
    ]);
  };

  const input = (over: Partial<MeasureWatchInput> = {}): MeasureWatchInput => ({
    pipeline: flights,
    definitionSha256,
    cursor: { ...newCursor(), profileSha256 },
    dataTime: null,
    run: null,
    ...over,
  });
  const look = (over: Partial<MeasureWatchInput> = {}) =>
    createMeasureWatch(place.deps, { measurePerformance: async () => null, measureSkew: async () => null })(input(over), context);
  const until = (day: number) => ({ ...newCursor(), profileSha256, judgedUntil: instantOf(liveFrom + day * dayMs) });

  beforeEach(async () => {
    place = await openPlace();
    openRuns.clear();
    closing.push(place.close);
  });
  afterAll(async () => {
    for (const close of closing) await close();
  });
  beforeAll(() => {
    sequence = 0;
  });

  test('without a champion, and then without traffic, it says so and measures nothing', async () => {
    expect(await look()).toMatchObject({ model: null, dataTime: null, windows: [], ended: [], otherRuns: [], more: false });
    await serve('first');
    expect(await look()).toMatchObject({ model: { version: 1, features: 4, predictions: 2 }, dataTime: null, windows: [] });
  });

  test('a look that ended is a sign of life, and one that failed is none', async () => {
    const newest = async () => (await createWatchLooks(place.db).newest()).get(flights);
    await look();
    const first = await newest();
    expect(Date.parse(first?.dueAt ?? '') - Date.parse(first?.lookedAt ?? '')).toBe(3_600_000);
    await serve('first');
    const lost = {
      ...place.deps,
      content: { ...place.deps.content, getJson: () => Promise.reject(new Error('the store is away')) },
    };
    const heavy = { measurePerformance: async () => null, measureSkew: async () => null };
    await expect(createMeasureWatch(lost, heavy)(input(), context)).rejects.toThrow('the store is away');
    expect(await newest()).toEqual(first);
    await look();
    expect((await newest())?.lookedAt).not.toBe(first?.lookedAt);
  });

  test('measures windows that closed, each once, and keeps what it found first', async () => {
    await serve('first');
    for (const day of [0, 1, 2]) await live(day);
    const first = await look();
    expect(first.windows.map(({ observation: { from } }) => from)).toEqual([instantOf(liveFrom), instantOf(liveFrom + dayMs)]);
    expect(first.dataTime?.startsWith(instantOf(liveFrom + 2 * dayMs).slice(0, 10))).toBe(true);
    expect(first.windows.every(({ observation }) => observation.breaches.length === 0)).toBe(true);
    // Rows that come late change no decided window, and the same question has the same answer.
    await live(1, broken);
    expect(await look()).toEqual(first);
    expect(await createWatchReports(place.db).list(flights)).toHaveLength(2);
    const told = await look({ cursor: until(2), dataTime: first.dataTime });
    expect(told).toMatchObject({ windows: [], more: false });
  });

  test('catches a backlog up some windows at a time', async () => {
    await serve('first');
    for (let day = 0; day < 12; day += 1) await live(day, calm, { rows: 60 });
    const first = await look();
    expect(first).toMatchObject({ more: true });
    expect(first.windows).toHaveLength(8);
    const second = await look({ cursor: until(8), dataTime: first.dataTime });
    expect(second).toMatchObject({ more: false });
    expect(second.windows.map(({ observation: { to } }) => to)).toEqual(
      [9, 10, 11].map((day) => instantOf(liveFrom + day * dayMs)),
    );
  });

  test('a broken feed stands in quarantine, once, until a person releases it', async () => {
    await serve('first');
    await live(0, broken);
    await live(1);
    const found = await look();
    expect(found.windows).toHaveLength(1);
    expect(found.windows[0]?.observation.breaches[0]).toMatchObject({ check: 'missing rate', variable: 'temperature' });
    expect(found.openBreaches).toBeGreaterThan(0);
    await look();
    const quarantine = createQuarantine(place.db);
    const [row, ...others] = await quarantine.list(flights);
    expect(others).toEqual([]);
    expect(row).toMatchObject({ from: instantOf(liveFrom), rows: rowsPerDay, releasedAt: null });
    const wish = { pipeline: flights, from: instantOf(liveFrom), actor: 'ada', reason: 'the sensor was replaced' };
    expect(await quarantine.release(wish)).toHaveLength(1);
    await expect(quarantine.release(wish)).rejects.toThrow('ada released it');
    const asked = vi.fn(async (_deps: unknown, _question: { readonly quarantined: readonly unknown[] }) => null);
    await createMeasureWatch(place.deps, { measurePerformance: asked, measureSkew: async () => null })(input(), context);
    expect(asked.mock.calls[0]?.[1].quarantined).toEqual([]);
    // A look that is made again after it, and the next one: neither puts it back.
    expect(await look()).toMatchObject({ openBreaches: 0, windows: found.windows });
    expect(await look({ cursor: until(1), dataTime: found.dataTime })).toMatchObject({ openBreaches: 0, windows: [] });
  });

  test('one garbage event time, or a clock that jumps, closes no window', async () => {
    await serve('first');
    await live(0);
    await live(1);
    // One row of next year, and a server whose clock is a century ahead, with many rows.
    await live(0, calm, { rows: 1, at: liveFrom + 365 * dayMs });
    await live(0, calm, { rows: rowsPerDay, at: Date.UTC(2101, 0, 1) });
    const found = await look();
    expect(found.dataTime?.slice(0, 10)).toBe(instantOf(liveFrom + dayMs).slice(0, 10));
    expect(found.windows).toHaveLength(1);
    // A clock that jumps back: what was past stays past.
    const ahead = instantOf(liveFrom + 5 * dayMs);
    expect((await look({ dataTime: ahead, cursor: until(5) })).dataTime).toBe(ahead);
  });

  test('a day without rows is missing, and one with half of them is broken', async () => {
    await serve('first');
    await live(0);
    await live(2);
    await live(3, calm, { rows: rowsPerDay / 2 });
    await live(4);
    const missing = await look();
    expect(missing.windows[1]?.observation.breaches).toMatchObject([{ check: 'missing window' }]);
    // What counts for the volume is the feed, not the arm; but nothing is where all of it is half.
    const half = await look({ cursor: until(3) });
    expect(half.windows[0]?.observation.breaches.map(({ check }) => check)).toEqual(['row volume']);
  });

  test('a feed that breaks while a candidate takes a part of it is told with the rows of the feed', async () => {
    await serve('second');
    await serve('first');
    await live(0);
    await live(1, calm, { rows: rowsPerDay / 4 });
    await live(1, calm, { rows: rowsPerDay / 4, model: 'second' });
    await live(2);
    const [, half] = (await look()).windows;
    expect(half?.rows).toBe(rowsPerDay / 4);
    expect(half?.observation.breaches).toMatchObject([
      {
        check: 'row volume',
        statement: expect.stringMatching(new RegExp(`^${rowsPerDay / 2} rows where ${rowsPerDay} are usual`)),
      },
    ]);
  });

  test('a candidate that takes half of the rows is no broken feed', async () => {
    await serve('second');
    await serve('first');
    await live(0);
    await live(1, calm, { rows: rowsPerDay / 2 });
    await live(1, calm, { rows: rowsPerDay / 2, model: 'second' });
    await live(2);
    const found = await look();
    expect(found.windows.map(({ rows, observation }) => [rows, observation.breaches.length])).toEqual([
      [rowsPerDay, 0],
      [rowsPerDay / 2, 0],
    ]);
  });

  test('tells how runs ended, each once, and of the one it waits for also where it is gone', async () => {
    await serve('first');
    const runs = createRuns(place.db);
    const begun = async () => {
      const request = newRequest({ pipeline: flights, definitionSha256 });
      const workflowId = `retrain/${flights}/${request.runKey}`;
      await runs.begin(request, workflowId);
      return { runKey: request.runKey, workflowId };
    };
    const end = (runKey: RunKey, verdict: 'rejected' | 'promoted') =>
      runs.finish({
        workflowId: '',
        runKey,
        pipeline: flights,
        verdict,
        reason: `it was ${verdict}`,
        gate: null,
        dataVersion: null,
        modelVersion: null,
        metrics: {},
      });
    const [own, other] = [await begun(), await begun()];
    openRuns.add(own.workflowId).add(other.workflowId);
    expect(await look({ run: own })).toMatchObject({ ended: [], otherRuns: expect.arrayContaining([own.runKey, other.runKey]) });
    await end(other.runKey, 'rejected');
    const first = await look({ run: own });
    expect(first).toMatchObject({
      ended: [{ runKey: other.runKey, outcome: 'rejected', reason: 'it was rejected' }],
      otherRuns: [own.runKey],
    });
    const [heard] = first.ended;
    const runsAfter = { endedAt: heard?.endedAt as Instant, runKey: heard?.runKey as RunKey };
    const cursor = { ...input().cursor, runsAfter };
    expect((await look({ run: own, cursor })).ended).toEqual([]);
    // Terminated by hand: nobody recorded an end.
    openRuns.clear();
    const fourHoursAhead = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 4 * 3_600_000);
    const gone = await look({ run: own, cursor });
    fourHoursAhead.mockRestore();
    expect(gone).toMatchObject({ ended: [{ runKey: own.runKey, outcome: 'failed' }], otherRuns: [] });
    // Dated by the database: a worker whose clock is ahead hides no end that comes after it.
    expect(Date.parse(gone.ended[0]?.endedAt ?? '')).toBeLessThan(Date.now() + 60_000);
    await end(own.runKey, 'promoted');
    expect((await look({ run: own, cursor })).ended).toMatchObject([{ runKey: own.runKey, outcome: 'promoted' }]);
  });

  test('counts a rollout that somebody began by hand as in the way of a run, while it goes on, and one of a run not twice', async () => {
    const [champion, version] = [await serve('first'), await serve('second')];
    const [deployments, rollouts] = [createDeployments(place.db), createRollouts(place.db)];
    const { generation } = await deployments.get(flights);
    await rollouts.begin({
      id: 'by-hand',
      pipeline: flights,
      version: champion,
      championVersion: version,
      workflowId: rollOutWorkflowId(flights, champion),
      policy: {},
      deployed: { strategy: 'canary', share: 0.1 as never, salt: 's', by: [], latencyMs: null },
      actor: 'ada',
      reason: 'another try',
    });
    expect((await deployments.get(flights)).generation).toBe(generation + 1);
    // Its workflow is gone: that is for an alert, and blocks nothing.
    expect(await look()).toMatchObject({ otherRuns: [] });
    openRuns.add(rollOutWorkflowId(flights, champion));
    expect((await look()).otherRuns).toHaveLength(1);
    const request = newRequest({ pipeline: flights, definitionSha256 });
    const workflowId = `retrain/${flights}/${request.runKey}`;
    await createRuns(place.db).begin(request, workflowId);
    openRuns.add(workflowId);
    expect(await look()).toMatchObject({ otherRuns: [request.runKey] });
  });

  test('hears a failed run once, also while the same run begins again under its key', async () => {
    await serve('first');
    const runs = createRuns(place.db);
    const request = newRequest({ pipeline: flights, definitionSha256 });
    const run = { runKey: request.runKey, workflowId: `retrain/${flights}/${request.runKey}` };
    const common = { workflowId: '', runKey: run.runKey, pipeline: flights, reason: 'no worker', gate: null };
    const fail = () => runs.finish({ ...common, verdict: 'failed', dataVersion: null, modelVersion: null, metrics: {} });
    await runs.begin(request, run.workflowId);
    await fail();
    const { ended } = await look({ run });
    expect(ended).toMatchObject([{ runKey: run.runKey, outcome: 'failed' }]);
    const runsAfter = { endedAt: ended[0]?.endedAt as Instant, runKey: run.runKey };
    const cursor = { ...input().cursor, runsAfter };
    // Temporal has started it again, and its first step has not been taken yet.
    openRuns.add(run.workflowId);
    expect((await look({ run, cursor })).ended).toEqual([]);
    await runs.begin(request, run.workflowId);
    expect((await look({ run, cursor })).ended).toEqual([]);
    await fail();
    expect((await look({ run, cursor })).ended).toMatchObject([{ runKey: run.runKey, outcome: 'failed' }]);
    // One that ended again without a step of its own failed again.
    openRuns.clear();
    expect((await look({ run, cursor })).ended).toHaveLength(1);
  });

  test('a window waits for what another server has counted into it, and for a silent one not for ever', async () => {
    await serve('first');
    const report = (serverId: string) =>
      createDeployments(place.db).report({
        serverId,
        pipeline: flights,
        generation: 1,
        modelSha256: digestOfJson({ model: 'first' }),
        candidateSha256: null,
        share: 0,
        state: 'serving',
        reason: null,
        reportedAt: instantOf(Date.now()),
      });
    for (const serverId of ['here:8080', 'there:8080']) await report(serverId);
    for (const day of [0, 1]) await live(day);
    await live(0, calm, { serverId: 'there:8080', rows: 10 });
    const { evidence } = place.deps.watch;
    const since = (await evidence.lastEvents(flights)).now;
    const end = instantOf(liveFrom + dayMs);
    expect(await evidence.unheard(flights, end, since)).toEqual(['there:8080']);
    expect(await awaitCounters(evidence, { pipeline: flights, end, since }, context, 20)).toEqual(['there:8080']);
    // The other server tells while the look waits for it: its rows are in the window.
    let waits = 0;
    const heartbeat = async (detail: unknown) => {
      if (!(detail as { waitsFor?: unknown }).waitsFor || waits++ > 0) return;
      await live(0, calm, { serverId: 'there:8080', rows: 500, epoch: 'late' });
    };
    const found = await createMeasureWatch(place.deps, { measurePerformance: async () => null, measureSkew: async () => null })(
      input(),
      { ...context, heartbeat: (detail) => void heartbeat(detail) },
    );
    expect(waits).toBeGreaterThan(0);
    expect(found.windows).toMatchObject([{ rows: rowsPerDay + 510 }]);
    expect(await evidence.unheard(flights, end, since)).toEqual([]);
    // One that has nothing to tell says so, and is waited for no longer than one that has.
    const later = instantOf(liveFrom + 2 * dayMs);
    const asked = (await evidence.lastEvents(flights)).now;
    const sink = createTallySink(place.db, async () => shapeOf(profile));
    await sink.recordTold('there:8080', asked);
    expect(await evidence.unheard(flights, later, asked)).toEqual(['here:8080', 'there:8080']);
    let until = await sink.clock();
    while (until <= asked) until = await sink.clock();
    await sink.recordTold('there:8080', until);
    await sink.recordTold('there:8080', asked);
    expect(await evidence.unheard(flights, later, asked)).toEqual(['here:8080']);
    // One without a fresh report is gone: nobody waits for it.
    await createDeployments(place.db).forgetServer('there:8080');
    expect(await evidence.unheard(flights, instantOf(liveFrom + 2 * dayMs), instantOf(Date.now() + dayMs))).toEqual([
      'here:8080',
    ]);
  });

  test('labels that cannot be measured keep no window from being judged; a store that is away fails the look', async () => {
    await serve('first');
    for (const day of [0, 1]) await live(day);
    const lookWith = (error: Error) =>
      createMeasureWatch(place.deps, {
        measurePerformance: async () => Promise.reject(error),
        measureSkew: async () => null,
      })(input(), context);
    const found = await lookWith(new PerennialError('PRN_OBJECT_CORRUPT', 'Cannot read a part'));
    expect(found).toMatchObject({ performance: null, problem: 'Cannot measure labels: Cannot read a part' });
    expect(found.windows).toHaveLength(1);
    expect(await lookWith(new Error('out of memory'))).toMatchObject({ problem: expect.stringContaining('out of memory') });
    await expect(lookWith(new PerennialError('PRN_UNREACHABLE', 'away'))).rejects.toMatchObject({ code: 'PRN_UNREACHABLE' });
    expect((await look()).problem).toBeUndefined();
  });

  test('counts of labels are unknown until any was handed in', async () => {
    await serve('first');
    await live(0);
    const counts = { newRows: 0, newRareRows: 0, predictions: 9, labelled: 0, unknownIds: 0, late: 0, unreadableParts: 0 };
    const report = { format: 1, windows: [] } as never;
    const measurePerformance = async () => ({
      report,
      reportSha256: profileSha256,
      metric: 'roc_auc' as const,
      windows: [],
      estimate: null,
      breaches: [],
      labelFeed: null,
      labels: counts,
    });
    const lookOnce = async () =>
      (await createMeasureWatch(place.deps, { measurePerformance, measureSkew: async () => null })(input(), context)).performance
        ?.labels;
    expect(await lookOnce()).toBeNull();
    await createLabels(place.db).record(flights, [{ subject: 'id:somebody', label: true, at: null }]);
    expect(await lookOnce()).toEqual({ newRows: 0, newRareRows: 0, lastTrainingRows: 0 });
  });

  test('a watch that begins again goes on where reports and runs end', async () => {
    await serve('first');
    for (const day of [0, 1, 2]) await live(day);
    await look();
    const opened = await createOpenWatch(place.deps)({ pipeline: flights, definitionSha256: null });
    expect(opened.plan).toMatchObject({
      pipeline: flights,
      definitionSha256,
      everyMs: 3_600_000,
      retrain: { cooldownMs: dayMs / 2 },
    });
    expect(opened.cursor).toMatchObject({ profileSha256, judgedUntil: instantOf(liveFrom + 2 * dayMs) });
    await expect(
      createOpenWatch(place.deps)({ pipeline: flights, definitionSha256: 'f'.repeat(64) as Sha256 }),
    ).rejects.toMatchObject({ code: 'PRN_DEFINITION_UNKNOWN' });
    // A new champion has windows of its own.
    await serve('second');
    expect(await look({ cursor: opened.cursor })).toMatchObject({ model: { version: 2 }, windows: [] });
  });
});
