import { beforeEach, describe, expect, it } from 'vitest';
import type { RolloutPlan } from '#domain/contracts/rollout.ts';
import { sketchIndex } from '#domain/stats/summaries/ddsketch.ts';
import { createConfirmServing } from '../../../activities/promote.ts';
import { createPlanRollBack } from '../../../activities/rollout/plan-roll-back.ts';
import { challenger, champion, flights, openRolloutWorld, type RolloutWorld, version } from './world.ts';

let world: RolloutWorld;
beforeEach(async () => {
  world = await openRolloutWorld(async () => ({
    id: 'labels/gain',
    what: 'gain',
    kind: 'insufficient',
    reason: 'no labels',
    rows: 0,
  }));
  return world.bench.end;
});

const ref = { pipeline: flights, rolloutId: 'flights/2/one' };
const plan = async (rollout: unknown = {}): Promise<RolloutPlan> =>
  world.steps.plan({ rolloutId: ref.rolloutId, request: await world.request(rollout) });
const begin = async (rollout: unknown = {}) => {
  const planned = await plan(rollout);
  const { generation } = await world.steps.begin({ plan: planned, workflowId: 'roll-out/flights/2' });
  return { planned, generation };
};
const observe = () => world.steps.observe({ ...ref, elapsedMs: 1_000 });
const word = { by: 'ada', reason: 'a test' };

describe('planRollout()', () => {
  it('fixes policy, shares and looks, and is the same when asked again', async () => {
    const planned = await plan({ steps: ['5%', '50%'], by: 'customer', step: { at_least: '10m' } });
    expect(planned).toMatchObject({
      strategy: 'canary',
      rules: { kind: 'canary' },
      firstShare: 0.05,
      by: ['customer'],
      latencyMs: null,
      look: { firstMs: 5_000, lastMs: 60_000 },
      policy: { steps: [0.05, 0.5], atLeastMs: 600_000 },
    });
    expect(await plan({ steps: ['5%', '50%'], by: 'customer', step: { at_least: '10m' } })).toEqual(planned);
  });

  it('looks often where steps are short, and never more than four times a second', async () => {
    expect((await plan({ step: { at_least: '5s' } })).look).toEqual({ firstMs: 500, lastMs: 1_250 });
    expect((await plan({ step: { at_least: '1s' } })).look).toEqual({ firstMs: 250, lastMs: 250 });
  });

  it('takes the shares of each strategy', async () => {
    expect(await plan({ strategy: 'blue/green' })).toMatchObject({ firstShare: 1, policy: { steps: [1] } });
    expect(await plan({ strategy: 'a/b', steps: [0.3] })).toMatchObject({ firstShare: 0.3, rules: { kind: 'a/b' } });
    const shadow = await plan({ strategy: 'shadow', steps: [0.25], shadow: { disagreement: '3%' } });
    expect(shadow).toMatchObject({
      firstShare: 0.25,
      rules: { mirrored: 0.25, disagreement: 0.03 },
      policy: { steps: [0.2], splitAlpha: null },
    });
  });

  it('takes the bounds of latency that are named, else those of the champion', async () => {
    const guardrails = { errors: {}, latency_p95: {}, latency_p99: { above: '80ms' } };
    expect((await plan({ guardrails })).latencyMs).toBeNull();
    const bins = Object.fromEntries([0.01, 0.02, 0.05].map((s) => [String(sketchIndex(s, 0.01)), s === 0.01 ? 900 : 50]));
    await world.count('champion', 1, 1_000, { latency: { zeros: 0, bins } });
    const { latencyMs } = await plan({ guardrails });
    expect(latencyMs?.p99).toBe(80);
    expect(latencyMs?.p95).toBeGreaterThan(19.5);
    expect(latencyMs?.p95).toBeLessThan(51);
  });

  it('refuses what it cannot judge, and what it does not know', async () => {
    await expect(plan({ strategy: 'blue/green', guardrails: { timeouts: {} } })).rejects.toMatchObject({
      code: 'PRN_SPEC_INVALID',
    });
    await expect(plan({ strategy: 'a/b', steps: [1] })).rejects.toMatchObject({ code: 'PRN_SPEC_INVALID' });
    await expect(world.steps.plan({ rolloutId: 'x' })).rejects.toMatchObject({ code: 'PRN_INPUT_INVALID' });
    const unknown = await world.request({}, { definitionSha256: 'f'.repeat(64) as never });
    await expect(world.steps.plan({ rolloutId: 'x', request: unknown })).rejects.toMatchObject({
      code: 'PRN_DEFINITION_UNKNOWN',
    });
  });
});

