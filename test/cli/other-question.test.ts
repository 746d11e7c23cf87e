import { afterEach, expect, test } from 'vitest';
import { pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { sha256Of } from '../../infra/objects/digest.ts';
import { warningOfOtherQuestion } from '../../workers/cli/spec/other-question.ts';
import { openWorld, pipeline, snapshotSha256, type World } from '../activities/support/evaluation-world.ts';

let world: World;
afterEach(() => world.close());

/** A version of that definition serves. */
const serve = async (definitionSha256: ReturnType<typeof sha256Of> | null): Promise<void> => {
  const digests = { modelSha256: sha256Of('m'), onnxSha256: sha256Of('o'), featureSetSha256: sha256Of('f'), profileSha256: null };
  const lineage = { trainingKey: sha256Of(`${definitionSha256}`), codeVersion: 'c', snapshotSha256, runKey: null };
  const { version } = await world.registry.register(
    { pipeline, definitionSha256, ...digests, ...lineage, trainer: 'reference', parameters: {}, metrics: {} },
    'ada',
  );
  const { generation } = await world.deployments.get(pipeline);
  const operation = { operationKey: `to ${version}`, actor: 'ada', reason: 'test' };
  await world.deployments.promote({ pipeline, kind: 'promote', version, expectedGeneration: generation, ...operation });
};

test('warns of another label than the one that serves, and of nothing else', async () => {
  world = await openWorld();
  const asked = (label: unknown) => pipelineSpecSchema.parse({ ...world.file, data: { ...world.file.data, label } });
  const warn = (label: unknown) => warningOfOtherQuestion(world.deps, asked(label));
  expect(await warn('hot')).toBeNull();
  await serve(await world.apply(world.file));
  expect(await warn('label')).toBeNull();
  expect(await warn('hot')).toBe(
    'another question than version 1 answers, which serves: the label was "label" and is "hot". A run of it is refused (PRN_EVALUATION_QUESTION): give it another name, or take version 1 out of service first (`perennial delete flights`)',
  );
  // Nobody knows what an imported model was trained for.
  await serve(null);
  expect(await warn('hot')).toBeNull();
});
