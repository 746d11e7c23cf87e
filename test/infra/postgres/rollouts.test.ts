import { beforeEach, describe, expect, it } from 'vitest';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { createAudit } from '../../../infra/postgres/audit.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import type { NewRollout } from '../../../infra/postgres/rollout-begin.ts';
import type { RolloutEnd } from '../../../infra/postgres/rollout-end.ts';
import type { Shift } from '../../../infra/postgres/rollout-shift.ts';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import { verifyDeployments } from '../../../infra/verify/deployments.ts';
import { applyFlights, candidate, flights, openBench, promotion, version } from './bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  for (const name of ['a', 'b', 'c']) await createRegistry(bench.db).register(candidate(name), 'ada');
  await createDeployments(bench.db).promote(promotion(1, 0, 'first'));
  return bench.end;
});

const wanted = (over: Partial<NewRollout> = {}): NewRollout => ({
  id: 'flights/2/one',
  pipeline: flights,
  version: version(2),
  championVersion: version(1),
  workflowId: 'roll-out/flights/2',
  policy: { steps: [0.1, 0.5, 1] },
  deployed: { strategy: 'canary', share: 0.1, salt: 'salt', by: ['customer'], latencyMs: null },
  actor: 'ada',
  reason: 'the gate passed',
  ...over,
});
const shift = (share: number, expectedGeneration: number, over: Partial<Shift> = {}): Shift => ({
  id: 'flights/2/one',
  pipeline: flights,
  share,
  expectedGeneration,
  actor: 'roll-out/flights/2',
  reason: 'nothing went wrong',
  ...over,
});
const end = (how: RolloutEnd['end'], expectedGeneration: number | null): RolloutEnd => ({
  id: 'flights/2/one',
  pipeline: flights,
  end: how,
  expectedGeneration,
  actor: 'roll-out/flights/2',
  reason: `it was ${how}`,
});
const refusal = (message: RegExp) => ({ code: 'PRN_DEPLOY_CONFLICT', message: expect.stringMatching(message) });
const actions = async () =>
  (await createAudit(bench.db).list({ subject: 'flights', limit: 50 })).map(({ action }) => action).reverse();
const stages = async () => (await createRegistry(bench.db).list(flights)).map(({ stage }) => stage).reverse();

