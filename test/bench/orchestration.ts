/**
 * What durability costs: milliseconds from one durable step to the next, with the server as we start it (database file and
 * in memory), with a worker of the plain SDK on the same server, with the server's own defaults, and for the bare steps
 * without Temporal. All in one run, in turns: what the plain SDK takes is the machine's and Temporal's, the rest is ours.
 * Parameters: [steps a turn, 60] [turns, 3].
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, type NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createBoundary } from '../../activities/boundary.ts';
import { loadConfig } from '../../infra/config.ts';
import { findPort } from '../../infra/state/ports.ts';
import { startServerProcess } from '../../infra/state/server-process.ts';
import { findTemporalBinary } from '../../infra/temporal/binary.ts';
import { startTemporal } from '../../infra/temporal/server.ts';
import { createTracingPlugin } from '../../infra/temporal/telemetry.ts';
import { connectWorker, createWorker } from '../../workers/runtime.ts';
import { taskQueues } from '../../workflows/names.ts';
import { median } from '../support/median.ts';

/** At most, from one step to the next, with the database file that `perennial up` uses. */
const goalMs = 12;

const ourName = 'our flags, database file';
const plainName = 'our flags, plain SDK, one worker';

/** About what the smallest real step does besides its statement: hash something small. */
const touch = async (n: number): Promise<number> => {
  createHash('sha256').update(String(n)).digest('hex');
  return n + 1;
};

type Place = { readonly name: string; msPerStep(steps: number): Promise<number>; close(): Promise<void> };

const barePlace: Place = {
  name: 'bare steps, no Temporal',
  msPerStep: async (steps) => {
    const startedAt = performance.now();
    let n = 0;
    for (let step = 0; step < steps; step += 1) n = await touch(n);
    return (performance.now() - startedAt) / steps;
  },
  close: async () => {},
};

type Server = { readonly address: string; stop(): Promise<void> };

/** The development server as its own manual starts it. */
const startWithDefaults = async (binary: string, folder: string): Promise<Server> => {
  const port = await findPort();
  const flags = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--headless', '--log-level', 'error'];
  const server = await startServerProcess(binary, flags, { logFile: join(folder, 'defaults.log') });
  const address = `127.0.0.1:${port}`;
  for (let tries = 0; ; tries += 1) {
    const connection = await Connection.connect({ address, connectTimeout: 500 }).catch(() => null);
    const known = await connection?.workflowService.describeNamespace({ namespace: 'default' }).catch(() => null);
    await connection?.close();
    if (known) return { address, stop: () => server.stop('SIGTERM', 10_000) };
    if (tries > 200) throw new Error(`Cannot start Temporal with its defaults: ${server.logTail()}`);
  }
};

type Kind = {
  /** The workflow's code, bundled. */
  readonly code: string;
  readonly startsOn: string;
  openWorkers(connection: NativeConnection, code: string): Promise<Worker[]>;
};

const workflowsPath = fileURLToPath(new URL('workflows/step-after-step.ts', import.meta.url));
const logger = new DefaultLogger('WARN');

/** Workers as `perennial up` starts them: flow and steps on queues of their own. */
const openOurs = async (): Promise<Kind> => ({
  code: (await bundleWorkflowCode({ workflowsPath, plugins: [createTracingPlugin()], logger })).code,
  startsOn: taskQueues.flow,
  openWorkers: async (connection, code) => {
    const at = { connection, endpoints: { temporalNamespace: 'default' } };
    return [
      await createWorker('flow', taskQueues.flow, at, { workflowBundle: { code } }),
      await createWorker('cpu', taskQueues.cpu, at, { activities: { touch: createBoundary()(touch) } }),
    ];
  },
});

/** One worker for both, so that the server may hand it a step in its answer; no tracing, no boundary. */
const openPlain = async (): Promise<Kind> => ({
  code: (await bundleWorkflowCode({ workflowsPath, logger })).code,
  startsOn: taskQueues.cpu,
  openWorkers: async (connection, code) => [
    await Worker.create({
      connection,
      namespace: 'default',
      taskQueue: taskQueues.cpu,
      workflowBundle: { code },
      activities: { touch },
    }),
  ],
});

