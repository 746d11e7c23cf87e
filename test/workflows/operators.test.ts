/** What operators say to a pipeline that serves: the commands as programs, on real servers and real steps. */
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { rolloutPlanSchema } from '#domain/contracts/rollout.ts';
import type { Instant, PipelineName, Sha256, VersionNumber } from '#domain/units.ts';
import { digestOfJson } from '../../infra/objects/digest.ts';
import { createPipelines } from '../../infra/postgres/pipelines.ts';
import { createQuarantine } from '../../infra/postgres/quarantine.ts';
import { watchStart } from '../../infra/temporal/watch.ts';
import type { Context } from '../../workers/cli/context.ts';
import { pausePipeline } from '../../workers/cli/pipelines/pause-pipeline.ts';
import { resumeRollout } from '../../workers/cli/pipelines/resume-rollout.ts';
import { startRollout } from '../../workers/cli/rollout/start-rollout.ts';
import { tellRollout } from '../../workers/cli/rollout-word.ts';
import { dataArrivedSignal, watchStatusQuery } from '../../workflows/messages.ts';
import { rollOutWorkflowId } from '../../workflows/names.ts';
import type { watchDrift } from '../../workflows/watch-drift.ts';
import { serveTraffic, type Traffic } from '../activities/rollout/serve-traffic.ts';
import { flights, openRolloutWorld, type RolloutWorld } from '../activities/rollout/world.ts';
import { examples } from '../house/examples.ts';
import { candidate, version } from '../infra/postgres/bench.ts';
import { describeWithServers } from '../support/servers.ts';
import { type CommandLine, openCommandLine } from './command-line.ts';

/** Each step in a moment, so long that whoever looks each second sees it, or never without a person. */
const [quick, seen, slow] = (['1s', '4s', '10h'] as const).map((at_least) => ({
  steps: [0.1, 0.5, 1],
  step: { at_least, requests: 100 },
}));
const byAnother = {
  ...{ workflowId: 'roll-out/flights/1', pipeline: flights, policy: rolloutPlanSchema.parse(examples['rolloutPlanSchema']) },
  ...{ version: version(1), championVersion: version(2), actor: 'grace', reason: 'so she says' },
  deployed: { strategy: 'canary' as const, share: 0.1, salt: 'salt', by: [], latencyMs: null },
};
/** A machine that is busy with other things takes its time. */
const patience = { timeout: 120_000, interval: 50 };
vi.setConfig({ testTimeout: 300_000 });