describe('observeRollout()', () => {
  it('adds up what was counted at each share, late servers into theirs', async () => {
    const { generation } = await begin({ steps: [0.1, 0.5] });
    await world.report('server-1');
    await world.count('champion', generation, 900, { events: { errors: 9 } });
    await world.count('candidate', generation, 100);
    await world.steps.shift({ ...ref, share: 0.5, expectedGeneration: generation, ...word });
    await world.report('server-1');
    await world.count('champion', generation + 1, 500);
    await world.count('candidate', generation + 1, 510, { events: { errors: 1 } });
    await world.count('candidate', generation, 110);
    const observation = await observe();
    expect(observation).toMatchObject({
      canary: {
        kind: 'counted',
        elapsedMs: 1_000,
        segment: {
          share: 0.5,
          candidate: { requests: 510, units: 510, events: { errors: 1 } },
          champion: { requests: 500, units: 500, events: { errors: 0 } },
        },
      },
      servers: { refused: null, behind: null },
      agreement: null,
      labels: null,
      ended: null,
    });
    expect(await observe()).toEqual(observation);
  });

  it('takes entities that come to every server for one draw each', async () => {
    const { generation } = await begin({ steps: [0.1, 0.5] });
    await world.report('server-1');
    for (const serverId of ['server-1', 'server-2', 'server-3', 'server-4', 'server-5', 'server-6']) {
      await world.count('champion', generation, 2_000, { serverId, units: 885 });
      await world.count('candidate', generation, 230, { serverId, units: 115 });
    }
    const { canary } = await observe();
    expect(canary).toMatchObject({
      segment: { candidate: { requests: 1_380, units: 115 }, champion: { requests: 12_000, units: 885 } },
      // As six times as many it were 0.0001, and no step would be left.
      assessment: { split: { atOnce: { pValue: expect.closeTo(0.114, 3), rows: 1_000 } } },
    });
  });

  it('says that there is nobody to hear', async () => {
    await begin();
    expect((await observe()).canary).toEqual({ kind: 'nothing', elapsedMs: 1_000, reason: 'no server is alive' });
  });

  it('finds servers that apply another share, refuse, or count and do not report', async () => {
    const { generation } = await begin({ steps: [0.1, 0.5] });
    await world.report('server-1', { share: 0.5 });
    expect((await observe()).servers).toEqual({
      refused: null,
      behind: expect.stringMatching(/share 0.5, serving;.*share 0.1 is set/),
    });
    await world.report('server-1', { state: 'refused', candidateSha256: null, share: 0, reason: 'golden row 3' });
    expect((await observe()).servers.refused).toBe('Server "server-1" refused generation 2: golden row 3');
    await world.report('server-1');
    expect((await observe()).servers).toEqual({ refused: null, behind: null });
    await world.count('candidate', generation, 5, { serverId: 'server-9' });
    expect((await observe()).servers.behind).toBe('Server "server-9" counts requests and does not report what it applies');
  });

  it('takes no guardrail for quiet that a server does not count', async () => {
    const { generation } = await begin();
    await world.report('server-1');
    await world.count('champion', generation, 900);
    await world.count('candidate', generation, 100, { events: {} });
    const { canary } = await observe();
    expect(canary.kind === 'counted' && canary.assessment.guardrails[0]?.harm).toMatchObject({ kind: 'insufficient' });
  });

  it('compares answers in a shadow, and asks labels in an A/B test', async () => {
    const { generation } = await begin({ strategy: 'shadow', steps: [0.25], shadow: { disagreement: 0.1 } });
    await world.report('server-1');
    await world.count('champion', generation, 4_000);
    await world.count('candidate', generation, 1_000, { shadow: { compared: 1_000, disagreed: 30, absoluteDifference: 12 } });
    const { agreement, canary } = await observe();
    expect(agreement).toMatchObject({ compared: 1_000, disagreed: 30, evidence: { kind: 'interval', estimate: 0.03 } });
    expect(canary).toMatchObject({ segment: { share: 0.2 }, assessment: { split: { atOnce: { pValue: 1 } } } });
    await world.steps.end({ ...ref, end: 'rolled back', expectedGeneration: null, ...word });
    const planned = await world.steps.plan({ rolloutId: 'flights/2/two', request: await world.request({ strategy: 'a/b' }) });
    await world.steps.begin({ plan: planned, workflowId: 'w' });
    expect((await world.steps.observe({ pipeline: flights, rolloutId: 'flights/2/two', elapsedMs: 1 })).labels).toMatchObject({
      reason: 'no labels',
    });
  });

  it('tells how somebody else ended it', async () => {
    const { generation } = await begin();
    await world.steps.end({ ...ref, end: 'rolled back', expectedGeneration: null, by: 'grace', reason: 'complaints' });
    expect((await observe()).ended).toEqual({ end: 'rolled back', generation: generation + 1, reason: 'complaints' });
  });
});

