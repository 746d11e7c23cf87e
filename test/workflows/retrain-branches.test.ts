import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Notice } from '#domain/contracts/notice.ts';
import { PerennialError } from '#domain/errors.ts';
import { approvePromotionUpdate, rejectPromotionUpdate } from '../../workflows/messages.ts';
import { describeWithServers, testTemporal } from '../support/servers.ts';
import { evaluation, type Pretend, planned, pretendSteps } from './pretend.ts';
import { newRequest, openWorld, type RunHandle, untilStatus, type World } from './world.ts';

/** The code and words with which a run failed. */
const failureOf = async (run: RunHandle): Promise<{ type: string | null | undefined; message: string }> => {
  const error = await run.result().catch((thrown: unknown) => thrown);
  if (!(error instanceof WorkflowFailedError)) throw new Error(`Expected a failed run, got ${JSON.stringify(error)}`);
  const { type, message } = error.cause as Error & { type?: string };
  return { type, message };
};

/** Nobody serves yet. */
const first = async () => ({ ...evaluation('pass'), championVersion: null, championGeneration: 0 });

describeWithServers('retrain, branch by branch', () => {
  let world: World;
  const pretend: Pretend = pretendSteps();

  beforeAll(async () => {
    world = await openWorld(pretend, testTemporal());
  });
  afterAll(() => world?.close());
  beforeEach(() => pretend.reset());

  /** What runs tell people; rollouts tell of themselves. */
  const told = () =>
    pretend.calls
      .filter(({ step }) => step === 'sendNotice')
      .map(({ input }) => input as Notice)
      .filter(({ key }) => key.startsWith('retrain/'))
      .map(({ event, text, link }) => [event, text, link]);

  test('promotes a candidate that passes, and says so with the numbers', async () => {
    const request = newRequest();
    const outcome = await world.run(request);
    expect(outcome).toMatchObject({ verdict: 'promoted', modelVersion: 2, runKey: request.runKey, metrics: { roc_auc: 0.71 } });
    expect(outcome.reason).toContain('0.71');
    expect(pretend.outcomes).toEqual([outcome]);
    expect(told()).toEqual([]);
  });

  test('ends as rejected when the data break a check, before anything is frozen', async () => {
    pretend.change({
      validateBatch: async () => ({
        reportSha256: 'a'.repeat(64) as never,
        rows: 10,
        rejectedRows: 0,
        quarantinedRows: 0,
        failures: ['rows per day: 12 >= 1000 does not hold'],
        warnings: 0,
      }),
    });
    const outcome = await world.run(newRequest());
    expect(outcome).toMatchObject({ verdict: 'rejected', gate: null, dataVersion: null, modelVersion: null });
    expect(outcome.reason).toContain('12 >= 1000');
    expect(pretend.called('freezeSnapshot')).toBe(0);
    expect(told()).toEqual([['rejected', `churn: ${outcome.reason}`, `/runs/${outcome.runKey}`]]);
  });

  test.each(['fail', 'inconclusive'] as const)('a gate that says %s registers nothing', async (said) => {
    pretend.change({ evaluateCandidate: async () => evaluation(said) });
    const outcome = await world.run(newRequest());
    expect(outcome.verdict).toBe(said === 'fail' ? 'rejected' : 'inconclusive');
    expect(outcome.gate?.outcome).toBe(said);
    expect(pretend.called('registerCandidate') + pretend.called('promoteVersion')).toBe(0);
    expect(told().map(([event]) => event)).toEqual(said === 'fail' ? ['rejected'] : []);
  });

  test('fails with the code of the step that could not go on, after its end is recorded', async () => {
    pretend.change({
      buildFeatures: async () => {
        throw new PerennialError('PRN_FEATURE_LEAKAGE', 'Cannot use "total" as it alone reaches 0.999: at most 0.99');
      },
    });
    const run = await world.start(newRequest());
    expect(await failureOf(run)).toEqual({ type: 'PRN_FEATURE_LEAKAGE', message: expect.stringContaining('0.999') });
    expect(pretend.outcomes).toMatchObject([{ verdict: 'failed', reason: expect.stringContaining('PRN_FEATURE_LEAKAGE') }]);
    expect(pretend.called('buildFeatures')).toBe(1);
  });

  test('an error nobody foresaw is tried again', async () => {
    let attempts = 0;
    pretend.change({
      registerCandidate: async () => {
        attempts += 1;
        if (attempts < 3) throw new Error('socket hang up');
        return { version: 2 as never, stage: 'registered' };
      },
    });
    expect(await world.run(newRequest())).toMatchObject({ verdict: 'promoted' });
    expect(attempts).toBe(3);
  });

  test('waits for a person, refuses updates before and a second one after, and shows what it waits for', async () => {
    pretend.change({ admitRetrain: planned({ approvalWithinMs: 60_000 }) });
    const run = await world.start(newRequest());
    const status = await untilStatus(run, 'waits for approval', ({ waitingFor }) => waitingFor !== null);
    expect(status.waitingFor).toContain('approvePromotion');
    await expect(run.executeUpdate(approvePromotionUpdate, { args: [{ by: '', reason: 'x' }] })).rejects.toMatchObject({
      cause: { type: 'PRN_INPUT_INVALID' },
    });
    await run.executeUpdate(approvePromotionUpdate, { args: [{ by: 'grace', reason: 'looks right' }] });
    expect(await run.result()).toMatchObject({ verdict: 'promoted' });
    expect(pretend.calls.filter(({ step }) => step === 'recordStage').map(({ input }) => input)).toContainEqual(
      expect.objectContaining({ stage: 'approve', state: 'waiting' }),
    );
    expect(told()).toMatchObject([
      ['waiting for approval', expect.stringMatching(/^churn: version 2 waits until \d{4}-/), expect.any(String)],
    ]);
  });

  test('a person who rejects keeps the champion', async () => {
    pretend.change({ admitRetrain: planned({ approvalWithinMs: 60_000 }) });
    const run = await world.start(newRequest());
    await untilStatus(run, 'waits for approval', ({ waitingFor }) => waitingFor !== null);
    await run.executeUpdate(rejectPromotionUpdate, { args: [{ by: 'grace', reason: 'not on a Friday' }] });
    expect(await run.result()).toMatchObject({ verdict: 'rejected', reason: 'grace rejected version 2: not on a Friday' });
    expect(pretend.called('promoteVersion')).toBe(0);
    expect(told().map(([event]) => event)).toEqual(['waiting for approval', 'rejected']);
  });

  test('an approval that nobody gives expires as held', async () => {
    pretend.change({ admitRetrain: planned({ approvalWithinMs: 200 }) });
    expect(await world.run(newRequest())).toMatchObject({ verdict: 'held', modelVersion: 2 });
    expect(pretend.called('promoteVersion')).toBe(0);
    expect(told().map(([event]) => event)).toEqual(['waiting for approval', 'held']);
  });

  test('rolls back when a server refuses the new model', async () => {
    const reason = 'Server "a" refused generation 2: golden row 3 differs';
    pretend.change({
      evaluateCandidate: first,
      confirmServing: async () => ({ confirmed: false, servers: 1, serving: 0, refused: 1, reason }),
    });
    const run = await world.start(newRequest());
    expect(await failureOf(run)).toEqual({ type: 'PRN_DEPLOY_REFUSED', message: expect.stringContaining(reason) });
    expect(pretend.calls.find(({ step }) => step === 'rollBackPromotion')?.input).toMatchObject({ refusedGeneration: 2, to: 1 });
    expect(pretend.outcomes).toMatchObject([{ verdict: 'failed', modelVersion: 2 }]);
  });

  test('rolls back when servers that are alive do not follow in time', async () => {
    pretend.change({
      evaluateCandidate: first,
      admitRetrain: planned({ confirmWithinMs: 300 }),
      confirmServing: async () => ({
        confirmed: false,
        servers: 2,
        serving: 1,
        refused: 0,
        reason: 'generation 2 is served by 1 of 2 servers',
      }),
    });
    const run = await world.start(newRequest());
    expect(await failureOf(run)).toMatchObject({ type: 'PRN_DEPLOY_REFUSED', message: expect.stringContaining('1 of 2') });
    expect(pretend.called('rollBackPromotion')).toBe(1);
  });

  test('promotes unconfirmed where no server is alive', async () => {
    pretend.change({
      evaluateCandidate: first,
      admitRetrain: planned({ confirmWithinMs: 200 }),
      confirmServing: async () => ({ confirmed: false, servers: 0, serving: 0, refused: 0, reason: 'No server is alive' }),
    });
    const outcome = await world.run(newRequest());
    expect(outcome.verdict).toBe('promoted');
    expect(outcome.reason).toContain('unconfirmed');
  });

  test('a candidate beside a champion is rolled out, and its run shows how far it is', async () => {
    pretend.rollout().traffic({ perLook: 1 });
    const run = await world.start(newRequest());
    const status = await untilStatus(run, 'is rolled out', ({ stages }) =>
      stages.some(({ stage, note }) => stage === 'promote' && note.includes('10%')),
    );
    expect(status.stages.at(-1)).toMatchObject({ stage: 'promote', state: 'started' });
    pretend.rollout().traffic({});
    const outcome = await run.result();
    expect(outcome).toMatchObject({ verdict: 'promoted', modelVersion: 2 });
    expect(pretend.called('promoteVersion')).toBe(0);
    expect(pretend.called('endRollout')).toBe(1);
  });

  test('a candidate that is the champion already is rolled out to nobody', async () => {
    pretend.change({ registerCandidate: async () => ({ version: 1 as never, stage: 'champion' }) });
    const outcome = await world.run(newRequest());
    expect(outcome).toMatchObject({ verdict: 'promoted', reason: expect.stringContaining('version 1 is champion already') });
    expect([pretend.called('promoteVersion'), pretend.called('beginRollout')]).toEqual([0, 0]);
  });

  test('a first champion takes all traffic at once', async () => {
    pretend.change({ evaluateCandidate: first });
    expect(await world.run(newRequest())).toMatchObject({ verdict: 'promoted' });
    expect([pretend.called('promoteVersion'), pretend.called('beginRollout')]).toEqual([1, 0]);
    expect(told().map(([event]) => event)).toEqual(['promoted']);
  });

  test('ends as decided although nobody can be told', async () => {
    pretend.change({
      evaluateCandidate: async () => evaluation('fail'),
      sendNotice: async () => {
        throw new PerennialError('PRN_SPEC_INVALID', 'Cannot notify of "churn": unreadable');
      },
    });
    expect(await world.run(newRequest())).toMatchObject({ verdict: 'rejected' });
    expect(told()).toHaveLength(1);
  });

  test('a candidate that does harm is rejected, with the reason of its rollout', async () => {
    pretend.rollout().traffic({ candidateErrors: 0.2, perLook: 2_000 });
    const outcome = await world.run(newRequest());
    expect(outcome).toMatchObject({ verdict: 'rejected', reason: expect.stringContaining('harm is shown') });
    expect(pretend.outcomes).toEqual([outcome]);
    expect(told()).toEqual([]);
  });

  test('a rollout that cannot go on fails its run with its code', async () => {
    pretend.change({
      beginRollout: async () => {
        throw new PerennialError('PRN_DEPLOY_CONFLICT', 'Cannot roll version 2 out as version 1 must be champion: 3 is');
      },
    });
    const run = await world.start(newRequest());
    expect(await failureOf(run)).toEqual({ type: 'PRN_DEPLOY_CONFLICT', message: expect.stringContaining('3 is') });
  });

  test('a run that is cancelled while it is rolled out leaves the champion', async () => {
    pretend.rollout().traffic({ perLook: 1 });
    const run = await world.start(newRequest());
    await expect.poll(() => pretend.called('observeRollout')).toBeGreaterThan(1);
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect([...pretend.rollout().places.values()]).toMatchObject([{ ended: { end: 'rolled back', reason: 'Cancelled' } }]);
    expect(pretend.outcomes).toMatchObject([{ verdict: 'failed', reason: 'Cancelled' }]);
  });

  test('a rollout that is terminated leaves no candidate behind', async () => {
    pretend.rollout().traffic({ perLook: 1 });
    const run = await world.start(newRequest());
    await expect.poll(() => pretend.called('observeRollout')).toBeGreaterThan(0);
    await world.client.workflow.getHandle('roll-out/churn/2').terminate('by mistake');
    await expect(run.result()).rejects.toThrow();
    expect([...pretend.rollout().places.values()]).toMatchObject([{ ended: { end: 'rolled back' } }]);
    expect(pretend.outcomes).toMatchObject([{ verdict: 'failed' }]);
  });

  test('cancellation reaches the training, and the end is recorded', async () => {
    let stopped: unknown = null;
    pretend.change({
      trainCandidate: (_input, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            stopped = signal.reason;
            reject(new Error('trainer ended by SIGTERM'));
          });
        }),
    });
    const run = await world.start(newRequest());
    await untilStatus(run, 'trains', ({ stages }) => stages.some(({ stage }) => stage === 'train'));
    await expect.poll(() => pretend.called('trainCandidate')).toBe(1);
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(stopped).toMatchObject({ name: 'CancelledFailure' });
    expect(pretend.outcomes).toMatchObject([{ verdict: 'failed', reason: 'Cancelled' }]);
  });

  test('the same request attaches to the run under way and, later, to its verdict', async () => {
    let release = (): void => {};
    pretend.change({
      ingestSources: async () => {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        return { batchSha256: 'b'.repeat(64) as never, rows: 1, rejectedRows: 0, parts: 1, newParts: 1 };
      },
    });
    const request = newRequest();
    const first = await world.start(request);
    await expect.poll(() => pretend.called('ingestSources')).toBe(1);
    const second = await world.start(request);
    expect((await second.describe()).runId).toBe((await first.describe()).runId);
    release();
    expect(await second.result()).toEqual(await first.result());
    await expect(world.start(request)).rejects.toMatchObject({ name: 'WorkflowExecutionAlreadyStartedError' });
    expect(pretend.called('admitRetrain')).toBe(1);
  });
});