describeWithServers('an operator', () => {
  let rollouts: RolloutWorld;
  let traffic: Traffic;
  let { world, start, perennial, close } = {} as CommandLine;

  beforeAll(async () => {
    rollouts = await openRolloutWorld();
    const line = await openCommandLine(rollouts.bench.url, { gpuWorker: false });
    ({ world, start, perennial, close } = line);
    traffic = serveTraffic(rollouts);
    line.onClose(() => traffic.stop());
  }, 120_000);
  afterAll(async () => {
    await close?.();
    await rollouts?.bench.end();
  });

  const rollOut = (version: number, ...words: string[]) =>
    perennial('rollout', 'flights', String(version), '--reason', 'it is better', ...words);
  const refused = async (exit: number, text: string | RegExp, words: readonly string[]): Promise<void> => {
    const ended = await perennial(...words);
    expect([ended.exit, ended.stderr]).toEqual([exit, expect.stringMatching(text)]);
  };
  const apply = (rules: unknown) => rollouts.request(rules);
  const deployed = () => rollouts.deps.deployments.get(flights);
  const running = () => rollouts.deps.rollouts.running(flights);

  test('sees in a live status how a rollout goes from share to share and ends, and leaves it by Ctrl-C', async () => {
    await apply(seen);
    const live = start('status', 'flights', '--watch');
    await expect.poll(() => live.said('stdout'), patience).toContain('champion    version 1');
    const rolled = rollOut(2, '--wait', '--json');
    await expect.poll(() => live.said('stdout'), patience).toMatch(/rollout {5}version 2 beside 1, canary, at 10 %/);
    await expect.poll(() => live.said('stdout'), patience).toMatch(/version 2 beside 1, canary, at 50 %/);
    await expect.poll(() => live.said('stdout'), patience).toMatch(/champion {4}version 2/);
    expect(await rolled).toMatchObject({ exit: 0 });
    live.child.kill('SIGINT');
    expect(await live.ended).toMatchObject({ exit: 0, stdout: expect.not.stringContaining('\u001b[') });
    expect(await deployed()).toMatchObject({ champion: { version: 2 }, rollout: null });
  });

  test('attaches to the same rollout where somebody else began it while this one looked, and to no other', async () => {
    const { definitions, deployments, registry, rollouts: records } = rollouts.deps;
    await apply(slow);
    const pipelines = createPipelines(rollouts.bench.db);
    const startWhile = (id: string, wished: number) => {
      /** Asked after the look for a rollout that runs. */
      const state = async (name: PipelineName) => {
        await records.begin({ ...byAnother, id });
        return pipelines.state(name);
      };
      const context = { database: rollouts.bench, definitions, deployments, registry, pipelines: { ...pipelines, state } };
      const wish = { pipeline: flights, version: version(wished), by: 'ada', reason: 'better', strategy: null, despite: null };
      return startRollout(context as unknown as Context, world.client, wish);
    };
    const end = (id: string) => records.end({ ...byAnother, id, end: 'rolled back', expectedGeneration: null });
    expect(await startWhile('flights/1/one', 1)).toMatchObject({ rolloutId: 'flights/1/one', attached: true, begun: true });
    await end('flights/1/one');
    await expect(startWhile('flights/1/two', 3)).rejects.toMatchObject({ code: 'PRN_DEPLOY_CONFLICT' });
    await end('flights/1/two');
    expect(await deployed()).toMatchObject({ champion: { version: 2 }, rollout: null });
  });

  test('begins one rollout by hand, twice at once; who and why are on record, and nothing else begins beside it', async () => {
    await apply(slow);
    const both = await Promise.all([rollOut(3, '--json'), rollOut(3, '--json')]);
    expect(both.map(({ exit, stderr }) => [exit, stderr])).toEqual([
      [0, expect.stringContaining('roll-out/flights/3')],
      [0, expect.stringContaining('roll-out/flights/3')],
    ]);
    const said = both.map(({ stdout }) => JSON.parse(stdout) as { rolloutId: string; begun: boolean; attached: boolean });
    expect(said.filter(({ attached }) => !attached)).toHaveLength(1);
    expect(said.map(({ begun }) => begun)).toEqual([true, true]);
    expect(new Set(said.map(({ rolloutId }) => rolloutId))).toEqual(new Set([(await running())?.id]));
    const { generation } = await deployed();
    expect(JSON.parse((await rollOut(3, '--json')).stdout)).toMatchObject({ attached: true, rolloutId: said[0]?.rolloutId });
    expect((await deployed()).generation).toBe(generation);
    const began = await rollouts.bench.pool.query(
      `select actor, detail from perennial.audit_log where action = 'rollout began' and detail->>'version' = '3'`,
    );
    expect(began.rows).toMatchObject([{ actor: 'ada', detail: { reason: 'it is better', version: 3 } }]);
    const why = ['--reason', 'x'];
    await refused(5, /version 3 is being rolled out.*perennial rollback flights/s, ['rollout', 'flights', '1', ...why]);
    await refused(5, /as it is being rolled out as canary/, ['rollout', 'flights', '3', '--strategy', 'shadow', ...why]);
    expect(await deployed()).toMatchObject({ generation, champion: { version: 2 }, rollout: { share: 0.1 } });
  });

  test('holds it, lets it go on, and promotes it; who waits for its end exits with it', async () => {
    const waiting = start('rollout', 'flights', '3', '--reason', 'it is better', '--wait', '--json');
    await expect.poll(() => waiting.said('stderr'), patience).toContain('attached to roll-out/flights/3');
    const held = await perennial('hold', 'flights', '--reason', 'a look at the logs');
    expect([held.exit, held.stdout]).toEqual([0, expect.stringContaining('was told to hold')]);
    await refused(5, /Cannot hold as ada already holds/, ['hold', 'flights', '--reason', 'me too', '--by', 'grace']);
    const again = await perennial('resume', 'flights', '--reason', 'all is well');
    expect([again.exit, again.stdout]).toEqual([0, 'flights: the rollout of version 3 goes on at 10%\n']);
    expect((await perennial('promote', 'flights', '--reason', 'enough seen')).exit).toBe(0);
    const ended = await waiting.ended;
    expect([ended.exit, JSON.parse(ended.stdout)]).toEqual([
      0,
      expect.objectContaining({ end: 'promoted', version: 3, attached: true, reason: expect.stringContaining('enough seen') }),
    ]);
    expect(await deployed()).toMatchObject({ champion: { version: 3 }, rollout: null });
  });

  test('is told that a rollout ended between the look and the word, and that there is nothing to take back', async () => {
    await apply(slow);
    const workflow = world.client.workflow.getHandle(rollOutWorkflowId(flights, 2 as VersionNumber));
    /** Rolled back in the very moment in which the word is sent. */
    const executeUpdate: typeof workflow.executeUpdate = async (...asked: [never, never]) => {
      expect((await perennial('rollback', 'flights', '--reason', 'a moment before')).exit).toBe(0);
      await workflow.result();
      return workflow.executeUpdate(...asked);
    };
    const getHandle = () => Object.assign(Object.create(workflow) as object, { executeUpdate });
    const late = { workflow: { getHandle } } as unknown as Client;
    const [context, word] = [{ database: rollouts.bench } as unknown as Context, { by: 'ada', reason: 'a look' }];
    expect((await rollOut(2)).exit).toBe(0);
    await expect(tellRollout(context, late, flights, 'hold', word)).rejects.toMatchObject({
      code: 'PRN_NOT_FOUND',
      message: expect.stringContaining('no version of it is being rolled out'),
    });
    expect((await rollOut(2)).exit).toBe(0);
    expect((await perennial('hold', 'flights', '--reason', 'a look')).exit).toBe(0);
    await expect(resumeRollout(context, late, flights, word)).rejects.toMatchObject({
      code: 'PRN_CONFLICT',
      message: 'Cannot resume the rollout of version 2 of "flights" as it has ended meanwhile',
    });
    expect(await deployed()).toMatchObject({ champion: { version: 3 }, rollout: null });
  });

  test('waits for one that does harm, and exits with 3; the same version may be rolled out again', async () => {
    await apply(quick);
    traffic.candidateErrors = 0.5;
    const ended = await rollOut(1, '--wait');
    expect([ended.exit, ended.stdout]).toEqual([3, expect.stringMatching(/^rolled back {2}.*errors.*\n.*\n.*went wrong\n$/)]);
    expect(ended.stderr).toMatch(/roll back\s+Rolled back, harm is shown/);
    traffic.candidateErrors = 0;
    await apply(slow);
    const timed = await rollOut(1, '--wait', '--strategy', 'shadow', '--timeout', '1ms');
    expect([timed.exit, timed.stderr]).toEqual([124, expect.stringContaining('waited 1ms: roll-out/flights/1 goes on')]);
    expect(await running()).toMatchObject({ version: 1, strategy: 'shadow' });
    expect((await perennial('rollback', 'flights', '--reason', 'enough seen')).exit).toBe(0);
    expect(await deployed()).toMatchObject({ champion: { version: 3 }, rollout: null });
  });

  test('hears the end of a rollout whose workflow was cancelled, and what to do about one that was terminated', async () => {
    await apply(slow);
    const workflow = world.client.workflow.getHandle(rollOutWorkflowId(flights, 2 as VersionNumber));
    const { champion } = await deployed();
    const cancelled = rollOut(2, '--wait');
    await expect.poll(running, patience).toMatchObject({ version: 2 });
    await workflow.cancel();
    expect(await cancelled).toMatchObject({ exit: 3, stdout: expect.stringMatching(/^rolled back {2}Cancelled\n/) });
    const terminated = rollOut(2, '--wait');
    await expect.poll(running, patience).toMatchObject({ version: 2 });
    await workflow.terminate('an accident');
    expect(await terminated).toMatchObject({
      exit: 5,
      stderr: expect.stringContaining('`perennial rollback flights --reason …` takes the candidate back'),
    });
    expect((await perennial('rollback', 'flights', '--reason', 'an accident')).exit).toBe(0);
    expect(await deployed()).toMatchObject({ champion, rollout: null });
  });

  test('puts no version in front of callers that answers another question, unless told to; takes it back without a word', async () => {
    const { definitions, registry } = rollouts.deps;
    const other = { name: flights, data: { source: 'flights.csv', label: 'cancelled' } };
    const otherSha256 = digestOfJson(other);
    await definitions.apply(flights, null, other, otherSha256, 'c0ffee', 'ada');
    const { definitionSha256 } = await apply(slow);
    await registry.register({ ...candidate('late'), definitionSha256 }, 'ada');
    await registry.register({ ...candidate('cancelled'), definitionSha256: otherSha256 }, 'ada');
    // Nobody knows what the versions before were trained for.
    expect((await perennial('rollback', 'flights', '--to', '4', '--reason', 'a new start')).exit).toBe(0);
    const differs = /--despite question as it answers another.*the label was "cancelled" and is "late"/s;
    const { generation } = await deployed();
    await refused(5, differs, ['rollout', 'flights', '5', '--reason', 'x']);
    await refused(5, differs, ['rollback', 'flights', '--to', '5', '--reason', 'x']);
    await refused(2, /--despite/, ['rollout', 'flights', '5', '--reason', 'x', '--despite', 'hope']);
    expect(await deployed()).toMatchObject({ generation, champion: { version: 4 }, rollout: null });
    expect((await rollOut(5, '--despite', 'question')).exit).toBe(0);
    expect(await running()).toMatchObject({
      version: 5,
      reason: 'it is better (despite another question: the label was "cancelled" and is "late")',
    });
    expect((await perennial('rollback', 'flights', '--reason', 'enough seen')).exit).toBe(0);
    expect(await deployed()).toMatchObject({ champion: { version: 4 }, rollout: null });
    const forced = ['rollback', 'flights', '--to', '5', '--force', '--despite', 'question', '--reason', 'callers know'];
    expect((await perennial(...forced)).exit).toBe(0);
    expect((await registry.promotions(flights))[0]).toMatchObject({
      version: 5,
      reason: expect.stringContaining('callers know (despite another question: the label was "cancelled" and is "late")'),
    });
  });

  test('lets a quarantined window count again, and the watch hears of it', async () => {
    await apply(slow);
    const watch = await world.client.workflow.start<typeof watchDrift>('watchDrift', watchStart(flights));
    const nextLook = async () => (await watch.query(watchStatusQuery)).nextLookAt;
    await expect.poll(nextLook, patience).not.toBeNull();
    const [from, to] = ['2001-02-05T00:00:00.000Z', '2001-02-06T00:00:00.000Z'] as [Instant, Instant];
    const breaches = [{ check: 'new category' as const, variable: 'tariff', statement: '0.4 > 0.05' }];
    const window = { pipeline: flights, profileSha256: 'a'.repeat(64) as Sha256, from, to, breaches, rows: 600 };
    await createQuarantine(rollouts.bench.db).add(window);
    const released = await perennial('quarantine', 'release', 'flights', '2001-02-05', '--reason', 'the tariff is new');
    expect(released).toEqual({ exit: 0, stdout: 'flights: 2001-02-05 to 2001-02-06 counts again\n', stderr: '' });
    const { events } = await watch.fetchHistory();
    const heard = (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => signal?.signalName ?? []);
    expect(heard).toEqual([dataArrivedSignal.name]);
  });

  test('who pauses while another resumes leaves no watch snoozed that nobody pauses', async () => {
    const { definitions } = rollouts.deps;
    const pipelines = createPipelines(rollouts.bench.db);
    let isResumed = false;
    /** Resumed after the look by which the watch is paused. */
    const state = async (name: PipelineName) => {
      const looked = await pipelines.state(name);
      if (!isResumed) expect((await perennial('resume', 'flights', '--reason', 'back already')).exit).toBe(0);
      isResumed = true;
      return looked;
    };
    const context = { definitions, pipelines: { ...pipelines, state } } as unknown as Context;
    expect(await pausePipeline(context, world.client, 'flights', { by: 'ada', reason: 'a break' })).toMatchObject({
      changed: true,
    });
    expect(isResumed).toBe(true);
    expect((await pipelines.state(flights))?.paused).toBeNull();
    const watch = world.client.workflow.getHandle<typeof watchDrift>(watchStart(flights).workflowId);
    expect((await watch.query(watchStatusQuery)).snoozedUntil).toBeNull();
    expect((await perennial('pause', 'flights', '--reason', 'holidays')).exit).toBe(0);
    expect((await watch.query(watchStatusQuery)).snoozedUntil).not.toBeNull();
    expect((await perennial('resume', 'flights', '--reason', 'back')).exit).toBe(0);
  });

  test('cannot roll out what is unknown, without a reason, or where the pipeline rests or is deleted', async () => {
    const why = ['--reason', 'x'];
    const { generation, champion } = await deployed();
    await refused(2, /--reason/, ['rollout', 'flights', '1']);
    await refused(2, /whole number/, ['rollout', 'flights', 'newest', ...why]);
    await refused(4, /Cannot find version 9/, ['rollout', 'flights', '9', ...why]);
    await refused(4, /no such pipeline/, ['rollout', 'flihgts', '1', ...why]);
    await refused(5, /it is champion/, ['rollout', 'flights', String(champion?.version), ...why]);
    await refused(2, /unknown strategy "hope"/, ['rollout', 'flights', '2', '--strategy', 'hope', ...why]);
    await apply({ ...slow, steps: [1] });
    await refused(2, /the first step must be below 100%/, ['rollout', 'flights', '2', '--strategy', 'a/b', ...why]);
    expect((await perennial('pause', 'flights', '--reason', 'holidays')).exit).toBe(0);
    await refused(5, /ada paused the pipeline \(holidays\).*perennial resume flights/s, ['rollout', 'flights', '2', ...why]);
    expect((await perennial('delete', 'flights', '--yes', '--reason', 'old')).exit).toBe(0);
    await refused(5, /"flights" was deleted/, ['rollout', 'flights', '2', ...why]);
    expect(await deployed()).toMatchObject({ generation: generation + 1, champion: null, rollout: null });
    expect(await running()).toBeNull();
  });
});