describe('countHarm()', () => {
  it('counts whom the candidate answered, and what is above the champion', async () => {
    const { generation } = await begin({ steps: [0.1, 0.5], guardrails: { errors: {}, invalid_output: {} } });
    await world.count('champion', generation, 900, { events: { errors: 9, invalid_output: 0 } });
    await world.count('candidate', generation, 100, { events: { errors: 21, invalid_output: 8 } });
    await world.steps.end({ ...ref, end: 'rolled back', expectedGeneration: null, ...word });
    const harmed = { requests: 100, events: 21, above: 20, byGuardrail: { errors: 21, invalid_output: 8 } };
    expect(await world.steps.harm(ref)).toEqual(harmed);
    expect(await world.steps.harm(ref)).toEqual(harmed);
    expect(await world.deps.rollouts.get(ref.rolloutId)).toMatchObject({ harmed });
  });

  it('counts what it answered as champion until its promotion was taken back', async () => {
    const { generation } = await begin({ steps: [0.1, 0.5] });
    await world.count('candidate', generation, 100);
    await world.steps.end({ ...ref, end: 'promoted', expectedGeneration: generation, ...word });
    await world.count('champion', generation + 1, 40, { modelSha256: challenger, events: { errors: 4 } });
    await world.deps.rollouts.undoPromotion({ id: ref.rolloutId, pipeline: flights, actor: 'ada', reason: 'a test' });
    expect(await world.steps.harm(ref)).toMatchObject({ requests: 140, events: 4 });
  });

  it('harms nobody in a shadow', async () => {
    const { generation } = await begin({ strategy: 'shadow' });
    await world.count('candidate', generation, 100, { events: { errors: 21 } });
    expect(await world.steps.harm(ref)).toEqual({ requests: 0, events: 0, above: 0, byGuardrail: {} });
  });
});

describe('confirmServing() during a rollout', () => {
  const confirm = (generation: number) => createConfirmServing(world.deps)({ pipeline: flights, generation });

  it('wants candidate and share as they are set', async () => {
    const { generation } = await begin({ steps: [0.1, 0.5] });
    await world.report('server-1');
    expect(await confirm(generation)).toMatchObject({ confirmed: true, servers: 1 });
    for (const lie of [{ share: 0.5 }, { candidateSha256: champion }, { candidateSha256: null }, { state: 'loading' as const }]) {
      await world.report('server-1', lie);
      expect(await confirm(generation)).toMatchObject({ confirmed: false, reason: expect.stringContaining('is set') });
    }
    await world.steps.end({ ...ref, end: 'rolled back', expectedGeneration: null, ...word });
    expect(await confirm(generation + 1)).toMatchObject({ confirmed: false });
    await world.report('server-1');
    expect(await confirm(generation + 1)).toMatchObject({ confirmed: true });
  });
});

describe('planRollBack()', () => {
  const planBack = (to: number | null = null) =>
    createPlanRollBack(world.deps)({
      format: 1,
      pipeline: flights,
      generation: 1,
      to,
      by: 'grace',
      reason: 'complaints',
    });

  it('takes the rollout that runs, and leaves the champion', async () => {
    await begin();
    expect(await planBack()).toMatchObject({ rollout: { id: ref.rolloutId, version: 2 }, to: null, championVersion: 1 });
    expect(await planBack(3)).toMatchObject({ rollout: { id: ref.rolloutId }, to: 3 });
  });

  it('else the champion before; and not twice without a word', async () => {
    await expect(planBack()).rejects.toMatchObject({
      code: 'PRN_NOT_FOUND',
      message: expect.stringContaining('no champion before'),
    });
    await begin();
    await world.steps.end({ ...ref, end: 'promoted', expectedGeneration: 2, ...word });
    expect(await planBack()).toMatchObject({ rollout: null, to: 1, championVersion: 2, request: { generation: 3 } });
    const promotion = { pipeline: flights, kind: 'rollback' as const, version: version(1), actor: 'grace', reason: 'complaints' };
    await world.deps.deployments.promote({ ...promotion, expectedGeneration: 3, operationKey: 'back' });
    await expect(planBack()).rejects.toMatchObject({
      code: 'PRN_CONFLICT',
      message: expect.stringContaining('grace rolled it back'),
    });
    expect(await planBack(2)).toMatchObject({ to: 2 });
    await expect(planBack(9)).rejects.toMatchObject({ code: 'PRN_NOT_FOUND' });
  });

  it('does not take an older champion for a rollout that was taken back already', async () => {
    await begin();
    await world.steps.end({ ...ref, end: 'rolled back', expectedGeneration: null, ...word });
    await expect(planBack()).rejects.toMatchObject({
      code: 'PRN_CONFLICT',
      message: expect.stringContaining('version 2 was taken back'),
    });
  });
});
