/** The steps buildFeatures and publishFeatures on data that the steps before them froze. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FeatureFrame, FeatureSet, ServedView } from '#domain/contracts/feature-set.ts';
import type { PipelineFile } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { referenceProfileSchema } from '#domain/contracts/reference-profile.ts';
import { createVectorizer, type ViewLookup } from '#domain/features/apply.ts';
import { unseenEntity } from '#domain/features/entity-key.ts';
import { addCounts } from '#domain/stats/summaries/cell-counts.ts';
import type { PipelineName, RunKey, Sha256, VersionNumber } from '#domain/units.ts';
import { completeProfile, profileScoresInSteps } from '../../activities/evaluation/profile.ts';
import { createBuildFeatures } from '../../activities/features.ts';
import { createPublish, createPublishServed } from '../../activities/publish.ts';
import { publishedName } from '../../infra/features/published-view.ts';
import { digestOfJson } from '../../infra/objects/digest.ts';
import { createDeployments } from '../../infra/postgres/deployments.ts';
import { createOnlineFeatures } from '../../infra/postgres/online-features.ts';
import { createRegistry } from '../../infra/postgres/registry.ts';
import { createRollouts } from '../../infra/postgres/rollouts.ts';
import { createRuns } from '../../infra/postgres/runs.ts';
import { flightsData } from '../support/flights-data.ts';
import { type DataWorld, openDataWorld } from './support/data-world.ts';

let world: DataWorld;
let source: string;
const pipeline = 'flights' as PipelineName;

/** 40 days, two flights every half hour; the label of a flight is known a day later. */
const csv = (): string => {
  const start = Date.parse('2001-01-01T00:00:00Z');
  const rows = Array.from({ length: 3840 }, (_, index) => {
    const at = new Date(start + Math.floor(index / 2) * 1_800_000).toISOString().slice(0, 19).replace('T', ' ');
    return `${at},${(index * 7919) % 61},${100 + ((index * 31) % 900)},A${(index * 13) % 5},B${(index * 7) % 3}`;
  });
  return `date,delay,distance,origin,destination\n${rows.join('\n')}\n`;
};

beforeAll(async () => {
  world = await openDataWorld();
  source = world.write('flights.csv', csv());
});
afterAll(() => world.close());

const fileWith = (features: PipelineFile['features'], more: Partial<PipelineFile> = {}): PipelineFile => ({
  name: pipeline,
  data: flightsData(source, 'delay > 45'),
  features,
  training: { holdout: '7d' },
  ...more,
});
const views = {
  origin_7d: { entity: 'origin', window: '7d', values: { late_rate: 'avg(late)', flights: 'count(*)' } },
  route_20d: { entity: ['origin', 'destination'], window: '20d', values: { late_rate: 'avg(late)' } },
};
const inputs = {
  hour: { from: 'date', part: 'hour' as const },
  distance: { impute: 'median' },
  origin: { encode: 'target' as const },
  'origin_7d.late_rate': { impute: 0.2 },
  'origin_7d.flights': {},
  'route_20d.late_rate': { impute: 'origin_7d.late_rate' },
};

const depsOf = () => ({
  ...world.deps,
  deployments: createDeployments(world.db),
  registry: createRegistry(world.db),
  onlineFeatures: createOnlineFeatures(world.db),
});
const runKey = '0123456789abcdef' as RunKey;

const built = async (features: PipelineFile['features'], more: Partial<PipelineFile> = {}) => {
  const { input, frozen, manifest } = await world.snapshot(fileWith(features, more));
  const step = { pipeline, runKey, definitionSha256: input.definitionSha256, snapshotSha256: frozen.snapshotSha256 };
  const stages: unknown[] = [];
  const summary = await createBuildFeatures(depsOf())(step, {
    heartbeat: (detail) => void stages.push(detail),
    signal: new AbortController().signal,
  });
  return { step, summary, stages, manifest, frame: await world.json<FeatureFrame>(summary.frameSha256) };
};

