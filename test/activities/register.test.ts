import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ReferenceProfile } from '#domain/contracts/reference-profile.ts';
import type { Sha256 } from '#domain/units.ts';
import { createEvaluate } from '../../activities/evaluate.ts';
import { createRegister } from '../../activities/register.ts';
import { digestOfJson, sha256Of } from '../../infra/objects/digest.ts';
import { createAudit } from '../../infra/postgres/audit.ts';
import { logisticModel } from '../infra/onnx/tiny-models.ts';
import {
  featuresOf,
  makeRows,
  openWorld,
  pipeline,
  snapshotSha256,
  storeFrame,
  storeResult,
  type World,
} from './support/evaluation-world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const evaluated = async (runKey: string, weight: number) => {
  const run = await world.begin(runKey);
  const featureSet = featuresOf('x');
  const frameSha256 = await storeFrame(world, { featureSet, holdout: makeRows(200, 5) });
  const trainingResultSha256 = await storeResult(world, logisticModel([weight]), featureSet);
  const input = { ...run, frameSha256, trainingResultSha256 };
  const { reportSha256, modelSha256, metrics } = await createEvaluate(world.deps)(input);
  return { metrics, input: { ...input, codeVersion: 'c0ffee', snapshotSha256, evaluationSha256: reportSha256, modelSha256 } };
};

describe('registerCandidate', () => {
  test('writes the version with its lineage, once', async () => {
    const { input, metrics } = await evaluated('00000000000000aa', 2);
    expect(await createRegister(world.deps)(input)).toEqual({ version: 1, stage: 'registered' });
    expect(await createRegister(world.deps)(input)).toEqual({ version: 1, stage: 'registered' });
    expect(await world.registry.list(pipeline)).toMatchObject([
      {
        version: 1,
        modelSha256: input.modelSha256,
        definitionSha256: input.definitionSha256,
        snapshotSha256,
        codeVersion: 'c0ffee',
        trainer: 'reference',
        metrics,
        runKey: input.runKey,
      },
    ]);
    const audit = await createAudit(world.db).list({ limit: 100 });
    expect(audit.filter(({ action }) => action === 'version registered')).toHaveLength(1);
  });

  test('numbers the next candidate', async () => {
    await createRegister(world.deps)((await evaluated('00000000000000aa', 2)).input);
    expect(await createRegister(world.deps)((await evaluated('00000000000000bb', 3)).input)).toMatchObject({ version: 2 });
  });

  test('refuses references that speak of two models', async () => {
    const [one, other] = [await evaluated('00000000000000aa', 2), await evaluated('00000000000000bb', 3)];
    const mixed = { ...one.input, modelSha256: other.input.modelSha256 };
    await expect(createRegister(world.deps)(mixed)).rejects.toThrow(
      'Cannot register the candidate as its packaged model must be',
    );
    expect(await world.registry.list(pipeline)).toEqual([]);
  });

  test('refuses a reference profile that is not there, and one of another model', async () => {
    const { input } = await evaluated('00000000000000aa', 2);
    const report = (await world.content.getJson(input.evaluationSha256)) as object;
    const withProfile = async (profileSha256: Sha256) =>
      createRegister(world.deps)({ ...input, evaluationSha256: await world.content.putJson({ ...report, profileSha256 }) });
    await expect(withProfile(sha256Of('nothing'))).rejects.toMatchObject({ code: 'PRN_NOT_FOUND' });
    const profile: ReferenceProfile = {
      format: 1,
      pipeline,
      snapshotSha256,
      featureSetSha256: sha256Of('features'),
      onnxSha256: sha256Of('another model'),
      rows: 0,
      eventTime: null,
      season: { slot: 'none', slots: 1, windowMs: 1, windowsBySlot: [0] },
      features: [],
      scores: [],
      predictions: null,
      performance: null,
    };
    await expect(withProfile(await world.content.putJson(profile))).rejects.toThrow(
      'Cannot register the candidate as its profiled model must be',
    );
    expect(await world.registry.list(pipeline)).toEqual([]);
    const own = { ...profile, onnxSha256: (report as { onnxSha256: Sha256 }).onnxSha256 };
    await withProfile(await world.content.putJson(own));
    expect(await world.registry.list(pipeline)).toMatchObject([{ profileSha256: digestOfJson(own) }]);
  });

  test('refuses a version whose bytes are not there', async () => {
    const { input } = await evaluated('00000000000000aa', 2);
    await expect(createRegister(world.deps)({ ...input, evaluationSha256: sha256Of('nothing') })).rejects.toMatchObject({
      code: 'PRN_NOT_FOUND',
    });
    expect(await world.registry.list(pipeline)).toEqual([]);
  });
});
