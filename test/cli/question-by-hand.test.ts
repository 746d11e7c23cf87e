/** What a person puts in front of callers must answer what they ask, unless the person says otherwise. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RollBackRequest, rolloutPlanSchema } from '#domain/contracts/rollout.ts';
import type { Sha256, VersionNumber } from '#domain/units.ts';
import { sha256Of } from '../../infra/objects/digest.ts';
import { buildModelPackage } from '../../infra/onnx/package.ts';
import { createRollouts } from '../../infra/postgres/rollouts.ts';
import { requestOnRecord } from '../../workers/cli/rollout/check-roll-back.ts';
import { reasonOnRecord } from '../../workers/cli/rollout/same-question.ts';
import { openWorld, pipeline, snapshotSha256, type World } from '../activities/support/evaluation-world.ts';
import { examples } from '../house/examples.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

type Answers = { readonly task: 'binary' | 'multiclass' | 'regression'; readonly classes: readonly string[] };
const truths: Answers = { task: 'binary', classes: ['false', 'true'] };

const packageOf = ({ task, classes }: Answers): Promise<Sha256> => {
  const width = Math.max(1, classes.length);
  const session = { inputs: [], output: { name: 'answer', type: 'float32', shape: ['n', width] } };
  const one = { rows: 1, data: new Array<number>(width).fill(0.5), width };
  const onnx = { sha256: sha256Of('onnx'), bytes: 4 };
  const parts = { pipeline, task, classes, onnx, session, featureSetSha256: sha256Of('features') };
  return world.content.putJson(buildModelPackage({ ...parts, features: one, answers: one }));
};

const apply = (label: unknown) => world.apply({ ...world.file, data: { ...world.file.data, label } });

let count = 0;
/** A version that was trained for that label and answers so. */
const register = async (label: unknown, answers: Answers = truths, modelSha256?: Sha256): Promise<VersionNumber> => {
  count += 1;
  const { version } = await world.registry.register(
    {
      pipeline,
      definitionSha256: label === null ? null : await apply(label),
      modelSha256: modelSha256 ?? (await packageOf(answers)),
      onnxSha256: sha256Of('onnx'),
      featureSetSha256: sha256Of('features'),
      profileSha256: null,
      trainingKey: sha256Of(`training ${count}`),
      codeVersion: 'c0ffee',
      snapshotSha256,
      runKey: null,
      trainer: 'reference',
      parameters: {},
      metrics: {},
    },
    'ada',
  );
  return version;
};

const serve = async (version: VersionNumber | null): Promise<void> => {
  const { generation } = await world.deployments.get(pipeline);
  const operation = { operationKey: `at ${generation}`, actor: 'ada', reason: 'test' };
  await world.deployments.promote({ pipeline, kind: 'promote', version, expectedGeneration: generation, ...operation });
};

const attempt = 'Cannot roll it out';
const ask = async (version: VersionNumber, despite: 'question' | null = null) => {
  const { champion } = await world.deployments.get(pipeline);
  return reasonOnRecord(world.deps, { pipeline, version }, champion, { attempt, reason: 'complaints', despite });
};

const rollBack = async (to: VersionNumber | null, accepted: { despite?: 'question' } = {}) => {
  const { generation } = await world.deployments.get(pipeline);
  const request: RollBackRequest = { format: 1, pipeline, generation, to, by: 'ada', reason: 'complaints' };
  const needs = { ...world.deps, rollouts: createRollouts(world.db) };
  return requestOnRecord(needs, request, accepted);
};

describe('a version that is named by hand', () => {
  test('is refused where it was trained for another label, and goes on record as accepted where a person says so', async () => {
    const [before, champion] = [await register('label'), await register({ name: 'label', sql: 'delay > 60' })];
    await serve(champion);
    for (const _ of ['once', 'again']) {
      await expect(ask(before)).rejects.toMatchObject({
        code: 'PRN_DEPLOY_QUESTION',
        message:
          'Cannot roll it out without --despite question as it answers another question than champion version 2, which callers ask: the label was "label" and is "label" (delay > 60)',
      });
    }
    expect(await ask(before, 'question')).toBe(
      'complaints (despite another question: the label was "label" and is "label" (delay > 60))',
    );
  });

  test('is taken where it was trained for the same one, whatever the pipeline file asks by now; nothing is added to the reason', async () => {
    const [before, champion] = [await register('label'), await register('label')];
    await serve(champion);
    await apply('hot');
    expect(await ask(before)).toBe('complaints');
    expect(await ask(before, 'question')).toBe('complaints');
  });

  test('is refused where it answers another task, or not every class that the champion answers', async () => {
    const three: Answers = { task: 'multiclass', classes: ['a', 'b', 'c'] };
    const [two, all, number] = [
      await register('label', { task: 'multiclass', classes: ['b', 'a'] }),
      await register('label', three),
      await register('label', { task: 'regression', classes: [] }),
    ];
    await serve(all);
    await expect(ask(two)).rejects.toThrow('it answers the classes b, a and version 2 has "c" too');
    await expect(ask(number)).rejects.toThrow('it answered a regression label and the label is multiclass');
    await serve(two);
    expect(await ask(all)).toBe('complaints');
  });

  test('is compared with the definition of now where nothing serves', async () => {
    const before = await register('label');
    await apply('hot');
    await expect(ask(before)).rejects.toThrow(
      'than the definition that was applied last asks: the label was "label" and is "hot"',
    );
    await apply('label');
    expect(await ask(before)).toBe('complaints');
  });

  test('is taken where nobody knows: an import from elsewhere, a package that the store does not give', async () => {
    const [foreign, lost, champion] = [
      await register(null),
      await register('label', truths, sha256Of('lost')),
      await register('label'),
    ];
    await serve(champion);
    expect(await ask(foreign)).toBe('complaints');
    expect(await ask(lost)).toBe('complaints');
  });
});

describe('perennial rollback', () => {
  test('refuses the champion before, named or not, where it answers another question', async () => {
    const [before, champion] = [await register('label'), await register('hot')];
    await serve(before);
    await serve(champion);
    for (const to of [before, null]) {
      await expect(rollBack(to)).rejects.toThrow(/^Cannot put version 1 of "flights" in front of everybody without --despite/);
      expect((await rollBack(to, { despite: 'question' })).reason).toBe(
        'complaints (despite another question: the label was "label" and is "hot")',
      );
    }
  });

  test('never refuses to take a candidate back, whatever it answers', async () => {
    const [champion, candidate] = [await register('label'), await register('hot')];
    await serve(champion);
    await createRollouts(world.db).begin({
      id: 'flights/2/one',
      pipeline,
      version: candidate,
      championVersion: champion,
      workflowId: 'roll-out/flights/2',
      policy: rolloutPlanSchema.parse(examples['rolloutPlanSchema']),
      deployed: { strategy: 'canary', share: 0.1, salt: 'salt', by: [], latencyMs: null },
      actor: 'ada',
      reason: 'accepted',
    });
    expect(await rollBack(null)).toMatchObject({ to: null, reason: 'complaints' });
    expect(await rollBack(champion)).toMatchObject({ to: champion, reason: 'complaints' });
  });
});