describe('a rollout', () => {
  it('begins beside the champion as one new generation, however often it is asked for', async () => {
    const rollouts = createRollouts(bench.db);
    expect(await rollouts.begin(wanted())).toEqual({ generation: 2 });
    expect(await rollouts.begin(wanted())).toEqual({ generation: 2 });
    expect(await createDeployments(bench.db).get(flights)).toEqual({
      pipeline: flights,
      generation: 2,
      champion: { version: 1, modelSha256: sha256Of('model a'), profileSha256: null },
      rollout: {
        id: 'flights/2/one',
        strategy: 'canary',
        candidate: { version: 2, modelSha256: sha256Of('model b'), profileSha256: null },
        share: 0.1,
        salt: 'salt',
        by: ['customer'],
        latencyMs: null,
      },
    });
    expect(await stages()).toEqual(['champion', 'registered', 'registered']);
    expect((await actions()).filter((one) => one === 'rollout began')).toHaveLength(1);
    expect(await rollouts.running(flights)).toMatchObject({ id: 'flights/2/one', segments: [{ generation: 2, share: 0.1 }] });
  });

  it('shifts by steps, each share once', async () => {
    const rollouts = createRollouts(bench.db);
    await rollouts.begin(wanted());
    expect(await rollouts.shift(shift(0.5, 2))).toEqual({ generation: 3 });
    expect(await rollouts.shift(shift(0.5, 2))).toEqual({ generation: 3 });
    expect(await rollouts.shift(shift(1, 3))).toEqual({ generation: 4 });
    expect(await rollouts.shift(shift(0.5, 2))).toEqual({ generation: 3 });
    expect((await createDeployments(bench.db).get(flights)).rollout).toMatchObject({ share: 1, salt: 'salt' });
    const { segments } = (await rollouts.get('flights/2/one')) ?? { segments: [] };
    expect(segments.map(({ generation, share }) => [generation, share])).toEqual([
      [2, 0.1],
      [3, 0.5],
      [4, 1],
    ]);
    await expect(rollouts.shift(shift(0.2, 4))).rejects.toMatchObject({ code: 'PRN_CONFLICT' });
    expect(await rollouts.begin(wanted())).toEqual({ generation: 2 });
  });

  it('refuses a share that was judged at another generation', async () => {
    const rollouts = createRollouts(bench.db);
    await rollouts.begin(wanted());
    await expect(rollouts.shift(shift(0.5, 1))).rejects.toMatchObject(refusal(/must be 1.*it is 2/));
    expect(await createDeployments(bench.db).get(flights)).toMatchObject({ generation: 2, rollout: { share: 0.1 } });
  });

  it('ends promoted: champion, stages and rollout in one move, once', async () => {
    const rollouts = createRollouts(bench.db);
    await rollouts.begin(wanted());
    await expect(rollouts.end(end('promoted', 1))).rejects.toMatchObject(refusal(/must be 1/));
    expect(await rollouts.end(end('promoted', 2))).toEqual({ generation: 3 });
    expect(await rollouts.end(end('promoted', 2))).toEqual({ generation: 3 });
    expect(await createDeployments(bench.db).get(flights)).toEqual({
      pipeline: flights,
      generation: 3,
      champion: { version: 2, modelSha256: sha256Of('model b'), profileSha256: null },
      rollout: null,
    });
    expect(await stages()).toEqual(['retired', 'champion', 'registered']);
    expect(await rollouts.running(flights)).toBeNull();
    expect(await rollouts.get('flights/2/one')).toMatchObject({ state: 'promoted', reason: 'it was promoted', harmed: null });
    expect((await createRegistry(bench.db).promotions(flights)).map(({ generation }) => generation)).toEqual([3, 1]);
    await expect(rollouts.end(end('rolled back', null))).rejects.toMatchObject(refusal(/it was promoted/));
    await expect(rollouts.shift(shift(0.5, 3))).rejects.toMatchObject(refusal(/must be running/));
  });

  it('ends rolled back: the champion stays, the version may be rolled out again', async () => {
    const rollouts = createRollouts(bench.db);
    await rollouts.begin(wanted());
    await rollouts.shift(shift(0.5, 2));
    expect(await rollouts.end(end('rolled back', null))).toEqual({ generation: 4 });
    expect(await rollouts.end(end('rolled back', null))).toEqual({ generation: 4 });
    expect(await createDeployments(bench.db).get(flights)).toMatchObject({
      generation: 4,
      champion: { version: 1 },
      rollout: null,
    });
    expect(await stages()).toEqual(['champion', 'registered', 'registered']);
    await expect(rollouts.end(end('promoted', 4))).rejects.toMatchObject(refusal(/it was rolled back/));
    const harmed = { requests: 12, events: 3, above: 2.5, byGuardrail: { errors: 3 } };
    await rollouts.recordHarm('flights/2/one', harmed);
    await rollouts.recordHarm('flights/2/one', harmed);
    expect(await rollouts.get('flights/2/one')).toMatchObject({ state: 'rolled back', harmed });
    expect(await rollouts.begin(wanted({ id: 'flights/2/two' }))).toEqual({ generation: 5 });
    expect((await rollouts.list(flights)).map(({ id }) => id)).toEqual(['flights/2/two', 'flights/2/one']);
  });

  it('whose promotion is undone was rolled back after all, once, and only while nothing else happened', async () => {
    const rollouts = createRollouts(bench.db);
    const undo = { id: 'flights/2/one', pipeline: flights, actor: 'roll-out/flights/2', reason: 'a server refused' };
    await rollouts.begin(wanted());
    await expect(rollouts.undoPromotion(undo)).rejects.toMatchObject(refusal(/was not promoted/));
    await rollouts.end(end('promoted', 2));
    expect(await rollouts.undoPromotion(undo)).toEqual({ generation: 4 });
    expect(await rollouts.undoPromotion(undo)).toEqual({ generation: 4 });
    expect(await rollouts.end(end('rolled back', null))).toEqual({ generation: 4 });
    expect(await createDeployments(bench.db).get(flights)).toMatchObject({
      generation: 4,
      champion: { version: 1 },
      rollout: null,
    });
    expect(await stages()).toEqual(['champion', 'retired', 'registered']);
    const { segments, state } = (await rollouts.get('flights/2/one')) ?? { segments: [], state: null };
    expect([state, ...segments.map(({ share }) => share)]).toEqual(['rolled back', 0.1, 1, 0]);
    const registry = createRegistry(bench.db);
    expect(await verifyDeployments({ db: bench.db, registry } as never)).toMatchObject([{ holds: true }]);

    await rollouts.begin(wanted({ id: 'flights/2/two' }));
    await rollouts.end({ ...end('promoted', 5), id: 'flights/2/two' });
    await createDeployments(bench.db).promote(promotion(3, 6, 'else'));
    await expect(rollouts.undoPromotion({ ...undo, id: 'flights/2/two' })).rejects.toMatchObject(refusal(/must be 6.*it is 7/));
  });

  it('is not brought back by a first step that arrives late, whatever its end was', async () => {
    const rollouts = createRollouts(bench.db);
    await rollouts.begin(wanted());
    await rollouts.end(end('rolled back', null));
    const before = await createDeployments(bench.db).get(flights);
    expect(await rollouts.begin(wanted())).toEqual({ generation: 2 });
    expect(await createDeployments(bench.db).get(flights)).toEqual(before);
    // Ended promoted, and another champion serves since.
    await rollouts.begin(wanted({ id: 'flights/2/two' }));
    await rollouts.end({ ...end('promoted', 4), id: 'flights/2/two' });
    await createDeployments(bench.db).promote(promotion(3, 5, 'else'));
    expect(await rollouts.begin(wanted({ id: 'flights/2/two' }))).toEqual({ generation: 4 });
    expect(await createDeployments(bench.db).get(flights)).toMatchObject({
      generation: 6,
      champion: { version: 3 },
      rollout: null,
    });
    expect((await actions()).filter((one) => one === 'rollout began')).toHaveLength(2);
  });

  it('that was taken back before it began never begins; the same version in another rollout does', async () => {
    const rollouts = createRollouts(bench.db);
    const never = { code: 'PRN_NOT_FOUND', message: expect.stringContaining('it never began') };
    for (const _ of [1, 2]) await expect(rollouts.end(end('rolled back', null))).rejects.toMatchObject(never);
    await expect(rollouts.begin(wanted())).rejects.toMatchObject(refusal(/taken back before it began/));
    expect(await createDeployments(bench.db).get(flights)).toMatchObject({ generation: 1, rollout: null });
    expect(await rollouts.list(flights)).toEqual([]);
    // To promote what never began bars nothing: nobody has given it up.
    const other = { id: 'flights/2/two' };
    await expect(rollouts.end({ ...end('promoted', 1), ...other })).rejects.toMatchObject(never);
    expect(await rollouts.begin(wanted(other))).toEqual({ generation: 2 });
  });

  it('is not begun for a pipeline that is deleted', async () => {
    await bench.pool.query(`update perennial.pipelines set deleted_at = now()`);
    await expect(createRollouts(bench.db).begin(wanted())).rejects.toThrow('Cannot roll version 2 of "flights" out');
    expect(await createDeployments(bench.db).get(flights)).toMatchObject({ generation: 1, rollout: null });
  });

  it('is one at a time, and only beside the champion that it was compared with', async () => {
    const rollouts = createRollouts(bench.db);
    await expect(rollouts.begin(wanted({ championVersion: version(3) }))).rejects.toMatchObject(refusal(/version 3.*1 is/));
    await expect(rollouts.begin(wanted({ version: version(1) }))).rejects.toMatchObject({ code: 'PRN_CONFLICT' });
    await expect(rollouts.begin(wanted({ version: version(9) }))).rejects.toMatchObject({ code: 'PRN_NOT_FOUND' });
    await rollouts.begin(wanted());
    const other = wanted({ id: 'flights/3/one', version: version(3) });
    await expect(rollouts.begin(other)).rejects.toMatchObject(refusal(/version 2 is being rolled out/));
    expect(await createDeployments(bench.db).get(flights)).toMatchObject({ generation: 2, champion: { version: 1 } });
  });

  it('is not pulled from under by a direct promotion or roll back', async () => {
    const deployments = createDeployments(bench.db);
    await createRollouts(bench.db).begin(wanted());
    await expect(deployments.promote(promotion(3, 2, 'else'))).rejects.toMatchObject(refusal(/perennial rollback flights/));
    await expect(deployments.promote({ ...promotion(null, 2, 'none'), kind: 'rollback' })).rejects.toMatchObject(
      refusal(/no rollout may run/),
    );
    await createRollouts(bench.db).end(end('rolled back', null));
    expect(await deployments.promote(promotion(3, 3, 'else'))).toEqual({ generation: 4, previousVersion: 1 });
  });
});