const openPlace = async (name: string, server: Server, { code, startsOn, openWorkers }: Kind): Promise<Place> => {
  const connection = await connectWorker({ temporalAddress: server.address, temporalNamespace: 'default' });
  const clientConnection = await Connection.connect({ address: server.address });
  const client = new Client({ connection: clientConnection });
  const workers = await openWorkers(connection, code);
  const ended = workers.map((worker) => worker.run());
  let turn = 0;
  return {
    name,
    msPerStep: async (steps) => {
      turn += 1;
      const startedAt = performance.now();
      const options = { workflowId: `bench/${turn}`, taskQueue: startsOn, args: [steps] };
      const answer: unknown = await client.workflow.execute('stepAfterStep', options);
      if (answer !== steps) throw new Error(`Expected ${steps} steps, the workflow took ${String(answer)}`);
      return (performance.now() - startedAt) / steps;
    },
    close: async () => {
      for (const worker of workers) worker.shutdown();
      await Promise.all(ended);
      await Promise.all([connection.close(), clientConnection.close()]);
      await server.stop();
    },
  };
};

const openPlaces = async (folder: string): Promise<Place[]> => {
  const binary = await findTemporalBinary(loadConfig(), (line) => process.stderr.write(`${line}\n`));
  const [ours, plain] = [await openOurs(), await openPlain()];
  const startOurs = (dbFilename: string | null) =>
    startTemporal({
      binary: binary.path,
      ...(binary.knowsNewsFlag !== undefined && { knowsNewsFlag: binary.knowsNewsFlag }),
      dbFilename: dbFilename === null ? null : join(folder, dbFilename),
      uiPort: null,
      namespace: 'default',
      logFile: join(folder, `ours-${dbFilename ?? 'memory'}.log`),
    });
  return [
    await openPlace(ourName, await startOurs('temporal.db'), ours),
    await openPlace(plainName, await startOurs('plain.db'), plain),
    await openPlace('our flags, in memory', await startOurs(null), ours),
    await openPlace("the server's defaults, in memory", await startWithDefaults(binary.path, folder), ours),
    barePlace,
  ];
};

/** Takes turns, so that whatever else the machine does falls on all of them. The first turn warms up and is not counted. */
const measure = async (places: readonly Place[], steps: number, turns: number): Promise<Map<string, number[]>> => {
  const found = new Map<string, number[]>(places.map(({ name }) => [name, []]));
  for (let turn = 0; turn <= turns; turn += 1) {
    for (const place of places) {
      const ms = await place.msPerStep(turn === 0 ? 10 : steps);
      if (turn > 0) found.get(place.name)?.push(ms);
    }
  }
  return found;
};

const report = (found: Map<string, number[]>): boolean => {
  for (const [name, values] of found) {
    const [least, middle, most] = [Math.min(...values), median(values), Math.max(...values)].map((ms) => ms.toFixed(3));
    process.stdout.write(`${name.padEnd(36)} ${middle} ms a step (${least} to ${most})\n`);
  }
  const [reached, plain] = [ourName, plainName].map((name) => median(found.get(name) as number[])) as [number, number];
  const holds = reached <= goalMs;
  const sign = holds ? styleText('green', '<=') : styleText('red', '>');
  process.stdout.write(`goal: ${reached.toFixed(1)} ms ${sign} ${goalMs} ms with the database file\n`);
  process.stdout.write(`${(reached / plain).toFixed(2)} of a worker of the plain SDK on the same server and machine\n`);
  return holds;
};

export const run = async ([steps = '60', turns = '3']: readonly string[]): Promise<void> => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' } } },
  });
  // A reader that leaves (`| head`) must not leave three servers behind.
  process.stdout.on('error', () => {});
  const folder = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
  const places = await openPlaces(folder);
  try {
    process.exitCode = report(await measure(places, Number(steps), Number(turns))) ? 0 : 3;
  } finally {
    await Promise.all(places.map((place) => place.close()));
    await Runtime.instance().shutdown();
    rmSync(folder, { recursive: true, force: true });
  }
};
