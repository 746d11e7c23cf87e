import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Notice } from '#domain/contracts/notice.ts';
import { countPollers } from '../../infra/temporal/pollers.ts';
import { taskQueues } from '../../workflows/names.ts';
import { describeWithServers, testTemporal } from '../support/servers.ts';
import { type Pretend, planned, pretendSteps } from './pretend.ts';
import { anyDigest, newRequest, openWorld, untilStatus, type World } from './world.ts';

const trained = { trainingKey: anyDigest(), resultSha256: anyDigest(), onnxSha256: anyDigest(), durationMs: 5 };

describeWithServers('retrain, without a worker that trains', () => {
  let world: World;
  const pretend: Pretend = pretendSteps();
  beforeAll(async () => {
    world = await openWorld(pretend, { ...testTemporal(), gpuWorker: false });
    pretend.change({
      countPollers: async ({ queue }) => {
        const { workflowExecution } = Context.current().info;
        return { pollers: await countPollers(world.connection, 'default', queue, workflowExecution ?? null) };
      },
    });
  });
  afterAll(() => world?.close());

  test('gives up with a clear error when nobody takes the training within the time allowed', async () => {
    pretend.change({ admitRetrain: planned({ gpuWaitMs: 1_500 }) });
    const run = await world.start(newRequest());
    await expect(run.result()).rejects.toMatchObject({
      cause: { type: 'PRN_TRAINER_NO_WORKER', message: expect.stringMatching(/"perennial-gpu" within 2 s: none did since 2/) },
    });
    expect(pretend.outcomes.at(-1)).toMatchObject({
      verdict: 'failed',
      reason: expect.stringContaining('PRN_TRAINER_NO_WORKER'),
    });
    pretend.change({ admitRetrain: planned() });
  });

  test('a cancelled run stops waiting', async () => {
    const run = await world.start(newRequest());
    await untilStatus(run, 'waits for a worker', ({ waitingFor }) => waitingFor !== null);
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  });

  test('says so, in the query and the current details, until one appears; then trains', async () => {
    const run = await world.start(newRequest());
    const { waitingFor } = await untilStatus(run, 'waits for a worker', (status) => status.waitingFor !== null);
    expect(waitingFor).toMatch(/^No worker on perennial-gpu since \d{4}-.*perennial worker gpu/);
    const metadata = await run.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    expect(metadata.currentDetails).toContain('**No worker on perennial-gpu since');
    const told = () =>
      pretend.calls
        .filter(({ step }) => step === 'sendNotice')
        .map(({ input }) => input as Notice)
        .filter(({ key }) => key.startsWith(`${run.workflowId}/`));
    await expect.poll(told, { timeout: 30_000 }).not.toEqual([]);
    expect(told()[0]).toMatchObject({ event: 'no gpu worker', text: `churn: ${waitingFor}` });

    const { workflowId, runId } = await run.describe();
    // As when the queue has moved to another process of Temporal: who asked before is forgotten, and who trains does not ask.
    const forgetful = () => {
      const { workflowService } = world.connection;
      const describeTaskQueue = async () => ({ pollers: [] });
      const asked = Object.assign(Object.create(workflowService), { describeTaskQueue }) as typeof workflowService;
      return countPollers({ workflowService: asked }, 'default', taskQueues.gpu, { workflowId, runId });
    };
    expect(await forgetful()).toBe(0);

    let release = (): void => {};
    // Also where this test fails, or the worker would wait for its step for ever.
    onTestFinished(() => release());
    pretend.change({
      trainCandidate: async () => {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        return trained;
      },
    });
    await world.startGpuWorker();
    await expect.poll(() => pretend.called('trainCandidate'), { timeout: 60_000 }).toBe(1);
    await expect.poll(forgetful).toBe(1);
    // While it still trains, the sentence has gone: the workflow is not told of the start, it looked. Looks come after
    // 2, 4, 8, 16, 32 s, so a worker that takes half a minute to start on a busy machine is seen after a whole one.
    await untilStatus(run, 'trains', (status) => status.waitingFor === null, 90_000);
    release();
    expect(await run.result()).toMatchObject({ verdict: 'promoted' });
    // However many looks it took: an address is told once of each key.
    expect(new Set(told().map(({ key }) => key)).size).toBe(1);
  }, 150_000);
});