describe('16 at once', () => {
  const many = () => Array.from({ length: 4 }, () => createRollouts(bench.open().db));
  const all = <T>(work: (rollouts: ReturnType<typeof createRollouts>, index: number) => Promise<T>) => {
    const pools = many();
    return Promise.allSettled(
      Array.from({ length: 16 }, (_, index) => work(pools[index % 4] as ReturnType<typeof createRollouts>, index)),
    );
  };
  const fulfilled = <T>(ends: readonly PromiseSettledResult<T>[]): T[] =>
    ends.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const codes = (ends: readonly PromiseSettledResult<unknown>[]) =>
    new Set(ends.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : [])));

  const sixteenTimes = <T>(one: T): T[] => Array.from({ length: 16 }, () => one);

  it('retries of one step are one step', async () => {
    const begun = fulfilled(await all((rollouts) => rollouts.begin(wanted())));
    expect(begun).toEqual(sixteenTimes({ generation: 2 }));
    const shifted = fulfilled(await all((rollouts) => rollouts.shift(shift(0.5, 2))));
    expect(shifted).toEqual(sixteenTimes({ generation: 3 }));
    const ended = fulfilled(await all((rollouts) => rollouts.end(end('promoted', 3))));
    expect(ended).toEqual(sixteenTimes({ generation: 4 }));
    expect(await createDeployments(bench.db).get(flights)).toMatchObject({ generation: 4, champion: { version: 2 } });
  });

  it('of different rollouts one begins', async () => {
    const ends = await all((rollouts, index) => rollouts.begin(wanted({ id: `flights/2/${index}` })));
    expect(fulfilled(ends)).toEqual([{ generation: 2 }]);
    expect(codes(ends)).toEqual(new Set(['PRN_DEPLOY_CONFLICT']));
  });

  it('beginning and taking back, in any order: no candidate stays', async () => {
    await all((one, index) => (index % 2 === 0 ? one.begin(wanted()) : one.end(end('rolled back', null))));
    expect((await createDeployments(bench.db).get(flights)).rollout).toBeNull();
    expect(await createRollouts(bench.db).running(flights)).toBeNull();
  });

  it('promotion, roll back and a further step: one end, one champion, shares that add up', async () => {
    const rollouts = createRollouts(bench.db);
    await rollouts.begin(wanted());
    const ends = await all((one, index) =>
      index % 3 === 0
        ? one.end(end('promoted', 2))
        : index % 3 === 1
          ? one.end(end('rolled back', null))
          : one.shift(shift(0.5, 2)),
    );
    expect(codes(ends)).toEqual(new Set(['PRN_DEPLOY_CONFLICT']));
    const record = await rollouts.get('flights/2/one');
    const deployment = await createDeployments(bench.db).get(flights);
    expect(record?.state).not.toBe('running');
    expect(deployment.rollout).toBeNull();
    expect(deployment.champion?.version).toBe(record?.state === 'promoted' ? 2 : 1);
    expect(deployment.generation).toBe(record?.segments.at(-1)?.generation);
    expect((await stages()).filter((stage) => stage === 'champion')).toHaveLength(1);
    expect(await createAudit(bench.db).verifyChain()).toMatchObject({ holds: true });
  });
});

describe('countingServers()', () => {
  it('names those that counted lately, whatever they report', async () => {
    const rollouts = createRollouts(bench.db);
    const row = `('s1', 'e', 'flights', 1, 'champion', 'm', 1, '{}', now()), ('s2', 'e', 'flights', 1, 'champion', 'm', 1, '{}', now() - interval '1 min')`;
    await bench.pool.query(`insert into perennial.arm_tallies values ${row}`);
    expect(await rollouts.countingServers(flights, 15_000)).toEqual(['s1']);
  });
});
