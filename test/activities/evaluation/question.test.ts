import { afterEach, describe, expect, test } from 'vitest';
import { createEvaluate } from '../../../activities/evaluate.ts';
import { differenceOfAnswers } from '../../../activities/evaluation/question.ts';
import { createBuildFeatures } from '../../../activities/features.ts';
import { createRegister } from '../../../activities/register.ts';
import type { FeatureFrame } from '../../../workflows/domain/contracts/feature-set.ts';
import { logisticModel } from '../../infra/onnx/tiny-models.ts';
import {
  featuresOf,
  makeRows,
  openWorld,
  pipeline,
  snapshotSha256,
  storeFrame,
  storeResult,
  type World,
} from '../support/evaluation-world.ts';

let world: World;
afterEach(() => world?.close());

const holdout = makeRows(200, 5);
const xOnly = featuresOf('x');

const inputOf = async (runKey: string, weight: number, label: unknown = 'label', more: Partial<FeatureFrame> = {}) => ({
  ...(await world.begin(runKey)),
  definitionSha256: await world.apply({ ...world.file, data: { ...world.file.data, label } }),
  frameSha256: await storeFrame(world, { featureSet: xOnly, holdout, more }),
  trainingResultSha256: await storeResult(world, logisticModel([weight]), xOnly),
});

const champion = '00000000000000aa';
const challenger = '00000000000000bb';

/** Version 1, trained for `label`, serves. */
const makeChampion = async (label: unknown = 'label'): Promise<void> => {
  const input = await inputOf(champion, 2, label);
  const { reportSha256, modelSha256 } = await createEvaluate(world.deps)(input);
  const evaluated = { ...input, codeVersion: 'c0ffee', snapshotSha256, evaluationSha256: reportSha256, modelSha256 };
  const { version } = await createRegister(world.deps)(evaluated);
  const operation = { operationKey: 'first', actor: 'ada', reason: 'test' };
  await world.deployments.promote({ pipeline, kind: 'promote', version, expectedGeneration: 0, ...operation });
};

const usesCounted = async (): Promise<number> => (await world.db.selectFrom('holdout_uses').selectAll().execute()).length;

describe('evaluateCandidate of a label that is not the champion’s', () => {
  test('refuses another column, both 0 and 1, names both and spends no use of the hold-out', async () => {
    world = await openWorld();
    await makeChampion();
    const input = await inputOf(challenger, 1.9, 'hot');
    for (const _ of ['once', 'again']) {
      await expect(createEvaluate(world.deps)(input)).rejects.toMatchObject({
        code: 'PRN_EVALUATION_QUESTION',
        message:
          'Cannot compare the candidate with champion version 1 as both must answer the same question: the label was "label" and is "hot"',
      });
    }
    expect(await world.registry.evaluations(input.runKey)).toEqual([]);
    expect(await usesCounted()).toBe(0);
    // Nor is anything trained for it.
    await expect(createBuildFeatures(world.deps)({ ...input, snapshotSha256 })).rejects.toMatchObject({
      code: 'PRN_EVALUATION_QUESTION',
    });
    // Once nobody serves, the name is free for the new question.
    const operation = { operationKey: 'out', actor: 'ada', reason: 'test' };
    await world.deployments.promote({ pipeline, kind: 'rollback', version: null, expectedGeneration: 1, ...operation });
    expect(await createEvaluate(world.deps)(input)).toMatchObject({ championVersion: null, verdict: { outcome: 'pass' } });
  });

  test('refuses another expression under the same name, not another layout of the same one', async () => {
    world = await openWorld();
    await makeChampion({ name: 'late', sql: 'delay > 45' });
    const same = await inputOf(challenger, 1.9, { name: 'late', sql: ' delay  >\n45', known_after: '1d' });
    expect(await createEvaluate(world.deps)(same)).toMatchObject({ championVersion: 1 });
    const other = await inputOf('00000000000000cc', 1.8, { name: 'late', sql: 'delay > 60' });
    await expect(createEvaluate(world.deps)(other)).rejects.toThrow(
      'the label was "late" (delay > 45) and is "late" (delay > 60)',
    );
  });

  test('refuses a third class and a number, naming task and way out before anything is scored', async () => {
    world = await openWorld();
    await makeChampion();
    const three = await inputOf(challenger, 1.9, 'label', { task: 'multiclass', classes: ['false', 'true', 'maybe'] });
    await expect(createEvaluate(world.deps)(three)).rejects.toThrow('it answered a binary label and the label is multiclass');
    const numeric = await inputOf('00000000000000cc', 1.8, 'label', { task: 'regression', classes: [] });
    await expect(createEvaluate(world.deps)(numeric)).rejects.toMatchObject({ code: 'PRN_EVALUATION_QUESTION' });
    const renamed = await inputOf('00000000000000dd', 1.7, 'label', { classes: ['false', 'yes'] });
    await expect(createEvaluate(world.deps)(renamed)).rejects.toThrow(
      'it answers the classes false, true and the hold-out has "yes" too',
    );
  });
});

describe('differenceOfAnswers()', () => {
  const before = { task: 'multiclass' as const, classes: ['a', 'b', 'c', 'd'] };
  const frameOf = (...classes: string[]): FeatureFrame => ({ task: 'multiclass', classes }) as FeatureFrame;

  test('lets classes go that no row has any more', () =>
    expect(differenceOfAnswers(before, frameOf('d', 'a', 'c'), Float32Array.of(0, 1, 2))).toBeNull());

  test('asks only for classes that the hold-out holds', () => {
    const frame = frameOf('a', 'b', 'c', 'd', 'e');
    expect(differenceOfAnswers(before, frame, Float32Array.of(0, 3))).toBeNull();
    expect(differenceOfAnswers(before, frame, Float32Array.of(0, 4))).toBe(
      'it answers the classes a, b, c, d and the hold-out has "e" too',
    );
  });
});