describe('buildFeatures()', () => {
  it('makes a frame of a snapshot, tells its stages, and a second time does nothing new', async () => {
    const { step, summary, stages, frame } = await built({ views, inputs });
    expect(summary).toMatchObject({ trainRows: frame.train.rows, holdoutRows: frame.holdout.rows, columns: 6 });
    expect(frame.snapshotSha256).toBe(step.snapshotSha256);
    expect(stages).toContainEqual({ stage: 'views' });
    expect(stages).toContainEqual({ stage: 'profile' });
    expect(await createBuildFeatures(depsOf())(step)).toEqual(summary);
    await world.db.deleteFrom('step_results').execute();
    expect(await createBuildFeatures(depsOf())(step)).toEqual(summary);
  });

  it('profiles the rows of both sides: what the features read, by the slot of its week', async () => {
    const { step, frame, summary } = await built({ views, inputs });
    const profile = referenceProfileSchema.parse(await world.json(frame.profileSha256 as Sha256));
    expect(digestOfJson(profile)).toBe(frame.profileSha256);
    expect(profile).toMatchObject({
      pipeline,
      snapshotSha256: step.snapshotSha256,
      featureSetSha256: summary.featureSetSha256,
      onnxSha256: null,
      rows: frame.train.rows + frame.holdout.rows,
      season: { slot: 'day of week', slots: 7, windowMs: 86_400_000 },
      scores: [],
      predictions: null,
    });
    expect(Object.fromEntries(profile.features.map(({ name, layout }) => [name, layout.kind]))).toEqual({
      'date (hour)': 'categorical',
      distance: 'numeric',
      origin: 'categorical',
      'origin_7d.late_rate': 'numeric',
      'origin_7d.flights': 'numeric',
      'route_20d.late_rate': 'numeric',
    });
    const find = (name: string) => profile.features.find((one) => one.name === name);
    const [hour, distance, rate] = [find('date (hour)'), find('distance'), find('origin_7d.late_rate')];
    expect(hour?.reference.cells.slice(0, -2).reduce((sum, rows) => sum + rows)).toBe(profile.rows);
    expect(distance?.moments?.count).toBe(profile.rows);
    expect(distance?.quiet?.windows).toBeGreaterThan(20);
    // The first flights of an origin have no past.
    expect(rate?.reference.missing).toBeGreaterThan(0);
  });

  it('gets its answers from the evaluation, by the same slots', async () => {
    const { step, frame, summary } = await built({ views, inputs });
    const rows = frame.holdout.rows;
    const answers = Float32Array.from({ length: rows }, (_, row) => (row % 100) / 100);
    const labels = Float32Array.from(answers, (answer, row) => (answer > (row % 7) / 7 ? 1 : 0));
    const subject = {
      frame,
      input: { ...step, frameSha256: summary.frameSha256 },
      result: { onnxSha256: digestOfJson('model') },
      rowsTogether: { cluster: ['origin'], eventTime: null, key: [] },
    };
    const clusters = { by: 'origin', ids: Uint32Array.from(labels, (_, row) => row % 7), count: 7 };
    const candidate = { task: 'binary' as const, classes: 2, labels, answers };
    const complete = () => completeProfile(depsOf(), subject as never, { candidate, clusters }, undefined);
    const sha256 = (await complete()) as Sha256;
    expect(await complete()).toBe(sha256);
    const { features, ...profile } = referenceProfileSchema.parse(await world.json(sha256));
    expect(features).toEqual(referenceProfileSchema.parse(await world.json(frame.profileSha256 as Sha256)).features);
    const [score] = profile.scores;
    expect(score).toMatchObject({ name: 'score', moments: { count: rows, min: 0 }, bySlot: { length: 7 } });
    expect(score?.bySlot.reduce(addCounts)).toEqual(score?.reference);
    const called = answers.filter((answer) => answer >= 0.5).length;
    expect(profile.predictions?.reference.cells).toEqual([rows - called, called, 0, 0]);
    expect(profile.performance).toMatchObject({
      rows,
      calibrator: expect.anything(),
      perRowDeviation: { roc_auc: expect.anything() },
      clusters: { unit: ['origin'], count: 7, error: { roc_auc: expect.anything() } },
    });
    const old = { ...subject, frame: { ...frame, profileSha256: undefined } };
    expect(await completeProfile(depsOf(), old as never, { candidate, clusters }, undefined)).toBeNull();
  });

  it('pauses after each answer of many classes, so that a heart can beat', () => {
    const answers = Float32Array.from({ length: 30 }, (_, index) => (index % 3) / 3);
    const candidate = { task: 'multiclass' as const, classes: 3, labels: new Float32Array(10), answers };
    const steps = profileScoresInSteps(candidate, ['a', 'b', 'c'], null);
    let pauses = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) pauses += 1;
    expect(pauses).toBe(3);
    expect(step.value.map(({ name, moments }) => [name, moments?.mean])).toEqual([
      ['a', 0],
      ['b', Math.fround(1 / 3)],
      ['c', Math.fround(2 / 3)],
    ]);
  });

  it('marks what is critical, by the name of an input or of a feature, and knows no other', async () => {
    const { step, frame } = await built({ views, inputs }, { watch: { critical: ['hour', 'origin_7d.late_rate'] } });
    const profile = referenceProfileSchema.parse(await world.json(frame.profileSha256 as Sha256));
    expect(profile.features.filter(({ critical }) => critical).map(({ name }) => name)).toEqual([
      'date (hour)',
      'origin_7d.late_rate',
    ]);
    expect(step.pipeline).toBe(pipeline);
    await expect(built({ views, inputs }, { watch: { critical: ['distnace'] } })).rejects.toMatchObject({
      code: 'PRN_FEATURE_INVALID',
      message: expect.stringContaining('did you mean "distance"?'),
    });
  });

  it('stops where it is told to, and leaves no folder', async () => {
    const { step } = await built({ views, inputs });
    await world.db.deleteFrom('step_results').execute();
    const controller = new AbortController();
    const cancelled = createBuildFeatures(depsOf())(step, {
      heartbeat: () => controller.abort(new Error('cancelled by the test')),
      signal: controller.signal,
    });
    await expect(cancelled).rejects.toThrow('cancelled by the test');
  });

  it('does not know what was not applied', async () => {
    const { step } = await built({ views, inputs });
    const unknown = { ...step, definitionSha256: 'f'.repeat(64) as Sha256 };
    await expect(createBuildFeatures(depsOf())(unknown)).rejects.toMatchObject({ code: 'PRN_DEFINITION_UNKNOWN' });
  });
});

