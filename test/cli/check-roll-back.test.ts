import { beforeEach, expect, test } from 'vitest';
import { checkRollBack } from '../../workers/cli/rollout/check-roll-back.ts';
import { flights, openRolloutWorld, type RolloutWorld, version } from '../activities/rollout/world.ts';

let world: RolloutWorld;
beforeEach(async () => {
  world = await openRolloutWorld(async () => ({ id: 'gain', what: 'gain', kind: 'insufficient', reason: 'no labels', rows: 0 }));
  return world.bench.end;
});

const ref = { pipeline: flights, rolloutId: 'flights/2/one' };
const word = { by: 'ada', reason: 'complaints' };
const begin = async () => {
  const plan = await world.steps.plan({ rolloutId: ref.rolloutId, request: await world.request({}) });
  await world.steps.begin({ plan, workflowId: 'roll-out/flights/2' });
};
const check = async (to: number | null, isForced = false) => {
  const { generation } = await world.deps.deployments.get(flights);
  const named = to === null ? null : version(to);
  return checkRollBack(world.deps, { format: 1, pipeline: flights, generation, to: named, ...word }, isForced);
};

test('a version that is not there, or is champion already, is refused before anything starts', async () => {
  await expect(check(99)).rejects.toMatchObject({ code: 'PRN_NOT_FOUND' });
  await expect(check(1)).rejects.toMatchObject({ code: 'PRN_CONFLICT', message: expect.stringContaining('as it is champion') });
});

test('a version that was taken back is put in front of everybody only by force, until it was champion since', async () => {
  await begin();
  expect(await check(null)).toMatchObject({ rollout: { version: 2 }, to: null });
  await world.steps.end({ ...ref, end: 'rolled back', expectedGeneration: null, ...word });
  await expect(check(2)).rejects.toMatchObject({
    code: 'PRN_CONFLICT',
    message: expect.stringMatching(/without --force as it was taken back itself: complaints/),
  });
  expect(await check(2, true)).toMatchObject({ to: 2 });
  for (const [to, kind] of [
    [2, 'promote'],
    [1, 'rollback'],
  ] as const) {
    const { generation } = await world.deps.deployments.get(flights);
    const promotion = { pipeline: flights, kind, version: version(to), actor: 'grace', reason: 'as forced' };
    await world.deps.deployments.promote({ ...promotion, expectedGeneration: generation, operationKey: `to ${to}` });
  }
  expect(await check(2)).toMatchObject({ to: 2 });
});
