import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { DriftMemory, DriftPolicy } from '#domain/contracts/drift-state.ts';
import type { RetrainObservation, RetrainPolicy, RetrainState } from '#domain/contracts/retrain-policy.ts';
import { nextDriftState } from '#domain/decide/drift/next-drift-state.ts';
import { decideRetrain } from '#domain/decide/retrain/decide-retrain.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Sha256 } from '#domain/units.ts';
import { askForRetrain, asRefusal } from '../../infra/temporal/request-retrain.ts';
import { tellWatch, watchStart } from '../../infra/temporal/watch.ts';
import {
  alertReceivedSignal,
  changePolicyUpdate,
  decisionsQuery,
  endWatchUpdate,
  lastReportQuery,
  type RetrainAskedFor,
  requestRetrainUpdate,
  resumeWatchUpdate,
  snoozeUpdate,
} from '../../workflows/messages.ts';
import { retrainWorkflowId } from '../../workflows/names.ts';
import { describeWithServers, testTemporal } from '../support/servers.ts';
import { evaluation, pretendSteps } from './pretend.ts';
import { beginMs, dayMs, digestOf, instant, labels, modelOf, newCursor, watchPlan, windowOf } from './pretend-watch.ts';
import { startWatch, tellStory, until, untilWatch, type WatchHandle, type WatchStory } from './watch-story.ts';
import { openWorld, type World } from './world.ts';

const word = { by: 'grace', reason: 'a person said so' };
const ask: RetrainAskedFor = { ...word, trigger: 'person', despite: [] };
type Decided = { policy: RetrainPolicy; state: RetrainState; observation: RetrainObservation; nowMs: number };
type Judged = { policy: DriftPolicy; memory: DriftMemory };
const breach = { check: 'missing rate', variable: 'tenure', statement: 'missing rate 0.9 > 0.05' } as const;
const days = (count: number, psi: number, from = 0) =>
  Array.from({ length: count }, (_, at) => ({ windows: [windowOf(from + at, psi)] }));

/** Runs tell of their own end; their notices are not the watch's. */
const toldByWatch = ({ notices }: WatchStory) =>
  notices.filter(({ key }) => key.startsWith('watch-drift/')).map(({ event }) => event);

/** A look takes a second and more on a machine that is busy with other tests, and some stories take twenty. */
vi.setConfig({ testTimeout: 120_000 });