const registerModelOf = async (
  { summary, step }: Awaited<ReturnType<typeof built>>,
  registeredBy: RunKey | null = null,
): Promise<VersionNumber> => {
  const { definitionSha256, snapshotSha256 } = step;
  const { featureSetSha256 } = summary;
  const sha256 = (text: string) => digestOfJson({ text, featureSetSha256 });
  const version = await depsOf().registry.register(
    {
      pipeline,
      modelSha256: sha256('model'),
      onnxSha256: sha256('onnx'),
      trainingKey: sha256('training'),
      definitionSha256,
      codeVersion: 'sha256:test',
      snapshotSha256,
      featureSetSha256,
      profileSha256: null,
      trainer: 'reference',
      parameters: {},
      metrics: {},
      runKey: registeredBy,
    },
    'tester',
  );
  return version.version;
};

const promoteModelOf = async (of: Awaited<ReturnType<typeof built>>): Promise<VersionNumber> => {
  const { deployments } = depsOf();
  const version = await registerModelOf(of);
  const { generation } = await deployments.get(pipeline);
  await deployments.promote({
    pipeline,
    kind: 'promote',
    version,
    expectedGeneration: generation,
    operationKey: `test ${generation}`,
    actor: 'tester',
    reason: 'test',
  });
  return version;
};

const rollOutModelOf = async (of: Awaited<ReturnType<typeof built>>, championVersion: VersionNumber) => {
  const version = await registerModelOf(of);
  const id = `roll-out/flights/${version}`;
  const said = { actor: 'tester', reason: 'test' };
  const deployed = { strategy: 'canary' as const, share: 0.1, salt: id, by: [], latencyMs: null };
  const rollouts = createRollouts(world.db);
  await rollouts.begin({ id, pipeline, version, championVersion, workflowId: id, policy: {}, deployed, ...said });
  return async () => {
    const { generation } = await depsOf().deployments.get(pipeline);
    await rollouts.end({ id, pipeline, end: 'rolled back', expectedGeneration: generation, ...said });
  };
};

