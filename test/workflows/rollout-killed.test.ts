/** Rollouts on a real database by real worker processes, which are killed (kill -9) at one point after the other. */
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RolloutOutcome } from '#domain/contracts/rollout.ts';
import type { VersionNumber } from '#domain/units.ts';
import { type ServerProcess, startServerProcess } from '../../infra/state/server-process.ts';
import { connectTemporal, type TemporalConnection } from '../../infra/temporal/client.ts';
import { startTemporal, type TemporalServer } from '../../infra/temporal/server.ts';
import { verifyDeployments } from '../../infra/verify/deployments.ts';
import { runRollBack } from '../../workers/cli/start-roll-back.ts';
import type { WorkerRole } from '../../workers/runtime.ts';
import { rollOutWorkflowId, taskQueues } from '../../workflows/names.ts';
import type { rollOut } from '../../workflows/roll-out.ts';
import { serveTraffic, type Traffic } from '../activities/rollout/serve-traffic.ts';
import { flights, openRolloutWorld, type RolloutWorld, version } from '../activities/rollout/world.ts';
import { describeWithServers, testFolder, testTemporal } from '../support/servers.ts';

const root = resolve(import.meta.dirname, '../..');
/** Each step in a moment, or never. */
const [rules, slow] = (['1s', '10h'] as const).map((at_least) => ({ steps: [0.1, 0.5, 1], step: { at_least, requests: 100 } }));
const roles = ['flow', 'cpu'] as const;

describeWithServers('a rollout whose workers are killed', () => {
  const { folder, close: removeFolder } = testFolder();
  let world: RolloutWorld;
  let temporal: TemporalServer;
  let connected: TemporalConnection;
  const workers = new Map<WorkerRole, ServerProcess>();
  let traffic: Traffic;

  const launch = async (role: WorkerRole): Promise<void> => {
    let ready = (): void => {};
    const polling = new Promise<void>((done) => {
      ready = done;
    });
    const env = {
      ...process.env,
      DATABASE_URL: world.bench.url,
      TEMPORAL_ADDRESS: temporal.address,
      PERENNIAL_STATE_DIR: join(folder, 'state'),
      PERENNIAL_STORE: join(folder, 'store'),
      PERENNIAL_LOG_LEVEL: 'warn',
    };
    const words = [join(root, 'workers/cli/main.ts'), 'worker', role];
    const worker = await startServerProcess(process.execPath, words, {
      logFile: join(folder, `${role}.log`),
      env,
      onMessage: ready,
    });
    workers.set(role, worker);
    const early = worker.exited.then(() => Promise.reject(new Error(`The ${role} worker ended early: ${worker.logTail()}`)));
    await Promise.race([polling, early]);
    early.catch(() => {});
  };
  const killAll = async (): Promise<void> => {
    for (const role of roles) {
      const { identity, exited } = workers.get(role) as ServerProcess;
      process.kill(identity.pid, 'SIGKILL');
      await exited;
    }
    await Promise.all(roles.map(launch));
  };

  beforeAll(async () => {
    const { binary, namespace } = testTemporal();
    world = await openRolloutWorld();
    const files = { dbFilename: null, logFile: join(folder, 'temporal.log') };
    temporal = await startTemporal({ binary, ...files, uiPort: null, namespace });
    connected = await connectTemporal({ temporalAddress: temporal.address, temporalNamespace: temporal.namespace });
    traffic = serveTraffic(world);
    await Promise.all(roles.map(launch));
  }, 120_000);
  afterAll(async () => {
    await traffic?.stop();
    await Promise.all([...workers.values()].map((worker) => worker.stop('SIGTERM', 20_000)));
    await connected?.close();
    await temporal?.stop();
    await world?.bench.end();
    removeFolder();
  }, 60_000);

  const start = async (candidate: number, champion: number, by: unknown = rules) => {
    const request = await world.request(by, { version: version(candidate), championVersion: version(champion) });
    return connected.client.workflow.start<typeof rollOut>('rollOut', {
      workflowId: rollOutWorkflowId(flights, candidate as VersionNumber),
      taskQueue: taskQueues.flow,
      args: [request],
    });
  };
  /** Also where it has more by now: a step may be over before a busy machine looks. */
  const untilShare = (rolloutsBefore: number, share: number) => {
    const shares = async () => {
      const [newest, ...before] = await world.deps.rollouts.list(flights);
      return before.length < rolloutsBefore ? [] : newest?.segments.map((segment) => segment.share);
    };
    return expect.poll(shares, { timeout: 120_000, interval: 20 }).toContain(share);
  };
  /** One champion, nobody beside it, and every generation told of. */
  const allHolds = async (champion: number, outcome: RolloutOutcome): Promise<void> => {
    const deployment = await world.deps.deployments.get(flights);
    expect(deployment).toMatchObject({ generation: outcome.generation, champion: { version: champion }, rollout: null });
    const findings = await verifyDeployments({ db: world.bench.db, registry: world.deps.registry } as never);
    expect(findings.filter(({ holds }) => !holds)).toEqual([]);
  };

  test('after every step ends promoted: one champion, each share once', async () => {
    const run = await start(2, 1);
    for (const share of [0.1, 0.5, 1]) {
      await untilShare(0, share);
      await killAll();
    }
    const outcome = await run.result();
    expect(outcome).toMatchObject({ end: 'promoted', version: 2 });
    await allHolds(2, outcome);
    const [rollout] = await world.deps.rollouts.list(flights);
    expect(rollout?.segments.map(({ share }) => share)).toEqual([0.1, 0.5, 1, 1]);
  }, 300_000);

  test('while harm is done still takes the candidate back, and counts whom it met', async () => {
    traffic.candidateErrors = 0.5;
    const run = await start(3, 2);
    await untilShare(1, 0.1);
    await killAll();
    const outcome = await run.result();
    expect(outcome).toMatchObject({ end: 'rolled back', version: 3 });
    expect(outcome.harmed?.events).toBeGreaterThan(0);
    expect(outcome.harmed?.requests).toBeGreaterThanOrEqual(outcome.harmed?.events ?? 0);
    await allHolds(2, outcome);
    traffic.candidateErrors = 0;
  }, 300_000);

  test('is taken back by a person without waiting for anybody but a worker', async () => {
    const run = await start(3, 2, slow);
    await untilShare(2, 0.1);
    await killAll();
    const { generation } = await world.deps.deployments.get(flights);
    const request = { format: 1, pipeline: flights, generation, to: null, by: 'grace', reason: 'complaints' } as const;
    const [taken, outcome] = await Promise.all([runRollBack(connected.client, request), run.result()]);
    expect(taken).toMatchObject({ championVersion: 2, takenBack: 3, confirmed: true });
    expect(outcome).toMatchObject({ end: 'rolled back', reason: 'grace: complaints' });
    await allHolds(2, outcome);
  }, 300_000);
});
