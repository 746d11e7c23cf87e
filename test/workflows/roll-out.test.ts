import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import type { Notice } from '#domain/contracts/notice.ts';
import { PerennialError } from '#domain/errors.ts';
import type { VersionNumber } from '#domain/units.ts';
import { holdUpdate, promoteUpdate, resumeUpdate, rollBackUpdate } from '../../workflows/messages.ts';
import type { Steps } from '../../workflows/steps.ts';
import { describeWithServers, testTemporal } from '../support/servers.ts';
import { type Pretend, pretendSteps } from './pretend.ts';
import { interval, quiet, rolloutRequest, strategies } from './pretend-rollout.ts';
import { openWorld, type RolloutHandle, untilRollout, type World } from './world.ts';

vi.setConfig({ testTimeout: 120_000 });

describeWithServers('a rollout', () => {
  let world: World;
  const pretend: Pretend = pretendSteps();
  let version = 1;
  const inputs = <T>(step: keyof Steps): T[] => pretend.calls.filter((call) => call.step === step).map(({ input }) => input as T);
  const decisions = () => inputs<DecisionRecord>('recordDecision');
  const notices = () => inputs<Notice>('sendNotice').map(({ event }) => event);
  const ends = () => inputs<{ end: string; reason: string; by: string }>('endRollout');
  const shares = () => inputs<{ share: number }>('shiftTraffic').map(({ share }) => share);
  const start = () => {
    version += 1;
    return world.rollOut(rolloutRequest({ version: version as VersionNumber }));
  };
  const word = { by: 'grace', reason: 'a person said so' };
  const runs = (run: RolloutHandle) => untilRollout(run, 'runs', ({ phase }) => phase === 'running');
  /** A look takes a second and more on a machine that is busy with other tests. */
  const looks = (count: number) =>
    expect.poll(() => pretend.called('observeRollout'), { timeout: 100_000 }).toBeGreaterThan(count);
  /** Traffic that never is enough, so that the rollout stays where it is. */
  const stay = () => pretend.rollout().traffic({ perLook: 1 });

  beforeAll(async () => {
    world = await openWorld(pretend, testTemporal());
  });
  afterAll(() => world?.close());
  beforeEach(() => pretend.reset());

  test('goes up step by step and promotes, with a row and a number for every move', async () => {
    const outcome = await (await start()).result();
    expect(outcome).toMatchObject({ end: 'promoted', version, championVersion: 1, harmed: null });
    expect(outcome.observed).toContain('1 of 1 server');
    expect(shares()).toEqual([0.5, 1]);
    expect(
      decisions()
        .map(({ action }) => action)
        .filter((action) => action !== 'wait'),
    ).toEqual(['advance', 'advance', 'promote']);
    expect(decisions().map(({ key }) => key)).toEqual(decisions().map((_, index) => `${outcome.rolloutId}/${index + 1}`));
    expect(decisions().every(({ inequalities }) => inequalities.length > 0)).toBe(true);
    expect(notices()).toEqual(['promoted']);
    expect(ends()).toMatchObject([{ end: 'promoted' }]);
  });

  test('rolls back on harm, counts whom it met, and says so with the evidence', async () => {
    pretend.rollout().traffic({ candidateErrors: 0.2, perLook: 2_000 });
    const outcome = await (await start()).result();
    expect(outcome).toMatchObject({ end: 'rolled back', harmed: { requests: 120, events: 30 } });
    expect(outcome.reason).toContain('errors');
    expect(shares()).toEqual([]);
    expect(notices()).toEqual(['rolled back']);
    const [told] = inputs<Notice>('sendNotice');
    expect(told?.text).toContain('120 requests were answered by it, 30 of them went wrong');
    expect(told?.link).toBe(`/pipelines/${told?.pipeline}`);
    expect(pretend.called('undoPromotion')).toBe(0);
  });

  test('waits as one row where looks want the same, and says how many they were', async () => {
    stay();
    const run = await start();
    await looks(12);
    pretend.rollout().traffic({});
    await run.result();
    const waits = decisions().filter(({ action }) => action === 'wait');
    expect(waits.length).toBeLessThan(8);
    const told = decisions().map(({ input }) => (input as { looksBefore: number }).looksBefore);
    expect(told.reduce((sum, one) => sum + one, 0) + decisions().length).toBe(pretend.called('observeRollout'));
  });

  test('a person holds and another is refused; then it goes on', async () => {
    stay();
    const run = await start();
    await runs(run);
    expect((await run.executeUpdate(holdUpdate, { args: [word] })).hold).toMatchObject({ by: 'person', name: 'grace' });
    const other = { by: 'edsger', reason: 'me too' };
    await expect(run.executeUpdate(holdUpdate, { args: [other] })).rejects.toMatchObject({
      cause: { type: 'PRN_CONFLICT', message: 'Cannot hold as grace already holds' },
    });
    expect((await run.executeUpdate(holdUpdate, { args: [{ ...word, reason: 'again' }] })).hold).toMatchObject({ name: 'grace' });
    pretend.rollout().traffic({});
    await looks(pretend.called('observeRollout') + 3);
    expect(shares()).toEqual([]);
    expect((await run.executeUpdate(resumeUpdate, { args: [other] })).hold).toBeNull();
    expect(await run.result()).toMatchObject({ end: 'promoted' });
  });

  test('a hold outlives the history that it was said in; resumed, the rollout goes on from its share', async () => {
    stay();
    pretend.rollout().plan({ continueAfterEvents: 60, look: { firstMs: 1, lastMs: 1 } });
    const run = await start();
    await runs(run);
    await run.executeUpdate(holdUpdate, { args: [word] });
    pretend.rollout().traffic({});
    const { runId } = await run.describe();
    await expect.poll(async () => (await run.describe()).runId, { timeout: 30_000 }).not.toBe(runId);
    const handle = world.client.workflow.getHandle(run.workflowId) as RolloutHandle;
    await untilRollout(handle, 'still held', ({ hold, share }) => hold?.by === 'person' && share === 0.1);
    // It may have gone on as new before a look met the hold.
    await expect.poll(() => decisions().at(-1)).toMatchObject({ action: 'hold' });
    expect(shares()).toEqual([]);
    const resumed = await handle.executeUpdate(resumeUpdate, { args: [word] });
    expect(resumed).toMatchObject({ hold: null, share: 0.1, reason: 'Resumed by grace: a person said so' });
    await expect(handle.executeUpdate(resumeUpdate, { args: [word] })).rejects.toMatchObject({ cause: { type: 'PRN_CONFLICT' } });
    expect(await handle.result()).toMatchObject({ end: 'promoted' });
    expect(shares()).toEqual([0.5, 1]);
  });

  test('what no person holds, no person resumes: it is promoted, or taken back', async () => {
    pretend.rollout().traffic({ perLook: 0 });
    pretend.rollout().plan({ policy: { silenceMs: 100 } });
    const run = await start();
    await untilRollout(run, 'held', ({ hold }) => hold !== null);
    await expect(run.executeUpdate(resumeUpdate, { args: [word] })).rejects.toMatchObject({
      cause: { type: 'PRN_CONFLICT', message: expect.stringMatching(/^Cannot resume as it is held by \w+, no person/) },
    });
    await run.executeUpdate(rollBackUpdate, { args: [word] });
    expect(await run.result()).toMatchObject({ end: 'rolled back' });
  });

  test('refuses words without a name, and to resume what nobody holds', async () => {
    stay();
    const run = await start();
    await runs(run);
    await expect(run.executeUpdate(holdUpdate, { args: [{ by: '', reason: 'x' }] })).rejects.toMatchObject({
      cause: { type: 'PRN_INPUT_INVALID' },
    });
    await expect(run.executeUpdate(resumeUpdate, { args: [word] })).rejects.toMatchObject({
      cause: { message: 'Cannot resume as nobody holds' },
    });
    await run.executeUpdate(rollBackUpdate, { args: [word] });
    await run.result();
  });

  test('a person promotes before the evidence is in', async () => {
    stay();
    const run = await start();
    await runs(run);
    await run.executeUpdate(promoteUpdate, { args: [word] });
    const outcome = await run.result();
    expect(outcome).toMatchObject({ end: 'promoted', reason: 'Promoted: by grace: a person said so' });
    expect(ends()).toMatchObject([{ end: 'promoted', by: 'grace' }]);
  });

  test('a person cannot promote what is shown to do harm', async () => {
    stay();
    const run = await start();
    await runs(run);
    const { observeRollout } = pretend.rollout().steps;
    const [looking, said] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    pretend.change({
      observeRollout: async (input) => {
        looking.resolve();
        await said.promise;
        return observeRollout(input);
      },
    });
    pretend.rollout().observe({ ...quiet, servers: { refused: 'Server "a" refused generation 2: golden row 3', behind: null } });
    // A look that sees the harm is under way when the word is spoken, and judges it after.
    await looking.promise;
    await run.executeUpdate(promoteUpdate, { args: [word] });
    said.resolve();
    expect(await run.result()).toMatchObject({ end: 'rolled back', reason: expect.stringContaining('golden row 3') });
  });

  test('a person rolls back; a second word is refused', async () => {
    stay();
    const run = await start();
    await runs(run);
    const both = await Promise.allSettled([
      run.executeUpdate(rollBackUpdate, { args: [word] }),
      run.executeUpdate(promoteUpdate, { args: [{ by: 'edsger', reason: 'now' }] }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const outcome = await run.result();
    expect(outcome.end).toBe(both[0].status === 'fulfilled' ? 'rolled back' : 'promoted');
    expect(ends()).toHaveLength(1);
  });

  test('a server that refuses the candidate takes it back at once', async () => {
    pretend.rollout().observe({ ...quiet, servers: { refused: 'Server "a" refused generation 2: golden row 3', behind: null } });
    expect(await (await start()).result()).toMatchObject({ end: 'rolled back', reason: expect.stringContaining('golden row 3') });
    expect(shares()).toEqual([]);
  });

  test('servers that apply another share hold every step back, until the deadline', async () => {
    const behind = 'Server "a" reports generation 2, share 0.1; share 0.5 is set';
    pretend.rollout().plan({ policy: { deadlineMs: 700 } });
    pretend.rollout().observe({ ...quiet, servers: { refused: null, behind } });
    const outcome = await (await start()).result();
    expect(outcome).toMatchObject({ end: 'rolled back', reason: expect.stringContaining('undecided') });
    expect(outcome.reason).toContain(behind);
    expect(shares()).toEqual([]);
  });

  test('undecided at its deadline it returns to the champion', async () => {
    stay();
    pretend.rollout().plan({ policy: { deadlineMs: 500 } });
    expect(await (await start()).result()).toMatchObject({
      end: 'rolled back',
      reason: expect.stringContaining('milliseconds of the rollout'),
    });
  });

  test('no traffic at all is held and told once, then returns to the champion', async () => {
    pretend.rollout().traffic({ perLook: 0 });
    pretend.rollout().plan({ policy: { silenceMs: 200, patienceMs: 300 } });
    expect(await (await start()).result()).toMatchObject({ end: 'rolled back', reason: expect.stringContaining('nobody came') });
    expect(notices()).toEqual(['held', 'rolled back']);
  });

  test('all traffic on one arm is a wrong split: held, then back', async () => {
    pretend.rollout().traffic({ applied: 1, perLook: 1_000 });
    pretend.rollout().plan({ policy: { patienceMs: 300 } });
    expect(await (await start()).result()).toMatchObject({ end: 'rolled back', reason: expect.stringContaining('held (split)') });
    expect(notices()).toEqual(['held', 'rolled back']);
  });

  test('a split that is a little wrong is found too', async () => {
    pretend.rollout().traffic({ applied: 0.13, perLook: 4_000 });
    pretend.rollout().plan({ policy: { patienceMs: 300 } });
    expect(await (await start()).result()).toMatchObject({ end: 'rolled back', reason: expect.stringContaining('held (split)') });
    expect(shares()).toEqual([]);
  });

  test('cancelled while it looks, it returns to the champion and ends cancelled', async () => {
    stay();
    const run = await start();
    await runs(run);
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(ends()).toMatchObject([{ end: 'rolled back', reason: 'Cancelled' }]);
  });

  test.each([
    'planRollout',
    'beginRollout',
    'observeRollout',
    'recordDecision',
    'shiftTraffic',
    'endRollout',
    'confirmServing',
  ] as const)('cancelled during %s, it leaves the champion that it found', async (step) => {
    let entered = (): void => {};
    const during = new Promise<void>((resolve) => {
      entered = resolve;
    });
    let leave = (): void => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const before = (pretend.rollout().steps as unknown as Record<string, unknown>)[step] as
      | ((input: unknown) => Promise<unknown>)
      | undefined;
    const plain = { recordDecision: async () => {}, confirmServing: async () => confirmed } as Record<
      string,
      () => Promise<unknown>
    >;
    let first = true;
    pretend.change({
      [step]: async (input: unknown) => {
        if (first) {
          first = false;
          entered();
          await left;
        }
        return before === undefined ? plain[step]?.() : before(input);
      },
    });
    const run = await start();
    await during;
    await run.cancel();
    leave();
    await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    const [place] = [...pretend.rollout().places.values()];
    const promoted = ends().some(({ end }) => end === 'promoted');
    if (promoted) expect(pretend.called('undoPromotion')).toBe(1);
    expect(place?.ended?.end ?? 'rolled back').toBe('rolled back');
    expect(pretend.called('beginRollout') === 0 || ends().length > 0).toBe(true);
  });

  test('cancelled in the look after which it would continue as new, it does not go on', async () => {
    stay();
    pretend.rollout().plan({ continueAfterEvents: 1 });
    let entered = (): void => {};
    const during = new Promise<void>((resolve) => {
      entered = resolve;
    });
    let leave = (): void => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    pretend.change({
      recordDecision: async () => {
        entered();
        await left;
      },
    });
    const run = await start();
    await during;
    await run.cancel();
    leave();
    await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(ends()).toMatchObject([{ end: 'rolled back', reason: 'Cancelled' }]);
  });

  test('a way back that fails is tried until it succeeds', async () => {
    stay();
    const { endRollout } = pretend.rollout().steps;
    let attempts = 0;
    pretend.change({
      endRollout: async (input) => {
        attempts += 1;
        if (attempts < 3) throw new PerennialError('PRN_INPUT_INVALID', 'a mistake of ours');
        return endRollout(input);
      },
    });
    const run = await start();
    await runs(run);
    await run.cancel();
    await expect(run.result()).rejects.toThrow();
    expect(attempts).toBe(3);
  });

  test('a step that cannot go on ends it with the code of the step, after the candidate is taken away', async () => {
    pretend.change({
      shiftTraffic: async () => {
        throw new PerennialError('PRN_INPUT_INVALID', 'Cannot shift');
      },
    });
    const error = await (await start()).result().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect((error as WorkflowFailedError).cause).toMatchObject({ type: 'PRN_INPUT_INVALID' });
    expect(ends()).toMatchObject([{ end: 'rolled back' }]);
  });

  test('ends as decided although nobody can be told, and harm cannot be counted', async () => {
    const broken = async () => {
      throw new PerennialError('PRN_SPEC_INVALID', 'Cannot read the definition');
    };
    pretend.rollout().traffic({ candidateErrors: 0.2, perLook: 2_000 });
    pretend.change({ sendNotice: broken, countHarm: broken });
    expect(await (await start()).result()).toMatchObject({ end: 'rolled back', harmed: null });
  });

  test('an end that somebody else gave it is its own', async () => {
    stay();
    const run = await start();
    await runs(run);
    for (const place of pretend.rollout().places.values())
      place.ended = { end: 'rolled back', generation: 7, reason: 'ada: complaints' };
    await run.signal('rolloutEnded');
    expect(await run.result()).toMatchObject({ end: 'rolled back', generation: 7, reason: 'ada: complaints' });
    expect(ends()).toEqual([]);
  });

  test('a promotion that the servers refuse is taken back', async () => {
    pretend.change({
      confirmServing: async ({ generation }) => (generation < 6 ? refusal : confirmed),
    });
    expect(await (await start()).result()).toMatchObject({ end: 'rolled back', reason: expect.stringContaining('golden row 3') });
    expect([...pretend.rollout().places.values()]).toMatchObject([{ ended: { end: 'rolled back', generation: 6 } }]);
  });

  test('a way back is not over before the servers report it', async () => {
    pretend.rollout().traffic({ candidateErrors: 0.2, perLook: 2_000 });
    pretend.rollout().plan({ confirmWithinMs: 60_000 });
    let asked = 0;
    pretend.change({
      confirmServing: async () => {
        asked += 1;
        return asked < 3 ? { ...confirmed, confirmed: false, serving: 0 } : confirmed;
      },
    });
    expect(await (await start()).result()).toMatchObject({ end: 'rolled back' });
    expect(asked).toBe(3);
  });

  test('held, then cancelled: that servers do not follow the way back is told beside the hold', async () => {
    pretend.rollout().traffic({ perLook: 0 });
    pretend.rollout().plan({ policy: { silenceMs: 50 }, confirmWithinMs: 50 });
    const late = { ...confirmed, confirmed: false, serving: 0 };
    let isTold = false;
    pretend.change({ confirmServing: async () => (isTold ? confirmed : late) });
    const run = await start();
    await untilRollout(run, 'held', ({ hold }) => hold?.by === 'silence');
    await expect.poll(notices).toEqual(['held']);
    await run.cancel();
    await expect.poll(notices, { timeout: 20_000 }).toEqual(['held', 'held']);
    isTold = true;
    await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    const keys = inputs<Notice>('sendNotice').map(({ key }) => key);
    expect(new Set(keys).size).toBe(3);
  });

  test('a word that comes while it continues as new is heard as at any other time', async () => {
    stay();
    pretend.rollout().plan({ continueAfterEvents: 1, look: { firstMs: 1, lastMs: 1 } });
    const run = await start();
    await runs(run);
    const handle = world.client.workflow.getHandle(run.workflowId) as RolloutHandle;
    const refusals: string[] = [];
    const tryResume = () =>
      handle
        .executeUpdate(resumeUpdate, { args: [word] })
        .catch((error: Error) => refusals.push((error.cause as Error | undefined)?.message ?? error.message));
    for (let at = 0; at < 10; at += 1) await Promise.all([tryResume(), tryResume(), tryResume()]);
    await handle.terminate('the test is over');
    expect(new Set(refusals)).toEqual(new Set(['Cannot resume as nobody holds']));
  }, 60_000);

  test('goes on as new with all that it knows, and still obeys', async () => {
    stay();
    pretend.rollout().plan({ continueAfterEvents: 60, look: { firstMs: 1, lastMs: 1 } });
    const run = await start();
    const runId = run.firstExecutionRunId;
    await expect.poll(async () => (await run.describe()).runId).not.toBe(runId);
    const handle = world.client.workflow.getHandle(run.workflowId) as RolloutHandle;
    await untilRollout(handle, 'looks on', ({ generation, share }) => generation === 2 && share === 0.1);
    pretend.rollout().traffic({});
    const outcome = await handle.result();
    expect(outcome).toMatchObject({ end: 'promoted', rolloutId: `churn/${version}/${runId}` });
    expect(pretend.called('beginRollout')).toBe(1);
    expect(new Set(decisions().map(({ key }) => key)).size).toBe(decisions().length);
  });

  test('blue/green moves all at once, bakes, and comes back in one move', async () => {
    pretend.rollout().plan({ strategy: 'blue/green', ...strategies['blue/green'] });
    expect(await (await start()).result()).toMatchObject({ end: 'promoted' });
    expect(shares()).toEqual([]);
    pretend.reset();
    pretend.rollout().plan({ strategy: 'blue/green', ...strategies['blue/green'] });
    pretend.rollout().traffic({ candidateErrors: 0.3 });
    expect(await (await start()).result()).toMatchObject({
      end: 'rolled back',
      reason: expect.stringContaining('share above 0.05'),
    });
  });

  test('a shadow promotes where answers agree, and goes where they do not', async () => {
    const plan = { strategy: 'shadow' as const, ...strategies.shadow };
    const agreement = (lower: number, upper: number) => ({
      ...quiet,
      agreement: { compared: 5_000, disagreed: 100, evidence: interval('share of answers that differ', lower, upper) },
    });
    pretend.rollout().plan(plan);
    pretend.rollout().observe(agreement(0.01, 0.03));
    expect(await (await start()).result()).toMatchObject({
      end: 'promoted',
      reason: expect.stringContaining('differ, upper bound 0.03 <= 0.1'),
    });
    pretend.reset();
    pretend.rollout().plan(plan);
    pretend.rollout().observe(agreement(0.2, 0.4));
    expect(await (await start()).result()).toMatchObject({ end: 'rolled back', reason: expect.stringContaining('0.2 > 0.1') });
  });

  test('an A/B test ends when labels tell, either way', async () => {
    const plan = { strategy: 'a/b' as const, ...strategies['a/b'] };
    pretend.rollout().plan(plan);
    pretend.rollout().observe({ ...quiet, labels: interval('gain in roc_auc', -0.01, 0.02) });
    const run = await start();
    await looks(4);
    pretend.rollout().observe({ ...quiet, labels: interval('gain in roc_auc', 0.003, 0.02) });
    expect(await run.result()).toMatchObject({ end: 'promoted', reason: expect.stringContaining('0.003 > 0') });
    pretend.reset();
    pretend.rollout().plan(plan);
    pretend.rollout().observe({ ...quiet, labels: interval('gain in roc_auc', -0.03, -0.01) });
    expect(await (await start()).result()).toMatchObject({ end: 'rolled back', reason: expect.stringContaining('-0.01 < 0') });
  });
});

const confirmed = { confirmed: true, servers: 1, serving: 1, refused: 0, reason: 'served by 1 of 1 server' };
const refusal = { confirmed: false, servers: 1, serving: 0, refused: 1, reason: 'Server "a" refused: golden row 3' };