/** What each version looks up of one view: how often an entity is published, and its values. */
const publishedFor = async ({ summary }: Awaited<ReturnType<typeof built>>, name: string, entity = 'A1') => {
  const featureSet = await world.json<FeatureSet>(summary.featureSetSha256);
  const view = featureSet.views.find((each) => each.name === name) as ServedView;
  const { rows } = await depsOf().onlineFeatures.load(pipeline);
  return rows.find((row) => row.view === publishedName(view) && row.entity === entity)?.values;
};
const publishFor = ({ step, summary }: Awaited<ReturnType<typeof built>>) =>
  createPublish(depsOf())({ ...step, featureSetSha256: summary.featureSetSha256 });

describe('publishFeatures()', () => {
  it('publishes what the next request should see, once', async () => {
    const { step, summary, manifest } = await built({ views, inputs });
    const { onlineFeatures } = depsOf();
    const publish = createPublish(depsOf());
    const input = { ...step, featureSetSha256: summary.featureSetSha256 };
    const first = await publish(input);
    const online = await onlineFeatures.load(pipeline);
    expect(first.rows).toBe(online.rows.length);
    // Five origins and fifteen routes, and for each view what nobody has.
    expect(first.rows).toBe(5 + 15 + 2);
    expect(await publish(input)).toEqual(first);
    expect(await onlineFeatures.load(pipeline)).toEqual(online);
    const watermark = manifest.eventTime?.last;
    expect(new Set(online.rows.map((row) => row.knownAt))).toEqual(new Set([watermark]));
    const featureSet = await world.json<FeatureSet>(summary.featureSetSha256);
    const names = new Map(featureSet.views.map((view) => [view.name, publishedName(view)]));
    const unseen = online.rows.find((row) => row.view === names.get('origin_7d') && row.entity === unseenEntity);
    expect(unseen?.values).toEqual({ late_rate: null, flights: 0 });
    const lookup: ViewLookup = (view, entity) =>
      online.rows.find((row) => row.view === names.get(view) && row.entity === entity)?.values;
    const vector = createVectorizer(featureSet).apply(
      { date: Date.parse(watermark as string), distance: 5, origin: 'A1', destination: 'B1' },
      lookup,
    );
    const features = featureSet.features.map((feature) => feature.name);
    const valueOf = (from: Float32Array, name: string): number => from[features.indexOf(name)] as number;
    expect(valueOf(vector, 'origin_7d.flights')).toBeGreaterThan(100);
    expect(valueOf(vector, 'origin_7d.late_rate')).toBeGreaterThan(0);
    expect(valueOf(vector, 'route_20d.late_rate')).toBeGreaterThan(0);
    const stranger = createVectorizer(featureSet).apply({ date: 0, distance: 5, origin: 'Z', destination: 'B1' }, lookup);
    const past = ['origin_7d.late_rate', 'origin_7d.flights', 'route_20d.late_rate'];
    expect(past.map((name) => valueOf(stranger, name))).toEqual([Math.fround(0.2), 0, Math.fround(0.2)]);
  });

  it('publishes nothing for a model without views', async () => {
    const { step, summary } = await built({ inputs: { distance: {} } });
    expect(await createPublish(depsOf())({ ...step, featureSetSha256: summary.featureSetSha256 })).toEqual({ rows: 0 });
  });

  it("keeps a champion's views in hold-out and publication until it is replaced", async () => {
    const before = await built({ views, inputs });
    await promoteModelOf(before);
    const changed = { ...views.origin_7d, window: '3d' };
    const after = await built({ views: { origin_7d: changed }, inputs: { 'origin_7d.late_rate': {} } });
    const [row] = await world.rows<Record<string, unknown>>([after.frame.holdout.raw]);
    const suffix = before.summary.featureSetSha256.slice(0, 12);
    expect(new Set(Object.keys(row ?? {}).filter((name) => name.includes('.')))).toEqual(
      new Set([
        'origin_7d.late_rate',
        'origin_7d.flights',
        `origin_7d@${suffix}.late_rate`,
        `origin_7d@${suffix}.flights`,
        'route_20d.late_rate',
      ]),
    );
    const both = { rows: 5 + 1 + 5 + 15 + 2 };
    expect(await publishFor(after)).toEqual(both);
    const online = await depsOf().onlineFeatures.load(pipeline);
    expect(await publishFor(after)).toEqual(both);
    expect(await depsOf().onlineFeatures.load(pipeline)).toEqual(online);
    expect(await publishedFor(before, 'origin_7d')).toMatchObject({ flights: expect.any(Number) });
    await promoteModelOf(after);
    expect(await publishFor(after)).toEqual({ rows: 5 + 1 });
    expect(await publishedFor(before, 'origin_7d')).toBeUndefined();
  });

  it('publishes what champion, candidate of a rollout and this run mean by one name, side by side', async () => {
    const withView = (window: string, known_after = '1d') =>
      built(
        { views: { origin: { ...views.origin_7d, window } }, inputs: { 'origin.flights': {}, 'origin.late_rate': {} } },
        { data: { ...flightsData(source, 'delay > 45'), label: { name: 'late', sql: 'delay > 45', known_after } } },
      );
    const champion = await withView('7d');
    const championVersion = await promoteModelOf(champion);
    await publishFor(champion);
    const alone = await publishedFor(champion, 'origin');
    const candidate = await withView('3d');
    await publishFor(candidate);
    const endRollout = await rollOutModelOf(candidate, championVersion);
    // The label is known later: the same text, and other values.
    const further = await withView('7d', '2d');
    expect(await publishFor(further)).toEqual({ rows: 3 * (5 + 1) });
    const [first, second, third] = [
      await publishedFor(champion, 'origin'),
      await publishedFor(candidate, 'origin'),
      await publishedFor(further, 'origin'),
    ];
    expect(first).toEqual(alone);
    expect(first?.['flights']).toBeGreaterThan(2 * (second?.['flights'] as number));
    expect(third?.['flights']).toBe(first?.['flights']);
    expect(third?.['late_rate']).not.toBe(first?.['late_rate']);
    await endRollout();
    expect(await publishFor(further)).toEqual({ rows: 2 * (5 + 1) });
    expect(await publishedFor(candidate, 'origin')).toBeUndefined();
    expect(await publishedFor(champion, 'origin')).toEqual(first);
  });

  it('leaves the values that a candidate of another run has published until that run has ended', async () => {
    const withView = (window: string) =>
      built({ views: { origin: { ...views.origin_7d, window } }, inputs: { 'origin.flights': {}, 'origin.late_rate': {} } });
    await promoteModelOf(await withView('7d'));
    const other = await withView('4d');
    const runs = createRuns(world.db);
    const { definitionSha256 } = other.step;
    const trigger = { kind: 'command', by: 'tester', reason: 'test' } as const;
    const listingSha256 = definitionSha256;
    const key = 'aaaaaaaaaaaaaaaa' as RunKey;
    const request = {
      format: 1,
      pipeline,
      runKey: key,
      definitionSha256,
      codeVersion: 'x',
      listingSha256,
      cutoff: null,
    } as const;
    await runs.begin({ ...request, trigger }, `retrain/flights/${key}`);
    await registerModelOf(other, key);
    await publishFor(other);
    const published = await publishedFor(other, 'origin');
    const own = await withView('2d');
    // Champion, this run's, and those of the run that is about to roll its candidate out.
    expect(await publishFor(own)).toEqual({ rows: 3 * (5 + 1) });
    expect(await publishedFor(other, 'origin')).toEqual(published);
    const rejected = {
      verdict: 'rejected',
      reason: 'x',
      gate: null,
      dataVersion: null,
      modelVersion: null,
      metrics: {},
    } as const;
    await runs.finish({ ...rejected, pipeline, runKey: key, workflowId: `retrain/flights/${key}` });
    const next = await withView('3d');
    expect(await publishFor(next)).toEqual({ rows: 2 * (5 + 1) });
    expect(await publishedFor(other, 'origin')).toBeUndefined();
  });

  it('does not put older values back where newer data were published while it trained', async () => {
    const withView = (window: string, more: Partial<PipelineFile> = {}) =>
      built({ views: { origin: { ...views.origin_7d, window } }, inputs: { 'origin.flights': {} } }, more);
    const champion = await withView('7d');
    await promoteModelOf(champion);
    expect(await createPublishServed(depsOf())(champion.step)).toEqual({ rows: 5 + 1 });
    const candidate = await withView('3d');
    const more = world.write('newest.csv', `${csv()}2001-02-09 23:59:59,50,100,A1,B1\n`);
    const newer = await withView('7d', { data: flightsData(more, 'delay > 45') });
    // Of a definition that is no longer the applied one: its sources may be others.
    expect(await createPublishServed(depsOf())({ ...champion.step, snapshotSha256: newer.step.snapshotSha256 })).toEqual({
      rows: 0,
    });
    await createPublishServed(depsOf())(newer.step);
    const values = await publishedFor(champion, 'origin');
    expect(await publishFor(candidate)).toEqual({ rows: 2 * (5 + 1) });
    expect(await publishFor(candidate)).toEqual({ rows: 2 * (5 + 1) });
    const [inForce] = await depsOf().onlineFeatures.history(pipeline);
    expect(inForce?.snapshotSha256).toBe(newer.step.snapshotSha256);
    expect(await publishedFor(champion, 'origin')).toEqual(values);
    expect(await publishedFor(candidate, 'origin')).toMatchObject({ flights: expect.any(Number) });
    // Sources that went back are what is true now.
    await createPublishServed(depsOf())({ ...newer.step, snapshotSha256: champion.step.snapshotSha256 });
    expect((await depsOf().onlineFeatures.history(pipeline))[0]?.snapshotSha256).toBe(champion.step.snapshotSha256);
  });

  it('publishes for what serves from newer data, although no candidate comes of them', async () => {
    const champion = await built({ views: { origin: { ...views.origin_7d } }, inputs: { 'origin.flights': {} } });
    await promoteModelOf(champion);
    await publishFor(champion);
    const before = await publishedFor(champion, 'origin');
    const more = `${csv()}2001-02-09 23:59:59,50,100,A1,B1\n`;
    const newer = await world.snapshot(
      fileWith(
        { views: { origin: { ...views.origin_7d } }, inputs: { 'origin.flights': {} } },
        { data: flightsData(world.write('newer.csv', more), 'delay > 45') },
      ),
    );
    const { definitionSha256 } = newer.input;
    const input = { ...champion.step, definitionSha256, snapshotSha256: newer.frozen.snapshotSha256 };
    expect(await createPublishServed(depsOf())(input)).toEqual({ rows: 5 + 1 });
    expect(await createPublishServed(depsOf())(input)).toEqual({ rows: 5 + 1 });
    const [flights, are] = [before, await publishedFor(champion, 'origin')].map((values) => values?.['flights']);
    expect([typeof flights, typeof are, flights === are]).toEqual(['number', 'number', false]);
    const withoutViews = await built({ inputs: { distance: {} } });
    await promoteModelOf(withoutViews);
    expect(await createPublishServed(depsOf())(withoutViews.step)).toEqual({ rows: 0 });
  });

  it('leaves a champion the values that these data cannot give any more', async () => {
    const champion = await built({ views: { origin: { ...views.origin_7d } }, inputs: { 'origin.flights': {} } });
    await promoteModelOf(champion);
    await publishFor(champion);
    const before = await publishedFor(champion, 'origin');
    expect(before).toMatchObject({ flights: expect.any(Number) });
    const other = { entity: 'destination', window: '7d', values: { flights: 'count(*)' } };
    const { origin: _, ...columns } = flightsData(source, 'delay > 45').columns ?? {};
    const without = await built(
      { views: { destination: other }, inputs: { 'destination.flights': {} } },
      { data: { ...flightsData(source, 'delay > 45'), columns } },
    );
    expect(await publishFor(without)).toEqual({ rows: 3 + 1 + 5 + 1 });
    expect(await publishedFor(champion, 'origin')).toEqual(before);
    expect(await publishedFor(without, 'destination', 'B1')).toMatchObject({ flights: expect.any(Number) });
  });
});
