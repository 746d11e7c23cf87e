import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ServerReport } from '#domain/contracts/model-version.ts';
import { referenceProfileSchema } from '#domain/contracts/reference-profile.ts';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import { digestOfJson } from '../../infra/objects/digest.ts';
import { createRollouts } from '../../infra/postgres/rollouts.ts';
import { countPollers } from '../../infra/temporal/pollers.ts';
import { describeWithServers, testDatabase, testFolder, testStore, testTemporal } from '../support/servers.ts';
import { openRealPlace, type RealPlace } from './real.ts';
import { openWorld, untilStatus, type World } from './world.ts';

/** All traffic in one step that needs no request. */
const atOnce = ['rollout.steps=[1]', 'rollout.step={"at_least":"1ms","requests":0}'];
const serves = { state: 'serving', reason: null } as const;

describeWithServers('retrain, with the real steps', () => {
  let world: World;
  let place: RealPlace;
  const closing: (() => unknown)[] = [];

  beforeAll(async () => {
    const database = await testDatabase();
    const store = testStore();
    const { folder, close } = testFolder();
    closing.push(close, store.close, database.close);
    const count = (queue: string) => countPollers(world.connection, 'default', queue);
    place = openRealPlace({ databaseUrl: database.url, store: store.config }, folder, count);
    closing.push(place.close);
    world = await openWorld(place, testTemporal());
    closing.push(world.close);
  }, 120_000);
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  });

  /** A server as the database sees one: it looks at what is wanted and reports; `answer` says how it takes a candidate. */
  const actAsServer = (pipeline: PipelineName, answer: Pick<ServerReport, 'state' | 'reason'>): (() => Promise<void>) => {
    const { deployments } = place.context;
    const ended = new AbortController();
    const serve = async (): Promise<void> => {
      while (!ended.signal.aborted) {
        const { generation, champion, rollout } = await deployments.get(pipeline);
        const alone = champion === null ? ({ state: 'loading', reason: null } as const) : serves;
        const said = rollout === null ? alone : answer;
        await deployments.report({
          serverId: 'server-1',
          pipeline,
          generation,
          modelSha256: champion?.modelSha256 ?? null,
          candidateSha256: rollout?.candidate.modelSha256 ?? null,
          share: rollout?.share ?? 0,
          reportedAt: new Date().toISOString() as ServerReport['reportedAt'],
          ...said,
        });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const serving = serve();
    return async () => {
      ended.abort();
      await serving;
      await deployments.forgetServer('server-1');
    };
  };

  test('rows become a champion, and everything about it is on record', async () => {
    const run = await place.start(world.client, 'whole');
    const outcome = await run.outcome();
    expect(outcome).toMatchObject({ verdict: 'promoted', modelVersion: 1, workflowId: run.workflowId });
    expect(outcome.reason).toContain('unconfirmed');
    expect(outcome.metrics.roc_auc).toBeGreaterThan(0.6);

    const { registry, runs, deployments, snapshots } = place.context;
    const champion = await registry.champion('whole' as PipelineName);
    expect(champion).toMatchObject({ version: 1, snapshotSha256: outcome.dataVersion, runKey: run.runKey, trainer: 'reference' });
    const profileSha256 = champion?.profileSha256 as Sha256;
    const profile = referenceProfileSchema.parse(await place.context.content.getJson(profileSha256));
    expect(digestOfJson(profile)).toBe(profileSha256);
    expect(profile).toMatchObject({ onnxSha256: champion?.onnxSha256, snapshotSha256: outcome.dataVersion, rows: 600 });
    expect(profile.features.map(({ name }) => name).sort()).toEqual(['contract', 'monthly_charges', 'tenure']);
    expect(profile.scores.map(({ reference }) => reference.cells.reduce((sum, rows) => sum + rows))).toEqual([
      profile.performance?.rows,
    ]);
    expect(profile.predictions?.layout).toMatchObject({ values: ['false', 'true'] });
    expect(profile.performance).toMatchObject({ metrics: champion?.metrics, calibrator: { scores: expect.anything() } });
    expect(await deployments.get('whole' as PipelineName)).toMatchObject({ generation: 1, champion: { version: 1 } });
    expect(await snapshots.get(outcome.dataVersion as never)).toMatchObject({ rows: 600 });
    expect((await runs.get(run.runKey))?.result).toEqual(outcome);
    const stages = await runs.stages(run.runKey);
    expect(stages.map(({ stage, state }) => `${stage} ${state}`)).toEqual(
      ['ingest', 'validate', 'freeze', 'features', 'train', 'evaluate', 'gate', 'register', 'publish', 'promote'].map(
        (stage) => `${stage} done`,
      ),
    );
    const described = await world.client.workflow.getHandle(run.workflowId).describe();
    expect(described.searchAttributes).toMatchObject({
      PerennialPipeline: ['whole'],
      PerennialStage: ['promote'],
      PerennialVerdict: ['promoted'],
      PerennialSnapshot: [outcome.dataVersion],
      PerennialTrigger: ['command'],
    });
  });

  test('the same data, code and parameters give the old verdict without a new run', async () => {
    const stop = actAsServer('twice' as PipelineName, serves);
    const first = await place.start(world.client, 'twice');
    const outcome = await first.outcome();
    await stop();
    const second = await place.start(world.client, 'twice');
    expect(second).toMatchObject({ attached: true, runKey: first.runKey });
    expect(await second.outcome()).toEqual(outcome);
    expect(await place.context.registry.list('twice' as PipelineName)).toHaveLength(1);
  });

  test('too few rows are rejected by the check, and nothing is frozen', async () => {
    const outcome = await (await place.start(world.client, 'few', { rows: 80 })).outcome();
    expect(outcome).toMatchObject({ verdict: 'rejected', dataVersion: null, gate: null });
    expect(outcome.reason).toContain('enough customers: count(*) >= 100');
    expect(await place.context.snapshots.list('few' as PipelineName)).toEqual([]);
  });

  test('a candidate below the absolute limit is rejected by the gate and not registered', async () => {
    const outcome = await (await place.start(world.client, 'high-bar', { overrides: ['gate.minimum.roc_auc=0.999'] })).outcome();
    expect(outcome).toMatchObject({ verdict: 'rejected', gate: { outcome: 'fail' }, modelVersion: null });
    expect(outcome.reason).toMatch(/roc_auc.*0\.\d+.*0\.999/);
    expect(await place.context.registry.list('high-bar' as PipelineName)).toEqual([]);
  });

  test('a person approves, and servers that follow confirm it', async () => {
    const name = 'approved' as PipelineName;
    const stop = actAsServer(name, serves);
    const run = await place.start(world.client, name, { overrides: ['gate.approval={"within":"1h"}'] });
    const handle = world.client.workflow.getHandle(run.workflowId) as never;
    await untilStatus(handle, 'waits for approval', ({ waitingFor }) => waitingFor !== null);
    await expect
      .poll(async () => (await place.context.runs.stages(run.runKey)).at(-1))
      .toMatchObject({ stage: 'approve', state: 'waiting' });
    await world.client.workflow
      .getHandle(run.workflowId)
      .executeUpdate('approvePromotion', { args: [{ by: 'grace', reason: 'fine' }] });
    const outcome = await run.outcome();
    await stop();
    expect(outcome).toMatchObject({ verdict: 'promoted', reason: expect.stringContaining('1 of 1 server') });
  });

  test('a version that a server refuses is taken back, and the champion is who it was', async () => {
    const name = 'refused' as PipelineName;
    const stopServing = actAsServer(name, serves);
    await (await place.start(world.client, name)).outcome();
    await stopServing();
    const before = await place.context.deployments.get(name);
    const stop = actAsServer(name, { state: 'refused', reason: 'golden row 3 differs by 0.2' });
    const run = await place.start(world.client, name, { overrides: ['training.parameters.l2=0.001', ...atOnce] });
    expect(await run.outcome()).toMatchObject({ verdict: 'rejected', reason: expect.stringContaining('golden row 3') });
    await stop();
    const after = await place.context.deployments.get(name);
    expect(after).toEqual({ ...before, generation: before.generation + 2 });
    expect(await place.context.registry.champion(name)).toMatchObject({ version: 1 });
    expect((await place.context.runs.get(run.runKey))?.outcome).toBe('rejected');
    const [rollout] = await createRollouts(place.context.database.db).list(name);
    expect(rollout).toMatchObject({ state: 'rolled back', harmed: { requests: 0 } });
    // Another definition is another run; its candidate is the same version, and now no server objects.
    const stopAgain = actAsServer(name, serves);
    const overrides = ['training.parameters.l2=0.001', ...atOnce, 'rollout.alpha=0.02'];
    const again = await (await place.start(world.client, name, { overrides })).outcome();
    await stopAgain();
    expect(again).toMatchObject({ verdict: 'promoted', modelVersion: 2 });
    expect(await place.context.deployments.get(name)).toMatchObject({ champion: { version: 2 }, rollout: null });
  });
});
