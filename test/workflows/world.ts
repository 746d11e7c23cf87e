/**
 * A Temporal server of its own with our three queues, for one test file: queue names are fixed, so worlds cannot share
 * one. Knows nothing of vitest: `test/replay/record.ts` uses it too.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection, type WorkflowHandle, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { DefaultLogger, type NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import type { RetrainOutcome, RetrainRequest } from '#domain/contracts/retrain.ts';
import type { RolloutRequest } from '#domain/contracts/rollout.ts';
import type { PipelineName, RunKey, Sha256 } from '#domain/units.ts';
import { loadConfig } from '../../infra/config.ts';
import { startTemporal } from '../../infra/temporal/server.ts';
import { ensureBundle } from '../../workers/bundle.ts';
import { connectWorker, createWorker, type WorkerPlace } from '../../workers/runtime.ts';
import type { RetrainStatus, RolloutStatus } from '../../workflows/messages.ts';
import { retrainWorkflowId, rollOutWorkflowId, taskQueues } from '../../workflows/names.ts';
import type { retrain } from '../../workflows/retrain.ts';
import type { rollOut } from '../../workflows/roll-out.ts';
import type { CpuSteps, GpuSteps } from '../../workflows/steps.ts';

export type RunHandle = WorkflowHandle<typeof retrain>;
export type RolloutHandle = WorkflowHandle<typeof rollOut>;
export type World = {
  readonly client: Client;
  /** Where its Temporal listens, for programs of their own. */
  readonly address: string;
  readonly connection: NativeConnection;
  /** Starts a run as the command does; a request with the same run key attaches. */
  start(request: RetrainRequest): Promise<RunHandle>;
  run(request: RetrainRequest): Promise<RetrainOutcome>;
  /** Starts a rollout by hand, as a workflow of its own. */
  rollOut(request: RolloutRequest): Promise<WorkflowHandleWithFirstExecutionRunId<typeof rollOut>>;
  startGpuWorker(): Promise<void>;
  stopGpuWorker(): Promise<void>;
  close(): Promise<void>;
};

const quietRuntime = (): void => {
  try {
    Runtime.install({
      logger: new DefaultLogger('ERROR'),
      telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' } } },
    });
  } catch {
    // Another world of this process installed it.
  }
};

type Running = { readonly worker: Worker; readonly ended: Promise<void> };
const launch = (worker: Worker): Running => ({ worker, ended: worker.run() });
const halt = async (running: Running | null): Promise<void> => {
  if (running === null) return;
  if (running.worker.getState() === 'RUNNING') running.worker.shutdown();
  await running.ended;
};

export const openWorld = async (
  steps: { cpu: CpuSteps; gpu: GpuSteps },
  options: { binary: string; gpuWorker?: boolean; tracing?: WorkerPlace['tracing'] },
): Promise<World> => {
  quietRuntime();
  const folder = mkdtempSync(join(tmpdir(), 'perennial-world-'));
  const { binary } = options;
  const server = await startTemporal({
    binary,
    dbFilename: null,
    uiPort: null,
    namespace: 'default',
    logFile: join(folder, 'temporal.log'),
  });
  const connection = await connectWorker({ temporalAddress: server.address, temporalNamespace: 'default' });
  const clientConnection = await Connection.connect({ address: server.address });
  const client = new Client({ connection: clientConnection });
  const place = { connection, endpoints: { temporalNamespace: 'default' }, tracing: options.tracing ?? null };
  const codePath = await ensureBundle(loadConfig().cacheDir);
  const running = [
    launch(await createWorker('flow', taskQueues.flow, place, { workflowBundle: { codePath } })),
    launch(await createWorker('cpu', taskQueues.cpu, place, { activities: steps.cpu })),
  ];
  let gpu: Running | null = null;
  const startGpuWorker = async (): Promise<void> => {
    gpu = launch(
      await createWorker('gpu', taskQueues.gpu, place, { activities: steps.gpu, maxConcurrentActivityTaskExecutions: 1 }),
    );
  };
  const stopGpuWorker = async (): Promise<void> => {
    await halt(gpu);
    gpu = null;
  };
  if (options.gpuWorker ?? true) await startGpuWorker();
  const start = (request: RetrainRequest): Promise<RunHandle> =>
    client.workflow.start<typeof retrain>('retrain', {
      workflowId: retrainWorkflowId(request.pipeline, request.runKey),
      taskQueue: taskQueues.flow,
      args: [request],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      staticSummary: `Retrain ${request.pipeline}: ${request.trigger.reason}`,
    });
  const startRollOut: World['rollOut'] = (request) =>
    client.workflow.start<typeof rollOut>('rollOut', {
      workflowId: rollOutWorkflowId(request.pipeline, request.version),
      taskQueue: taskQueues.flow,
      args: [request],
    });
  return {
    client,
    address: server.address,
    connection,
    start,
    rollOut: startRollOut,
    run: async (request) => (await start(request)).result(),
    startGpuWorker,
    stopGpuWorker,
    close: async () => {
      await Promise.all([...running.map(halt), stopGpuWorker()]);
      await Promise.all([connection.close(), clientConnection.close()]);
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
export const newRunKey = (): RunKey => hex(8) as RunKey;
export const anyDigest = (): Sha256 => hex(32) as Sha256;

export const newRequest = (over: Partial<RetrainRequest> = {}): RetrainRequest => ({
  format: 1,
  pipeline: 'churn' as PipelineName,
  runKey: newRunKey(),
  definitionSha256: anyDigest(),
  codeVersion: '0123456789abcdef',
  listingSha256: anyDigest(),
  cutoff: null,
  trigger: { kind: 'command', by: 'ada', reason: 'a test' },
  ...over,
});

/** Asks the run's query until it says what is wanted; the failure names what it said last. */
export const untilStatus = async (
  run: RunHandle,
  what: string,
  wanted: (status: RetrainStatus) => boolean,
  withinMs = 50_000,
): Promise<RetrainStatus> => {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const status = await run.query<RetrainStatus>('status');
    if (wanted(status)) return status;
    if (performance.now() > deadline) throw new Error(`Expected "${what}", last status was ${JSON.stringify(status)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};

/** The same of a rollout; a query that finds no rollout yet is asked again. */
export const untilRollout = async (
  run: RolloutHandle,
  what: string,
  wanted: (status: RolloutStatus) => boolean,
  withinMs = 50_000,
): Promise<RolloutStatus> => {
  const deadline = performance.now() + withinMs;
  for (let last: unknown = null; ; ) {
    try {
      const status = await run.query<RolloutStatus>('status');
      if (wanted(status)) return status;
      last = status;
    } catch (error) {
      last = (error as Error).message;
    }
    if (performance.now() > deadline) throw new Error(`Expected "${what}", last status was ${JSON.stringify(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};
