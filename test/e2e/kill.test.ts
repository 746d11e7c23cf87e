/** One run, on real servers and worker processes, while all of them are killed one after the other: kill -9, no warning. */
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StageName } from '#domain/contracts/retrain.ts';
import type { PipelineName, RunKey, VersionNumber } from '#domain/units.ts';
import { migrateToLatest } from '../../infra/postgres/migrate.ts';
import { type PostgresServer, startPostgres } from '../../infra/postgres/server.ts';
import { findPort } from '../../infra/state/ports.ts';
import { type ServerProcess, startServerProcess } from '../../infra/state/server-process.ts';
import { connectTemporal, type TemporalConnection } from '../../infra/temporal/client.ts';
import { startTemporal, type TemporalServer } from '../../infra/temporal/server.ts';
import type { WorkerRole } from '../../workers/runtime.ts';
import { promoteUpdate } from '../../workflows/messages.ts';
import { rollOutWorkflowId } from '../../workflows/names.ts';
import { describeWithServers, testFolder, testTemporal } from '../support/servers.ts';
import { openRealPlace, type RealPlace } from '../workflows/real.ts';

const root = resolve(import.meta.dirname, '../..');
const pipeline = 'survivor' as PipelineName;
type Victim = { readonly pid: number; readonly ended: Promise<unknown> };

const kill = async ({ pid, ended }: Victim): Promise<void> => {
  process.kill(pid, 'SIGKILL');
  await ended;
};

/** False where it has ended by itself since it was seen. */
const strikeOne = (pid: number): boolean => {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
};

/** From the kernel where it says so, else from pgrep: small images have no pgrep, and a Mac has no /proc. */
const childrenOf = async (pid: number): Promise<number[]> => {
  const listed = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(async () => {
    const found = await promisify(execFile)('pgrep', ['-P', String(pid)]).catch(() => ({ stdout: '' }));
    return found.stdout;
  });
  return listed.trim().split(/\s+/).filter(Boolean).map(Number);
};

