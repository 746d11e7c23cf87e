/**
 * Records one history for each situation of the `retrain` workflow: `node test/replay/record.ts [situation…]`.
 * Run it from the code that is deployed, never to make a failing replay pass: what fails is a run that is under way.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { PerennialError } from '#domain/errors.ts';
import { loadConfig } from '../../infra/config.ts';
import { findTemporalBinary } from '../../infra/temporal/binary.ts';
import { approvePromotionUpdate, rejectPromotionUpdate } from '../../workflows/messages.ts';
import { evaluation, type Over, planned, pretendSteps } from '../workflows/pretend.ts';
import { anyDigest, newRequest, openWorld, type RunHandle, untilStatus, type World } from '../workflows/world.ts';

type Situation = { readonly over?: Over; readonly gpuWorker?: false; during?(run: RunHandle, world: World): Promise<unknown> };

const waitsForPerson = (run: RunHandle) => untilStatus(run, 'waits for approval', ({ waitingFor }) => waitingFor !== null);
const word = { by: 'grace', reason: 'a person said so' };
const untilCancelled: Over['trainCandidate'] = (_input, { signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

/** Named for what happens, not for what is tested. */
const situations: Readonly<Record<string, Situation>> = {
  'promotes-a-candidate-that-passes': {},
  'data-break-a-check': {
    over: {
      validateBatch: async () => ({
        reportSha256: anyDigest(),
        rows: 10,
        rejectedRows: 0,
        quarantinedRows: 0,
        failures: ['rows per day: 12 >= 1000'],
        warnings: 0,
      }),
    },
  },
  'gate-says-fail': { over: { evaluateCandidate: async () => evaluation('fail') } },
  'gate-says-inconclusive': { over: { evaluateCandidate: async () => evaluation('inconclusive') } },
  'waits-for-a-gpu-worker': {
    gpuWorker: false,
    over: { countPollers: async () => ({ pollers: 0 }) },
    during: async (run, world) => {
      await untilStatus(run, 'waits for a worker', ({ waitingFor }) => waitingFor !== null);
      await world.startGpuWorker();
    },
  },
  'nobody-takes-the-training': {
    gpuWorker: false,
    over: { admitRetrain: planned({ gpuWaitMs: 1_000 }), countPollers: async () => ({ pollers: 0 }) },
  },
  'cancelled-while-training': {
    over: { trainCandidate: untilCancelled },
    during: async (run) => {
      await untilStatus(run, 'trains', ({ stages }) => stages.some(({ stage }) => stage === 'train'));
      await run.cancel();
    },
  },
  'a-person-approves': {
    over: { admitRetrain: planned({ approvalWithinMs: 60_000 }) },
    during: async (run) => {
      await waitsForPerson(run);
      await run.executeUpdate(approvePromotionUpdate, { args: [word] });
    },
  },
  'a-person-rejects': {
    over: { admitRetrain: planned({ approvalWithinMs: 60_000 }) },
    during: async (run) => {
      await waitsForPerson(run);
      await run.executeUpdate(rejectPromotionUpdate, { args: [word] });
    },
  },
  'nobody-approves': { over: { admitRetrain: planned({ approvalWithinMs: 300 }) } },
  'servers-refuse-and-roll-back': {
    over: {
      confirmServing: async () => ({ confirmed: false, servers: 1, serving: 0, refused: 1, reason: 'golden row 3 differs' }),
    },
  },
  'no-server-is-alive': {
    over: {
      admitRetrain: planned({ confirmWithinMs: 300 }),
      confirmServing: async () => ({ confirmed: false, servers: 0, serving: 0, refused: 0, reason: 'No server is alive' }),
    },
  },
  'a-step-cannot-go-on': {
    over: {
      buildFeatures: async () => {
        throw new PerennialError('PRN_FEATURE_LEAKAGE', 'Cannot use "total" as it alone reaches 0.999: at most 0.99');
      },
    },
  },
};

/** Host names, process numbers and file paths of the recording machine are nobody's business, and replay needs none. */
const withoutMachine = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutMachine);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'stackTrace')
      .map(([key, inner]) => [key, key === 'identity' ? 'perennial' : withoutMachine(inner)]),
  );
};

const folder = fileURLToPath(new URL('histories/', import.meta.url));

const record = async (name: string, { over, gpuWorker, during }: Situation, binary: string): Promise<void> => {
  const pretend = pretendSteps();
  pretend.change(over ?? {});
  const world = await openWorld(pretend, { binary, gpuWorker: gpuWorker ?? true });
  try {
    const run = await world.start(newRequest());
    await during?.(run, world);
    await run.result().catch(() => {});
    const history = withoutMachine(JSON.parse(historyToJSON(await run.fetchHistory())));
    writeFileSync(`${folder}${name}.json`, `${JSON.stringify(history).replaceAll(`@${hostname()}`, '@machine')}\n`);
    process.stdout.write(`recorded ${name}\n`);
  } finally {
    await world.close();
  }
};

mkdirSync(folder, { recursive: true });
const asked = process.argv.slice(2);
const { path } = await findTemporalBinary(loadConfig(), (line) => process.stderr.write(`${line}\n`));
for (const [name, situation] of Object.entries(situations)) {
  if (asked.length === 0 || asked.includes(name)) await record(name, situation, path);
}
process.exit();
