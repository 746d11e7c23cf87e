import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { RollBackRequest } from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, VersionNumber } from '#domain/units.ts';
import { runRollBack } from '../../workers/cli/start-roll-back.ts';
import type { Steps } from '../../workflows/steps.ts';
import { describeWithServers, testTemporal } from '../support/servers.ts';
import { type Pretend, pretendSteps } from './pretend.ts';
import { planTakingBack, rolloutRequest } from './pretend-rollout.ts';
import { openWorld, untilRollout, type World } from './world.ts';

describeWithServers('a roll-back', () => {
  let world: World;
  let generation = 100;
  const pretend: Pretend = pretendSteps();
  const inputs = (step: keyof Steps) => pretend.calls.filter((call) => call.step === step).map(({ input }) => input);
  const request = (over: Partial<RollBackRequest> = {}): RollBackRequest => ({
    format: 1,
    pipeline: 'churn' as PipelineName,
    generation: (generation += 1),
    to: null,
    by: 'grace',
    reason: 'complaints',
    ...over,
  });

  beforeAll(async () => {
    world = await openWorld(pretend, testTemporal());
  });
  afterAll(() => world?.close());
  beforeEach(() => pretend.reset());

  test('puts the champion before back, sees that servers follow, and tells people', async () => {
    const asked = request();
    const outcome = await runRollBack(world.client, asked);
    expect(outcome).toMatchObject({ championVersion: 1, takenBack: 2, rolloutId: null, confirmed: true, harmed: null });
    expect(inputs('restoreChampion')).toMatchObject([{ to: 1, expectedGeneration: asked.generation, by: 'grace' }]);
    expect(inputs('sendNotice')).toMatchObject([
      { event: 'rolled back', text: expect.stringContaining('complaints'), link: expect.stringMatching(/^\/pipelines\//) },
    ]);
    expect(pretend.called('endRollout')).toBe(0);
  });

  test('takes a rollout back that runs, whose workflow ends with that end', async () => {
    pretend.rollout().traffic({ perLook: 1 });
    const run = await world.rollOut(rolloutRequest());
    const { rolloutId } = await untilRollout(run, 'runs', ({ phase }) => phase === 'running');
    const rollout = { id: rolloutId, version: 2 as VersionNumber, workflowId: run.workflowId };
    pretend.change({ planRollBack: planTakingBack(rollout) });
    const outcome = await runRollBack(world.client, request());
    expect(outcome).toMatchObject({ championVersion: 1, takenBack: 2, rolloutId, harmed: { requests: 120 } });
    expect(await run.result()).toMatchObject({ end: 'rolled back', reason: 'grace: complaints' });
    expect(pretend.called('restoreChampion')).toBe(0);
    expect(inputs('endRollout')).toHaveLength(1);
  });

  test('takes a rollout back whose workflow is gone', async () => {
    pretend.rollout().traffic({ perLook: 1 });
    const run = await world.rollOut(rolloutRequest({ version: 3 as VersionNumber }));
    const { rolloutId } = await untilRollout(run, 'runs', ({ phase }) => phase === 'running');
    await run.terminate('killed');
    const rollout = { id: rolloutId, version: 3 as VersionNumber, workflowId: run.workflowId };
    pretend.change({ planRollBack: planTakingBack(rollout) });
    expect(await runRollBack(world.client, request())).toMatchObject({ takenBack: 3, confirmed: true });
    expect(pretend.rollout().places.get(rolloutId)?.ended).toMatchObject({ end: 'rolled back' });
    // The rollout tells nobody of its end any more.
    expect(inputs('sendNotice')).toMatchObject([
      { event: 'rolled back', text: expect.stringMatching(/grace took version 3 back, .*: complaints/) },
    ]);
  });

  test('tells that it changed the champion too, beside the end of a rollout that tells of itself', async () => {
    pretend.rollout().traffic({ perLook: 1 });
    const run = await world.rollOut(rolloutRequest({ version: 4 as VersionNumber }));
    const { rolloutId } = await untilRollout(run, 'runs', ({ phase }) => phase === 'running');
    const plan = planTakingBack({ id: rolloutId, version: 4 as VersionNumber, workflowId: run.workflowId });
    pretend.change({
      planRollBack: async (input) => ({ ...(await plan(input)), to: 1 as VersionNumber, championVersion: 2 as VersionNumber }),
    });
    const asked = request({ to: 1 as VersionNumber });
    expect(await runRollBack(world.client, asked)).toMatchObject({ championVersion: 1, takenBack: 4, rolloutId });
    await run.result();
    const told = inputs('sendNotice') as { event: string; text: string; key: string }[];
    expect(told.map(({ event }) => event)).toEqual(['rolled back', 'rolled back']);
    expect(told.map(({ text }) => text)).toContainEqual(expect.stringContaining('grace put version 1 back in place of 2'));
    expect(told.map(({ text }) => text)).toContainEqual(expect.stringContaining('version 4 rolled back'));
    expect(new Set(told.map(({ key }) => key)).size).toBe(2);
  });

  test('two operators who mean one generation start one, and both hear its end', async () => {
    const asked = request();
    const both = await Promise.all([
      runRollBack(world.client, asked),
      runRollBack(world.client, { ...asked, by: 'edsger', reason: 'me too' }),
    ]);
    expect(both[0]).toEqual(both[1]);
    expect(pretend.called('restoreChampion')).toBe(1);
    expect(await runRollBack(world.client, asked)).toEqual(both[0]);
    expect(await runRollBack(world.client, { ...asked, to: 1 as VersionNumber })).toEqual(both[0]);
    // Who meant another version is told that it does not serve.
    await expect(runRollBack(world.client, { ...asked, to: 3 as VersionNumber })).rejects.toMatchObject({
      code: 'PRN_CONFLICT',
      message: expect.stringContaining('version 1 serves'),
    });
    expect(pretend.called('restoreChampion')).toBe(1);
  });

  test('a refusal is said with its code, and may be tried again', async () => {
    const asked = request();
    pretend.change({
      planRollBack: async () => {
        throw new PerennialError('PRN_CONFLICT', 'Cannot roll "churn" back further without a version');
      },
    });
    await expect(runRollBack(world.client, asked)).rejects.toMatchObject({ code: 'PRN_CONFLICT' });
    pretend.reset();
    expect(await runRollBack(world.client, asked)).toMatchObject({ championVersion: 1 });
  });
});