describeWithServers('a run survives the death of', () => {
  const { folder, close: removeFolder } = testFolder();
  let ports: { postgres: number; temporal: number };
  let postgres: PostgresServer;
  let temporal: TemporalServer;
  let connected: TemporalConnection;
  let place: RealPlace;
  const workers = new Map<WorkerRole, ServerProcess>();
  const deaths: string[] = [];

  const launchPostgres = async (): Promise<void> => {
    const [dataDir, outsideDir] = [join(folder, 'postgres'), join(folder, 'outside')];
    mkdirSync(outsideDir, { recursive: true });
    postgres = await startPostgres({
      dataDir,
      outsideDir,
      logFile: join(folder, 'postgres.log'),
      port: ports.postgres,
      database: 'perennial',
    });
  };
  const launchTemporal = async (): Promise<void> => {
    const { binary, namespace } = testTemporal();
    const [dbFilename, logFile] = [join(folder, 'temporal.db'), join(folder, 'temporal.log')];
    temporal = await startTemporal({ binary, dbFilename, port: ports.temporal, uiPort: null, namespace, logFile });
  };
  const environment = () => ({
    ...process.env,
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: temporal.address,
    PERENNIAL_STATE_DIR: join(folder, 'state'),
    PERENNIAL_STORE: join(folder, 'store'),
    PERENNIAL_MEMORY_MIB: '256',
    PERENNIAL_THREADS: '1',
    PERENNIAL_LOG_LEVEL: 'warn',
  });
  const launchWorker = async (role: WorkerRole): Promise<void> => {
    let ready = (): void => {};
    const polling = new Promise<void>((done) => {
      ready = done;
    });
    const logFile = join(folder, `${role}.log`);
    const words = [join(root, 'workers/cli/main.ts'), 'worker', role];
    const worker = await startServerProcess(process.execPath, words, { logFile, env: environment(), onMessage: ready });
    workers.set(role, worker);
    const ended = worker.exited.then(() => Promise.reject(new Error(`The ${role} worker ended early: ${worker.logTail()}`)));
    await Promise.race([polling, ended]);
    ended.catch(() => {});
  };
  const victim = (role: WorkerRole): Victim => {
    const { identity, exited } = workers.get(role) as ServerProcess;
    return { pid: identity.pid, ended: exited };
  };

  beforeAll(async () => {
    ports = { postgres: await findPort(), temporal: await findPort() };
    await Promise.all([launchPostgres(), launchTemporal()]);
    await migrateToLatest(postgres.url);
    await Promise.all((['flow', 'cpu', 'gpu'] as const).map(launchWorker));
    connected = await connectTemporal({ temporalAddress: temporal.address, temporalNamespace: temporal.namespace });
    place = openRealPlace(
      { databaseUrl: postgres.url, store: { kind: 'directory', folder: join(folder, 'store') } },
      folder,
      async () => 1,
    );
  }, 120_000);
  afterAll(async () => {
    await Promise.all([place?.close(), connected?.close()]);
    await Promise.all([...workers.values()].map((worker) => worker.stop('SIGTERM', 20_000)));
    await Promise.all([temporal?.stop(), postgres?.stop()]);
    removeFolder();
  }, 120_000);

  /** Waits for a stage to have begun, so that the blow falls into the middle of it. */
  const during = async (runKey: RunKey, stage: StageName, what: string, blow: () => Promise<void>): Promise<void> => {
    const stages = () => place.context.runs.stages(runKey).catch(() => []);
    await expect.poll(async () => (await stages()).map((seen) => seen.stage), { timeout: 90_000, interval: 10 }).toContain(stage);
    const state = (await stages()).find((seen) => seen.stage === stage)?.state;
    deaths.push(`${what} (${stage} ${state})`);
    await blow();
  };

  const killTrainer = async (): Promise<void> => {
    const gpu = victim('gpu').pid;
    const strike = async () => (await childrenOf(gpu)).map(strikeOne).includes(true);
    await expect.poll(strike, { timeout: 30_000, interval: 10 }).toBe(true);
  };

  test('every worker, the trainer, Temporal and PostgreSQL, and ends with exactly one version', async () => {
    const overrides = ['training.parameters.max_iterations=300', 'training.parameters.tolerance=0'];
    const run = await place.start(connected.client, pipeline, { rows: 20_000, overrides });
    await during(run.runKey, 'ingest', 'the flow worker', async () => {
      await kill(victim('flow'));
      await launchWorker('flow');
    });
    await during(run.runKey, 'features', 'the cpu worker', async () => {
      await kill(victim('cpu'));
      await launchWorker('cpu');
    });
    await during(run.runKey, 'train', 'the trainer', killTrainer);
    await during(run.runKey, 'train', 'the gpu worker', async () => {
      await kill(victim('gpu'));
      await launchWorker('gpu');
    });
    await during(run.runKey, 'train', 'Temporal', async () => {
      await kill({ pid: temporal.identity.pid, ended: temporal.exited });
      await launchTemporal();
    });
    await during(run.runKey, 'evaluate', 'PostgreSQL', async () => {
      await kill({ pid: postgres.identity.pid, ended: postgres.exited });
      await launchPostgres();
    });
    const outcome = await run.outcome();
    process.stderr.write(`killed: ${deaths.join(', ')}\n`);

    expect(outcome).toMatchObject({ verdict: 'promoted', modelVersion: 1 });
    const { registry, deployments, runs, audit } = place.context;
    expect(await registry.list(pipeline)).toHaveLength(1);
    expect(await registry.promotions(pipeline)).toHaveLength(1);
    expect(await deployments.get(pipeline)).toMatchObject({ generation: 1, champion: { version: 1 } });
    expect((await runs.get(run.runKey))?.result).toEqual(outcome);
    expect((await runs.stages(run.runKey)).filter(({ state }) => state !== 'done')).toEqual([]);
    expect(await audit.verifyChain()).toMatchObject({ holds: true });
  }, 240_000);

  test('and workers that are asked to stop do so by themselves', async () => {
    for (const role of ['flow', 'cpu', 'gpu'] as const) {
      const worker = workers.get(role) as ServerProcess;
      process.kill(worker.identity.pid, 'SIGTERM');
      expect(await worker.exited, role).toEqual({ exitCode: 0, signal: null });
      await launchWorker(role);
    }
  }, 60_000);

  test('and the next run, undisturbed, makes the next version', async () => {
    const run = await place.start(connected.client, pipeline, { rows: 20_000, seed: 2 });
    // Nobody serves here, and a rollout that sees nothing waits: a person answers for it.
    const answer = { by: 'ada', reason: 'no server is there to look at' };
    const rollout = connected.client.workflow.getHandle(rollOutWorkflowId(pipeline, 2 as VersionNumber));
    const told = () =>
      rollout.executeUpdate(promoteUpdate, { args: [answer] }).then(
        () => 'told',
        (error: Error) => error.message,
      );
    await expect.poll(told, { timeout: 90_000, interval: 500 }).toBe('told');
    expect(await run.outcome()).toMatchObject({ verdict: 'promoted', modelVersion: 2 });
  }, 180_000);
});