describeWithServers('watchDrift, with pretended steps', () => {
  const pretend = pretendSteps();
  let world: World;
  const open: WatchHandle[] = [];

  beforeAll(async () => {
    world = await openWorld(pretend, testTemporal());
  }, 120_000);
  beforeEach(async () => {
    for (const handle of open.splice(0)) await handle.terminate('the test is over').catch(() => {});
    pretend.reset();
  });
  afterAll(() => world.close());

  const begin = async (story: Parameters<typeof startWatch>[1]): Promise<WatchHandle> => {
    const handle = await startWatch(world, story);
    open.push(handle);
    return handle;
  };

  test('judges quiet windows, starts nothing, and records every one', async () => {
    const story = tellStory(pretend, 'quiet');
    story.days(days(5, 0.01));
    const handle = await begin(story);
    await untilWatch(handle, 'five windows', ({ windowsJudged }) => windowsJudged === 5);
    await until(
      'all is recorded',
      () => story.records.length >= 10,
      () => story.records.length,
    );
    const drift = story.records.filter(({ kind }) => kind === 'drift');
    expect(drift.map(({ action }) => action)).toEqual(Array.from({ length: 5 }, () => 'no alarm'));
    expect(story.records.filter(({ kind }) => kind === 'retrain').every(({ action }) => action === 'wait')).toBe(true);
    expect(pretend.called('prepareRetrain')).toBe(0);
    expect(story.notices).toEqual([]);
    const before = story.records.length;
    const looks = story.looks();
    // Looks that find nothing new are one "no", not a row each.
    await until('ten more looks', () => story.looks() >= looks + 10);
    expect(story.records.length - before).toBeLessThanOrEqual(1);
    expect(await handle.query(lastReportQuery)).toMatchObject([
      { outcome: 'no alarm', from: windowOf(4).observation.from },
      {},
      {},
      {},
      {},
    ]);
  });

  test('drift that lasts is one retrain; every decision can be made again from its record', async () => {
    const story = tellStory(pretend, 'drifts');
    story.days([...days(2, 0.01), ...days(3, 0.6, 2)]);
    const handle = await begin(story);
    await until(
      'a run ended',
      () => story.ended().length === 1,
      () => story.records.map(({ reason }) => reason),
    );
    await untilWatch(handle, 'the run was heard', ({ run, windowsJudged }) => run === null && windowsJudged === 5);
    await until('its end is recorded', () =>
      story.records.some(({ subject }) => subject === story.ended()[0]?.runKey && subject !== ''),
    );
    const started = story.records.filter(({ action }) => action === 'retrain');
    expect(started).toHaveLength(1);
    expect(started[0]).toMatchObject({
      subject: story.ended()[0]?.runKey,
      reason: expect.stringContaining('Retrain (drift)'),
    });
    expect(story.ended()[0]).toMatchObject({ verdict: 'promoted', pipeline: 'drifts' });
    expect(toldByWatch(story)).toEqual(['drift', 'retrain started']);
    for (const { kind, input, output } of story.records) {
      if (kind !== 'retrain') continue;
      const { policy, state, observation, nowMs } = input as Decided;
      expect(decideRetrain(policy, state, observation, nowMs)).toEqual(output);
    }
    const memories = story.records.filter(({ kind }) => kind === 'drift');
    for (const [at, { input, output }] of memories.entries()) {
      const { policy, memory } = input as Judged;
      const again = nextDriftState(policy, memory, windowOf(at, at < 2 ? 0.01 : 0.6).observation);
      expect({ verdict: again.verdict, raised: again.raised, memory: again.memory }).toEqual(output);
    }
  });

  test('broken data are quarantined and never retrain, however loud', async () => {
    const story = tellStory(pretend, 'broken');
    const broken = (day: number) => ({ windows: [windowOf(day, 3, { breaches: [breach] })], openBreaches: 1 });
    story.days([...days(1, 0.01), broken(1), broken(2), broken(3), ...days(1, 0.01, 4)]);
    const handle = await begin(story);
    await untilWatch(handle, 'all windows', ({ windowsJudged }) => windowsJudged === 5);
    await until('all is recorded', () => story.records.length >= 10);
    expect(story.records.filter(({ kind }) => kind === 'quality').map(({ action }) => action)).toEqual([
      'quarantine',
      'quarantine',
      'quarantine',
    ]);
    expect(toldByWatch(story)).toEqual(['quarantined']);
    expect(pretend.called('prepareRetrain')).toBe(0);
    expect(story.ended()).toEqual([]);
  });

  test('labels that stay away are told of once, and again only after they have come back', async () => {
    const story = tellStory(pretend, 'unlabelled');
    const missing = (day: number) => ({
      performance: labels({
        labelFeed: { from: instant(beginMs + day * dayMs), to: instant(beginMs + (day + 1) * dayMs), statement: 'share -0.9' },
      }),
    });
    const usual = { performance: labels({ labelFeed: 'as usual' }) };
    const unknown = { performance: labels({ labelFeed: null }) };
    story.days([usual, missing(1), missing(2), unknown, missing(4), usual, missing(6), missing(7), ...days(1, 0.01, 8)]);
    const handle = await begin(story);
    await untilWatch(handle, 'the last window', ({ windowsJudged }) => windowsJudged === 1);
    await until('all is recorded', () => story.records.some(({ kind }) => kind === 'drift'));
    expect(story.records.filter(({ action }) => action === 'labels').map(({ reason }) => reason)).toEqual([
      'Labels stay away: share -0.9',
      'Labels stay away: share -0.9',
    ]);
    expect(toldByWatch(story)).toEqual(['silent', 'silent']);
    expect(pretend.called('prepareRetrain')).toBe(0);
  });

  test('a thousand alerts are one retrain, and all are remembered as seen', async () => {
    const story = tellStory(pretend, 'alarmed');
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    pretend.change({
      trainCandidate: async () => {
        await held;
        return { trainingKey: digestOf('1'), resultSha256: digestOf('2'), onnxSha256: digestOf('3'), durationMs: 5 };
      },
    });
    const handle = await begin(story);
    const told = Array.from({ length: 1000 }, (_, at) => ({
      source: 'alertmanager',
      deliveryId: String(at),
      pipeline: story.pipeline,
      arrival: { kind: 'alert', text: 'ErrorsHigh', asksForRetrain: true } as never,
    }));
    const send = async (from: number, to: number) => {
      for (let at = from; at < to; at += 50)
        await Promise.all(told.slice(at, at + 50).map((one) => tellWatch(world.client, one)));
    };
    await send(0, 500);
    await untilWatch(handle, 'a run is under way', ({ run }) => run !== null);
    await send(500, 1000);
    // The last delivery again: it is known.
    await tellWatch(world.client, told.at(-1) as never);
    await untilWatch(handle, 'all seen', ({ alertsSeen }) => alertsSeen === 1000);
    await until('those about a run under way are declined', () => story.records.some(({ action }) => action === 'suppressed'));
    release();
    await until('the run ended', () => story.ended().length === 1);
    await untilWatch(handle, 'its end was heard', ({ run }) => run === null);
    const looks = story.looks();
    await until('five more looks', () => story.looks() >= looks + 5);
    expect(story.ended()).toHaveLength(1);
    expect(pretend.called('prepareRetrain')).toBe(1);
    expect((await untilWatch(handle, 'a status', () => true)).alertsSeen).toBe(1000);
    const asked = story.records.filter(({ kind, reason }) => kind === 'retrain' && reason.includes('(asked)'));
    expect(asked.filter(({ action }) => action === 'retrain')).toHaveLength(1);
    // Suppressed alike again and again is one row, with its veto.
    expect(asked.length).toBeLessThan(20);
    expect(asked.map(({ reason }) => reason)).toContainEqual(expect.stringContaining('runs in progress'));
  });

  test('rejected three times it backs off, and says that retraining is not the cure', async () => {
    const story = tellStory(pretend, 'stubborn', {}, { cooldown: '0d' });
    pretend.change({ evaluateCandidate: async () => evaluation('fail') });
    const handle = await begin(story);
    for (let day = 0; day < 3; day += 1) {
      story.days(days(3, 0.6, 3 * day));
      await until(
        `run ${day + 1} ended`,
        () => story.ended().length === day + 1,
        () => story.records.map(({ reason }) => reason),
      );
      await untilWatch(handle, 'its end was heard', ({ run }) => run === null);
      await until(
        'it was told of',
        () => story.records.filter(({ subject }) => subject === story.ended()[day]?.runKey).length >= 2,
      );
    }
    await until(
      'it backs off',
      () => story.notices.some(({ event }) => event === 'backed off'),
      () => story.notices,
    );
    expect(story.notices.find(({ event }) => event === 'backed off')?.text).toContain('retraining is not the cure');
    await handle.signal(alertReceivedSignal, { id: 'a/1', source: 'a', text: 'still bad', asksForRetrain: true });
    await until(
      'the veto is on record',
      () =>
        story.records.some(
          // Without new data time goes on by the wall: some of the 24 hours may have gone.
          ({ action, reason }) => action === 'suppressed' && /hours until the back-off ends (24|23\.9\d*) <= 0/.test(reason),
        ),
      () => story.records.map(({ reason }) => reason).slice(-3),
    );
    expect(story.ended()).toHaveLength(3);
    // A person may still have one.
    expect(await askForRetrain(world.client, story.pipeline, ask)).toMatchObject({
      decision: 'retrain',
      reason: expect.stringContaining('set aside'),
    });
  });

  test('a person who asks gets an answer, and while a run is under way a no', async () => {
    const story = tellStory(pretend, 'asked');
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    pretend.change({
      ingestSources: async () => {
        await held;
        return { batchSha256: digestOf('1'), rows: 10, rejectedRows: 0, parts: 1, newParts: 1 };
      },
    });
    await begin(story);
    const first = await askForRetrain(world.client, story.pipeline, ask);
    expect(first).toMatchObject({ decision: 'retrain', workflowId: expect.stringContaining('retrain/asked/') });
    const second = await askForRetrain(world.client, story.pipeline, ask);
    expect(second).toMatchObject({
      decision: 'suppressed',
      workflowId: null,
      reason: expect.stringContaining('runs in progress'),
    });
    release();
    await until('the run ended', () => story.ended().length === 1);
    expect(retrainWorkflowId(story.pipeline, story.ended()[0]?.runKey as never)).toBe(first.workflowId);
    await expect(askForRetrain(world.client, story.pipeline, { ...ask, reason: ' ' })).rejects.toMatchObject({
      code: 'PRN_INPUT_INVALID',
    });
  });

  test('the same run as before is an answer, and no run', async () => {
    const story = tellStory(
      pretend,
      'same',
      {},
      {},
      {
        prepareRetrain: async ({ pipeline }) => ({
          kind: 'same',
          workflowId: `retrain/${pipeline}/0123456789abcdef`,
          runKey: '0123456789abcdef' as never,
          outcome: 'rejected',
        }),
      },
    );
    const handle = await begin(story);
    expect(await askForRetrain(world.client, story.pipeline, ask)).toMatchObject({
      decision: 'same',
      reason: expect.stringContaining('run before: rejected'),
    });
    expect((await untilWatch(handle, 'a status', () => true)).run).toBeNull();
    // It is free at once: another question is heard by the rules again.
    expect(await askForRetrain(world.client, story.pipeline, ask)).toMatchObject({ decision: 'same' });
    expect(pretend.called('admitRetrain')).toBe(0);
  });

  test('a source that is not there counts as a failed run, is told of, and the watch goes on', async () => {
    const story = tellStory(
      pretend,
      'sourceless',
      {},
      {},
      {
        prepareRetrain: async () => {
          throw new PerennialError('PRN_SOURCE_MISSING', 'Cannot list source "main" as "customers.csv" must exist: it does not');
        },
      },
    );
    const handle = await begin(story);
    expect(await askForRetrain(world.client, story.pipeline, ask)).toMatchObject({
      decision: 'failed',
      workflowId: null,
      reason: expect.stringContaining('customers.csv'),
    });
    await until('a person was told', () => story.notices.some(({ event }) => event === 'retrain failed'));
    const looks = story.looks();
    await until('it looks on', () => story.looks() > looks);
    expect((await untilWatch(handle, 'a status', () => true)).run).toBeNull();
  });

  test('snoozed it measures on and retrains nothing; resumed it does', async () => {
    const story = tellStory(pretend, 'snoozed');
    const handle = await begin(story);
    await untilWatch(handle, 'it looked', ({ dataTime }) => dataTime !== null);
    const status = await handle.executeUpdate(snoozeUpdate, { args: [{ ...word, forMs: dayMs }] });
    expect(status).toMatchObject({ phase: 'snoozed', snoozedUntil: expect.any(String) });
    story.days(days(4, 0.6));
    await handle.signal(alertReceivedSignal, { id: 'a/1', source: 'a', text: 'x', asksForRetrain: true });
    await untilWatch(handle, 'all windows', ({ windowsJudged }) => windowsJudged === 4);
    await until('the alert was declined on record', () =>
      story.records.some(({ reason }) => reason.includes('snoozed by grace')),
    );
    await expect(askForRetrain(world.client, story.pipeline, ask)).rejects.toMatchObject({
      code: 'PRN_CONFLICT',
      message: expect.stringMatching(/snoozed by grace until \d.*`perennial resume .* ends that/),
    });
    expect(pretend.called('prepareRetrain')).toBe(0);
    await handle.executeUpdate(resumeWatchUpdate, { args: [word] });
    story.days(days(1, 0.6, 4));
    await until('it retrains', () => story.ended().length === 1);
    const again = handle
      .executeUpdate(resumeWatchUpdate, { args: [word] })
      .catch((error: unknown) => Promise.reject(asRefusal(error)));
    await expect(again).rejects.toMatchObject({ code: 'PRN_CONFLICT' });
  });

  test('of a pipeline that is paused in the database it retrains nothing, although nobody told the watch', async () => {
    const story = tellStory(pretend, 'paused');
    const paused = { by: 'grace', reason: 'holidays' };
    story.days([...days(4, 0.6), ...Array.from({ length: 400 }, () => ({}))].map((day) => ({ ...day, paused })));
    const handle = await begin(story);
    await untilWatch(handle, 'all windows', ({ windowsJudged, phase }) => windowsJudged === 4 && phase === 'snoozed');
    await until('all is recorded', () => story.records.filter(({ kind }) => kind === 'drift').length === 4);
    await expect(askForRetrain(world.client, story.pipeline, ask)).rejects.toMatchObject({
      code: 'PRN_CONFLICT',
      message: expect.stringMatching(/paused by grace \(holidays\); `perennial resume /),
    });
    expect(pretend.called('prepareRetrain')).toBe(0);
    expect(story.ended()).toEqual([]);
  });

  test.each(['grace paused it (holidays)', 'it was deleted'])(
    'where no run may begin as %s, it says so and watches on',
    async (why) => {
      const refusal = `Cannot retrain by itself as ${why}`;
      const story = tellStory(
        pretend,
        why.startsWith('grace') ? 'raced' : 'deleted',
        {},
        {},
        {
          prepareRetrain: async () => Promise.reject(new PerennialError('PRN_CONFLICT', refusal)),
        },
      );
      const handle = await begin(story);
      expect(await askForRetrain(world.client, story.pipeline, ask)).toMatchObject({
        decision: 'failed',
        reason: expect.stringContaining(refusal),
        workflowId: null,
      });
      const looks = story.looks();
      await until('it looks on', () => story.looks() > looks);
      expect(await untilWatch(handle, 'a status', () => true)).toMatchObject({ phase: 'watching', run: null, problem: null });
      expect(story.ended()).toEqual([]);
      expect(pretend.called('prepareRetrain')).toBe(1);
    },
  );

  test('resumed while a look still knows of the pause, it is paused for no longer than that look', async () => {
    const story = tellStory(pretend, 'resumed');
    const paused = { by: 'grace', reason: 'holidays' };
    story.days([{ paused }]);
    const handle = await begin(story);
    // The next look read of no pause any more, and nobody told the watch.
    await until('it looked again', () => story.looks() >= 2);
    await untilWatch(handle, 'it watches again', ({ phase }) => phase === 'watching');
    await handle.executeUpdate(snoozeUpdate, { args: [{ ...word, forMs: dayMs }] });
    const looks = story.looks();
    await until('it looked on', () => story.looks() >= looks + 3);
    expect(await untilWatch(handle, 'a status', () => true)).toMatchObject({ phase: 'snoozed' });
    await handle.executeUpdate(resumeWatchUpdate, { args: [word] });
    expect(await askForRetrain(world.client, story.pipeline, ask)).toMatchObject({ decision: 'retrain' });
  });

  test('a snooze ends by itself', async () => {
    const story = tellStory(pretend, 'short-nap');
    const handle = await begin(story);
    await handle.executeUpdate(snoozeUpdate, { args: [{ ...word, forMs: 300 }] });
    await untilWatch(handle, 'it watches again', ({ phase }) => phase === 'watching');
    expect(await askForRetrain(world.client, story.pipeline, ask)).toMatchObject({ decision: 'retrain' });
  });

  test('takes the rules of a new definition, and refuses a definition that is none', async () => {
    const story = tellStory(pretend, 'changes');
    const handle = await begin(story);
    await untilWatch(handle, 'it looked', ({ dataTime }) => dataTime !== null);
    pretend.change({
      openWatch: async ({ definitionSha256 }) => {
        if (definitionSha256 === digestOf('f'))
          throw new PerennialError('PRN_DEFINITION_UNKNOWN', 'Cannot watch "changes": unknown');
        const plan = watchPlan(
          { pipeline: story.pipeline, everyMs: 30, definitionSha256: digestOf('e') },
          { on: ['age'], max_age: '1d' },
        );
        return { plan, cursor: newCursor() };
      },
    });
    const change = (definitionSha256: string) =>
      handle.executeUpdate(changePolicyUpdate, { args: [{ ...word, definitionSha256 }] });
    await expect(change(digestOf('f')).catch((error: unknown) => Promise.reject(asRefusal(error)))).rejects.toMatchObject({
      code: 'PRN_DEFINITION_UNKNOWN',
    });
    await expect(change('abc').catch((error: unknown) => Promise.reject(asRefusal(error)))).rejects.toMatchObject({
      code: 'PRN_INPUT_INVALID',
    });
    expect(story.ended()).toEqual([]);
    await change(digestOf('e'));
    story.days(days(2, 0.01));
    await until(
      'age is a reason now',
      () => story.ended().length === 1,
      () => story.records.at(-1)?.reason,
    );
    expect(story.inputs.at(-1)?.definitionSha256).toBe(digestOf('e'));
    expect(story.records.find(({ action }) => action === 'retrain')?.reason).toContain('Retrain (age)');
  });

  test('a policy that is changed while the first rules are read stays, and of two changes the last', async () => {
    const story = tellStory(pretend, 'early-change');
    const gates = { rules: Promise.withResolvers<void>(), first: Promise.withResolvers<void>() };
    const asked: (string | null)[] = [];
    pretend.change({
      openWatch: async ({ definitionSha256 }) => {
        asked.push(definitionSha256);
        if (definitionSha256 === null) await gates.rules.promise;
        if (definitionSha256 === digestOf('a')) await gates.first.promise;
        const plan = watchPlan({ pipeline: story.pipeline, everyMs: 30, definitionSha256: definitionSha256 ?? digestOf('d') });
        return { plan, cursor: newCursor() };
      },
    });
    const handle = await begin(story);
    const change = (definitionSha256: Sha256) =>
      handle.executeUpdate(changePolicyUpdate, { args: [{ ...word, definitionSha256 }] });
    const first = change(digestOf('a'));
    await until('the first change is being read', () => asked.includes(digestOf('a')));
    await change(digestOf('e'));
    gates.first.resolve();
    await first;
    gates.rules.resolve();
    await until('it looked', () => story.inputs.length > 0);
    expect(new Set(story.inputs.map(({ definitionSha256 }) => definitionSha256))).toEqual(new Set([digestOf('e')]));
  });

  test('without a champion it judges nothing, and a person may ask for the first', async () => {
    const story = tellStory(pretend, 'first', {}, {}, {});
    const nobody = { model: null, trainedAt: null, performance: null, dataTime: null };
    story.days(Array.from({ length: 400 }, () => nobody));
    const handle = await begin(story);
    await untilWatch(handle, 'it says so', ({ phase }) => phase === 'no champion');
    expect(await askForRetrain(world.client, story.pipeline, ask)).toMatchObject({ decision: 'retrain' });
    await until('the run ended', () => story.ended().length === 1);
    await untilWatch(handle, 'its end was heard', ({ run }) => run === null);
    expect(story.records.filter(({ kind }) => kind !== 'retrain')).toEqual([]);
  });

  test('without traffic nobody knows of labels, and a schedule is heard; without a champion too, and once', async () => {
    const story = tellStory(pretend, 'batch');
    const silent = { performance: null, dataTime: null };
    story.days(Array.from({ length: 400 }, () => silent));
    const handle = await begin(story);
    await untilWatch(handle, 'it looked', ({ championVersion }) => championVersion !== null);
    const timed: RetrainAskedFor = { by: 'schedule', reason: 'each Monday', trigger: 'schedule', despite: [] };
    expect(await askForRetrain(world.client, story.pipeline, timed)).toMatchObject({ decision: 'retrain' });
    await until('the run ended', () => story.ended().length === 1);
    const nobody = tellStory(pretend, 'untrained');
    nobody.days(Array.from({ length: 400 }, () => ({ ...silent, model: null, trainedAt: null })));
    await untilWatch(await begin(nobody), 'it says so', ({ phase }) => phase === 'no champion');
    expect(await askForRetrain(world.client, nobody.pipeline, timed)).toMatchObject({ decision: 'retrain' });
    await until('the first run ended', () => nobody.ended().length === 1);
    expect(await askForRetrain(world.client, nobody.pipeline, timed)).toMatchObject({
      decision: 'suppressed',
      reason: expect.stringMatching(/runs in progress|hours since the last run began/),
    });
  });

  test('a new champion is judged by its own profile', async () => {
    const story = tellStory(pretend, 'successor');
    story.days([
      ...days(3, 0.6),
      { model: modelOf(2), windows: [windowOf(3, 0.01, {}, 2)] },
      { model: modelOf(2), windows: [windowOf(4, 0.01, {}, 2)] },
    ]);
    const handle = await begin(story);
    const status = await untilWatch(handle, 'all windows', ({ windowsJudged }) => windowsJudged === 5);
    expect(status).toMatchObject({ championVersion: expect.any(Number), drift: expect.stringContaining('no alarm') });
    const last = story.records.filter(({ kind }) => kind === 'drift').at(-1);
    expect(last?.output).toMatchObject({ memory: { profileSha256: modelOf(2).profileSha256, alarm: false } });
    expect(story.inputs.at(-1)?.cursor.profileSha256).not.toBe(modelOf(1).profileSha256);
  });

  test('a breach of performance retrains, and a person is told once', async () => {
    const story = tellStory(pretend, 'worse');
    const verdict = (day: number) => ({
      ...windowOf(day).observation,
      reportSha256: digestOf('9'),
      performance: {
        outcome: 'fail' as const,
        reason: 'roc_auc, gain: upper 95% bound -0.05 < -0.02',
        inequalities: [],
        evidenceIds: ['roc_auc'],
      },
      calibration: null,
    });
    const matured = (day: number) => {
      const { from, to, reportSha256, performance, calibration } = verdict(day);
      return { windows: [], performance: labels({ windows: [{ from, to, reportSha256, performance, calibration }] }) };
    };
    story.days([matured(0), matured(1)]);
    const handle = await begin(story);
    await until('a run ended', () => story.ended().length === 1);
    await untilWatch(handle, 'it shows', ({ performance }) => performance?.startsWith('breach') === true);
    expect(story.records.find(({ action }) => action === 'retrain')?.reason).toContain('Retrain (performance)');
    expect(story.notices.filter(({ event }) => event === 'performance')).toHaveLength(1);
  });

  test('probabilities that are wrong are told to a person once, where the ranking holds', async () => {
    const story = tellStory(pretend, 'promises');
    const verdictOf = (outcome: 'pass' | 'fail', reason: string) => ({ outcome, reason, inequalities: [], evidenceIds: [] });
    const matured = (day: number) => {
      const { from, to } = windowOf(day).observation;
      const calibration = { remedy: 'recalibrate' as const, verdict: verdictOf('fail', 'calibration error 0.15 > 0.01') };
      const found = { from, to, reportSha256: digestOf('9'), performance: verdictOf('pass', 'roc_auc holds'), calibration };
      return { windows: [], performance: labels({ windows: [found] }) };
    };
    story.days([matured(0), matured(1)]);
    const handle = await begin(story);
    await until('both windows were judged', () => story.records.filter(({ action }) => action === 'miscalibrated').length === 2);
    await untilWatch(handle, 'it shows', ({ performance }) => performance?.startsWith('miscalibrated') === true);
    const told = story.notices.filter(({ event }) => event === 'performance');
    expect(told.map(({ text }) => text)).toEqual([expect.stringContaining('calibration error 0.15 > 0.01')]);
  });

  test('a look that fails is shown, and the next one mends it', async () => {
    const story = tellStory(pretend, 'stumbles');
    const well = pretend.cpu;
    expect(well).toBeDefined();
    let broken = true;
    const { measureWatch } = {
      measureWatch: async () =>
        broken ? Promise.reject(new PerennialError('PRN_OBJECT_CORRUPT', 'Cannot read the profile')) : { ...(await quietLook()) },
    };
    const quietLook = async () => (await import('./pretend-watch.ts')).measured(0);
    pretend.change({ measureWatch });
    const handle = await begin(story);
    await untilWatch(handle, 'the problem is shown', ({ problem }) => problem?.includes('Cannot read the profile') === true);
    await until('a person was told', () => story.notices.length > 0);
    const looks = pretend.called('measureWatch');
    await until('three more looks', () => pretend.called('measureWatch') >= looks + 3);
    expect(story.notices).toMatchObject([{ event: 'silent', text: expect.stringContaining('Cannot read the profile') }]);
    broken = false;
    await untilWatch(handle, 'it is mended', ({ problem, dataTime }) => problem === null && dataTime !== null);
    broken = true;
    await until('the next time is told of as well', () => story.notices.length === 2);
  });

  test('labels that cannot be measured are a problem and told once; windows are judged on', async () => {
    const story = tellStory(pretend, 'half-blind');
    const problem = 'Cannot measure labels: a part is damaged';
    story.days([...days(4, 0.01).map((day) => ({ ...day, performance: null, problem })), ...days(1, 0.01, 4)]);
    const handle = await begin(story);
    const status = await untilWatch(handle, 'all windows', ({ windowsJudged }) => windowsJudged === 5);
    expect(status.problem).toBeNull();
    expect(story.notices).toMatchObject([{ event: 'silent', text: `half-blind: ${problem}` }]);
    story.days([{ problem }, { problem }]);
    await until('the next time is told of as well', () => story.notices.length === 2);
  });

  test('that nobody can be told stops no decision, and loses none', async () => {
    const unsent = async () => Promise.reject(new PerennialError('PRN_SPEC_INVALID', 'Cannot notify of "unheard": unreadable'));
    const story = tellStory(pretend, 'unheard', {}, {}, { sendNotice: unsent });
    // All of it in one look: the first notice comes in the middle.
    story.days([{ windows: [...days(2, 0.01), ...days(3, 0.6, 2)].flatMap(({ windows }) => windows) }]);
    const handle = await begin(story);
    await until(
      'the run and its end are on record',
      () => story.records.some(({ subject, action }) => subject === story.ended()[0]?.runKey && action !== 'retrain'),
      () => story.records.map(({ reason }) => reason),
    );
    expect(await untilWatch(handle, 'its end was heard', ({ run }) => run === null)).toMatchObject({
      windowsJudged: 5,
      problem: null,
    });
    expect(story.records.filter(({ kind }) => kind === 'drift')).toHaveLength(5);
    expect(story.records.filter(({ action }) => action === 'retrain')).toHaveLength(1);
    expect(pretend.called('sendNotice')).toBeGreaterThan(1);
  });

  test('continues as new with its state, and loses no alert on the way', async () => {
    const story = tellStory(pretend, 'for-ever', { everyMs: 5 }, { on: [] });
    story.days(days(150, 0.01));
    const handle = await begin(story);
    const { runId: first } = await handle.describe();
    for (let at = 0; at < 300; at += 1)
      await handle.signal(alertReceivedSignal, { id: `a/${at}`, source: 'a', text: 'to be known', asksForRetrain: false });
    await untilWatch(
      handle,
      'all windows and alerts',
      ({ windowsJudged, alertsSeen }) => windowsJudged === 150 && alertsSeen === 300,
      120_000,
    );
    const described = await handle.describe();
    expect(described.runId).not.toBe(first);
    expect(described.historyLength).toBeLessThan(1_500);
    await until('all is recorded', () => story.records.filter(({ kind }) => kind === 'drift').length === 150);
    expect(new Set(story.records.map(({ key }) => key)).size).toBe(story.records.length);
    expect((await handle.query(decisionsQuery)).length).toBe(20);
    await handle.executeUpdate(endWatchUpdate, { args: [word] });
    await handle.result();
    expect((await handle.describe()).status.name).toBe('COMPLETED');
  }, 180_000);

  test('ended while it waits for a change of policy before it continues as new, it ends', async () => {
    const story = tellStory(pretend, 'ended-long', {}, { on: [] });
    const gate = Promise.withResolvers<void>();
    const handle = await begin(story);
    await until('it looked', () => story.looks() > 0);
    pretend.change({
      openWatch: async () => {
        await gate.promise;
        return { plan: watchPlan({ pipeline: story.pipeline, everyMs: 30 }), cursor: newCursor() };
      },
    });
    const changed = handle.executeUpdate(changePolicyUpdate, { args: [{ ...word, definitionSha256: digestOf('e') }] });
    const isLong = async () => (await handle.describe()).historyLength >= 1_000;
    for (let at = 0; !(await isLong()); at += 1)
      await handle.signal(alertReceivedSignal, { id: `b/${at}`, source: 'b', text: 'to be known', asksForRetrain: false });
    expect(await handle.executeUpdate(endWatchUpdate, { args: [word] })).toMatchObject({ phase: 'ending' });
    gate.resolve();
    await changed;
    await expect.poll(async () => (await handle.describe()).status.name, { timeout: 20_000 }).toBe('COMPLETED');
  }, 120_000);

  test('ends when it is told to, and a run under way goes on', async () => {
    const story = tellStory(pretend, 'ends');
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    pretend.change({
      ingestSources: async () => {
        await held;
        return { batchSha256: digestOf('1'), rows: 10, rejectedRows: 0, parts: 1, newParts: 1 };
      },
    });
    const handle = await begin(story);
    const { workflowId } = await askForRetrain(world.client, story.pipeline, ask);
    expect(await handle.executeUpdate(endWatchUpdate, { args: [word] })).toMatchObject({ phase: 'ending' });
    await handle.result();
    release();
    expect(await world.client.workflow.getHandle(workflowId as string).result()).toMatchObject({ verdict: 'promoted' });
  });

  test('refuses a state of another format', async () => {
    const start = watchStart('foreign' as never);
    const args = [{ format: 1, pipeline: 'foreign', state: { format: 2 } }];
    const ended = world.client.workflow.execute('watchDrift', { ...start, args });
    await expect(ended).rejects.toThrow(WorkflowFailedError);
    await expect(ended.catch((error: WorkflowFailedError) => Promise.reject(error.cause))).rejects.toMatchObject({
      type: 'PRN_INPUT_INVALID',
      message: expect.stringContaining('must have format 1: it has 2'),
    });
  });

  test('an update is heard by a watch that was started with it', async () => {
    const story = tellStory(pretend, 'woken');
    const answer = await askForRetrain(world.client, story.pipeline, ask);
    expect(answer.decision).toBe('retrain');
    const handle = world.client.workflow.getHandle<never>(watchStart(story.pipeline).workflowId) as unknown as WatchHandle;
    open.push(handle);
    expect(requestRetrainUpdate.name).toBe('requestRetrain');
    expect((await untilWatch(handle, 'a status', () => true)).pipeline).toBe('woken');
  });
});
