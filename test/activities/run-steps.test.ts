/** The steps around a run: admit it, record it, change the champion, look at the servers. Each is taken twice. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ServerReport } from '#domain/contracts/model-version.ts';
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import type { PipelineName, RunKey, Sha256, VersionNumber } from '#domain/units.ts';
import { createAdmitRetrain } from '../../activities/admit.ts';
import { createConfirmServing, createPromoteVersion, createRollBackPromotion } from '../../activities/promote.ts';
import { createFinishRun, createRecordStage } from '../../activities/record.ts';
import { sha256Of } from '../../infra/objects/digest.ts';
import { createAudit } from '../../infra/postgres/audit.ts';
import { createDefinitions } from '../../infra/postgres/definitions.ts';
import { createDeployments } from '../../infra/postgres/deployments.ts';
import { openDatabase } from '../../infra/postgres/pool.ts';
import { createRegistry } from '../../infra/postgres/registry.ts';
import { createRuns } from '../../infra/postgres/runs.ts';
import { describeWithServers, testDatabase } from '../support/servers.ts';

const pipeline = 'churn' as PipelineName;
const runKey = '00000000000000aa' as RunKey;
const definitionSha256 = sha256Of('definition');
const file = {
  name: 'churn',
  data: { source: 'customers.csv', label: 'churned' },
  training: { trainer: 'reference', resources: { timeout: '5m' } },
  gate: { approval: { within: '2h' } },
};
const request = {
  format: 1,
  pipeline,
  runKey,
  definitionSha256,
  codeVersion: 'c0ffee',
  listingSha256: sha256Of('listing'),
  cutoff: null,
  trigger: { kind: 'command', by: 'ada', reason: 'a test' },
};
const ref = { pipeline, runKey, definitionSha256 };

const openWorld = async () => {
  const database = await testDatabase();
  const opened = openDatabase(database.url);
  const { db } = opened;
  const world = {
    definitions: createDefinitions(db),
    runs: createRuns(db),
    registry: createRegistry(db),
    deployments: createDeployments(db),
    audit: createAudit(db),
  };
  await world.definitions.apply(pipeline, null, file, definitionSha256, 'c0ffee', 'ada');
  const register = (name: string) =>
    world.registry.register(
      {
        pipeline,
        modelSha256: sha256Of(`model ${name}`),
        onnxSha256: sha256Of(`onnx ${name}`),
        trainingKey: sha256Of(`training ${name}`),
        definitionSha256,
        codeVersion: 'c0ffee',
        snapshotSha256: null,
        featureSetSha256: sha256Of('features'),
        profileSha256: null,
        trainer: 'reference',
        parameters: {},
        metrics: {},
        runKey: null,
      },
      'ada',
    );
  const close = async (): Promise<void> => {
    await opened.close();
    await database.close();
  };
  return { ...world, register, close };
};

describeWithServers('the steps around a run', () => {
  let world: Awaited<ReturnType<typeof openWorld>>;
  beforeEach(async () => {
    world = await openWorld();
  });
  afterEach(() => world.close());

  test('admit takes the branches of a run from its definition, and records the run once', async () => {
    const admit = createAdmitRetrain(world);
    const plan = await admit(request);
    expect(plan).toMatchObject({ ...request, trainer: 'reference', trainTimeoutMs: 300_000, approvalWithinMs: 7_200_000 });
    expect(await admit(request)).toEqual(plan);
    expect(await world.runs.list({ limit: 10 })).toMatchObject([
      { runKey, workflowId: `retrain/churn/${runKey}`, outcome: null },
    ]);
  });

  test.each([
    ['no object', 'PRN_INPUT_INVALID', 42],
    ['an unknown field', 'PRN_INPUT_INVALID', { ...request, hurry: true }],
    ['a run key that is none', 'PRN_INPUT_INVALID', { ...request, runKey: '../etc' }],
    ['a definition that nobody applied', 'PRN_DEFINITION_UNKNOWN', { ...request, definitionSha256: sha256Of('other') }],
    ['the definition of another pipeline', 'PRN_DEFINITION_UNKNOWN', { ...request, pipeline: 'flights' }],
  ])('admit refuses %s', async (_what, code, input) => {
    await expect(createAdmitRetrain(world)(input)).rejects.toMatchObject({ code });
    expect(await world.runs.list({ limit: 10 })).toEqual([]);
  });

  test('admit refuses a trainer that nobody has, and leaves one in a folder that only others see to them', async () => {
    const keep = async (trainer: string, folder: string | null): Promise<Sha256> => {
      const sha256 = sha256Of(`${trainer} ${folder}`);
      const training = { ...file.training, trainer };
      await world.definitions.apply(pipeline, folder, { ...file, training }, sha256, 'c0ffee', 'ada');
      return sha256;
    };
    const admit = createAdmitRetrain(world);
    const mistyped = { ...request, definitionSha256: await keep('lihgtgbm', import.meta.dirname) };
    const refused = { code: 'PRN_TRAINER_UNKNOWN', message: expect.stringContaining('did you mean "lightgbm"?') };
    await expect(admit(mistyped)).rejects.toMatchObject(refused);
    expect(await world.runs.list({ limit: 10 })).toEqual([]);
    const elsewhere = { ...request, definitionSha256: await keep('./mine', '/on/another/machine') };
    expect(await admit(elsewhere)).toMatchObject({ trainer: './mine' });
  });

  test('stages and the end are recorded once, and the first end stands', async () => {
    await createAdmitRetrain(world)(request);
    const [recordStage, finishRun] = [createRecordStage(world), createFinishRun(world)];
    await recordStage({ ...ref, stage: 'ingest', state: 'started', summary: '' });
    await recordStage({ ...ref, stage: 'ingest', state: 'done', summary: '5 rows' });
    await recordStage({ ...ref, stage: 'ingest', state: 'started', summary: '' });
    expect(await world.runs.stages(runKey)).toMatchObject([{ stage: 'ingest', state: 'done', summary: '5 rows' }]);
    const outcome: RetrainOutcome = {
      ...{ workflowId: `retrain/churn/${runKey}`, runKey, pipeline, verdict: 'held', reason: 'nobody approved' },
      ...{ gate: null, dataVersion: null, modelVersion: null, metrics: {} },
    };
    await finishRun(outcome);
    await finishRun({ ...outcome, verdict: 'failed', reason: 'a late attempt' });
    expect((await world.runs.get(runKey))?.result).toEqual(outcome);
    expect((await world.audit.list({ limit: 100 })).filter(({ action }) => action === 'run ended')).toHaveLength(1);
  });

  test('a promotion happens once, and another that was compared with the old champion is refused', async () => {
    const [one, two] = [await world.register('one'), await world.register('two')];
    const promote = createPromoteVersion(world);
    const input = { ...ref, version: one.version, expectedGeneration: 0, by: 'ada', reason: 'passed' };
    expect(await promote(input)).toEqual({ generation: 1, previousChampion: null });
    expect(await promote(input)).toEqual({ generation: 1, previousChampion: null });
    await expect(promote({ ...input, version: two.version })).rejects.toMatchObject({ code: 'PRN_DEPLOY_CONFLICT' });
    expect(await world.registry.promotions(pipeline)).toHaveLength(1);
  });

  test('a roll-back puts the previous champion at a new generation, once', async () => {
    const [one, two] = [await world.register('one'), await world.register('two')];
    const promote = createPromoteVersion(world);
    await promote({ ...ref, version: one.version, expectedGeneration: 0, by: 'ada', reason: 'passed' });
    await promote({ ...ref, version: two.version, expectedGeneration: 1, by: 'ada', reason: 'passed' });
    const rollBack = createRollBackPromotion(world);
    const input = { ...ref, refusedGeneration: 2, to: one.version, reason: 'golden row 3 differs' };
    expect(await rollBack(input)).toEqual({ generation: 3, previousChampion: two.version });
    expect(await rollBack(input)).toEqual({ generation: 3, previousChampion: two.version });
    expect(await world.deployments.get(pipeline)).toMatchObject({ generation: 3, champion: { version: 1 } });
    // The run that failed starts again: the same version, now compared with generation 3.
    const again = { ...ref, version: two.version, expectedGeneration: 3, by: 'ada', reason: 'passed' };
    expect(await promote(again)).toEqual({ generation: 4, previousChampion: one.version });
  });

  test('the first champion is rolled back to none', async () => {
    const one = await world.register('one');
    await createPromoteVersion(world)({ ...ref, version: one.version, expectedGeneration: 0, by: 'ada', reason: 'passed' });
    await createRollBackPromotion(world)({ ...ref, refusedGeneration: 1, to: null, reason: 'refused' });
    expect(await world.deployments.get(pipeline)).toMatchObject({ generation: 2, champion: null });
  });

  const report = (serverId: string, over: Partial<ServerReport>): Promise<void> =>
    world.deployments.report({
      ...{
        serverId,
        pipeline,
        generation: 1,
        modelSha256: sha256Of('model one'),
        state: 'serving',
        reason: null,
        candidateSha256: null,
        share: 0,
      },
      ...({ reportedAt: '' } as unknown as Pick<ServerReport, 'reportedAt'>),
      ...over,
    });

  test.each<[string, Partial<ServerReport>[], object]>([
    ['nobody is alive', [], { confirmed: false, servers: 0, reason: 'No server is alive to serve generation 1' }],
    ['all serve it', [{}, {}], { confirmed: true, servers: 2, serving: 2, reason: 'generation 1 is served by 2 of 2 servers' }],
    ['one still loads', [{}, { state: 'loading', generation: 1 }], { confirmed: false, servers: 2, serving: 1 }],
    ['one is a generation behind', [{ generation: 0 }], { confirmed: false, servers: 1, serving: 0 }],
    ['one serves other bytes', [{ modelSha256: sha256Of('other') as Sha256 }], { confirmed: false, serving: 0 }],
    ['one has passed ours', [{ generation: 2, modelSha256: sha256Of('newer') as Sha256 }], { confirmed: true }],
    [
      'one refuses',
      [{}, { state: 'refused', reason: 'golden row 3 differs' }],
      { confirmed: false, refused: 1, reason: 'Server "server-1" refused generation 1: golden row 3 differs' },
    ],
  ])('confirmServing: %s', async (_what, reports, expected) => {
    const { version } = await world.register('one');
    const input = { ...ref, version: version as VersionNumber, expectedGeneration: 0, by: 'ada', reason: 'passed' };
    await createPromoteVersion(world)(input);
    for (const [index, over] of reports.entries()) await report(`server-${index}`, over);
    const confirm = createConfirmServing(world);
    expect(await confirm({ pipeline, generation: 1 })).toMatchObject(expected);
    expect(await confirm({ pipeline, generation: 1 })).toMatchObject(expected);
  });
});
