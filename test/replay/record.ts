/**
 * Records one history for each situation of a workflow: `node test/replay/record.ts [situation…]`.
 * Run it from the code that is deployed, never to make a failing replay pass: what fails is a run that is under way.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, VersionNumber } from '#domain/units.ts';
import { loadConfig } from '../../infra/config.ts';
import { findTemporalBinary } from '../../infra/temporal/binary.ts';
import {
  approvePromotionUpdate,
  dataArrivedSignal,
  holdUpdate,
  promoteUpdate,
  rejectPromotionUpdate,
  resumeUpdate,
  rollBackUpdate,
  rolloutEndedSignal,
} from '../../workflows/messages.ts';
import {
  refreshViewsWorkflowId,
  retentionScheduleId,
  rollBackWorkflowId,
  taskQueues,
  workflowTypes,
} from '../../workflows/names.ts';
import type { rollBack } from '../../workflows/roll-back.ts';
import { evaluation, type Over, type Pretend, planned, pretendSteps } from '../workflows/pretend.ts';
import { interval, planTakingBack, quiet, type RolloutTruth, rolloutRequest, strategies } from '../workflows/pretend-rollout.ts';
import {
  anyDigest,
  newRequest,
  openWorld,
  type RolloutHandle,
  type RunHandle,
  untilRollout,
  untilStatus,
  type World,
} from '../workflows/world.ts';
import { watchSituations } from './watch-situations.ts';

type Situation = {
  readonly over?: Over;
  readonly gpuWorker?: false;
  during?(run: RunHandle, world: World, pretend: Pretend): Promise<unknown>;
  /** Another workflow than `retrain`, whose history is recorded; the newest run where it continued as new. */
  start?(world: World, pretend: Pretend): Promise<WorkflowHandle>;
};

const waitsForPerson = (run: RunHandle) => untilStatus(run, 'waits for approval', ({ waitingFor }) => waitingFor !== null);
const word = { by: 'grace', reason: 'a person said so' };
const untilCancelled: Over['trainCandidate'] = (_input, { signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

/** Rollouts: by what traffic and servers do, and what people say meanwhile. */
const rollsOut = (
  prepare: (truth: RolloutTruth) => void,
  during: (run: RolloutHandle, truth: RolloutTruth) => Promise<unknown> = async () => {},
): Situation => ({
  start: async (world, pretend) => {
    prepare(pretend.rollout());
    const run = await world.rollOut(rolloutRequest());
    await during(run, pretend.rollout());
    return run;
  },
});
const runs = (run: RolloutHandle) => untilRollout(run, 'runs', ({ phase }) => phase === 'running');
const little = (truth: RolloutTruth): void => truth.traffic({ perLook: 1 });
const says = (update: typeof holdUpdate) => async (run: RolloutHandle) => {
  await runs(run);
  await run.executeUpdate(update, { args: [word] });
};
const agreement = { compared: 5_000, disagreed: 100, evidence: interval('share of answers that differ', 0.01, 0.03) };
const takesBack = (over: Over): Situation => ({
  over,
  start: (world) =>
    world.client.workflow.start<typeof rollBack>('rollBack', {
      workflowId: rollBackWorkflowId('churn' as PipelineName, 5),
      taskQueue: taskQueues.flow,
      args: [{ format: 1, pipeline: 'churn' as PipelineName, generation: 5, to: null, ...word }],
    }),
});

/** Its workflow is gone. */
const taken: Over = {
  planRollBack: planTakingBack({ id: 'churn/2/gone', version: 2 as VersionNumber, workflowId: 'roll-out/churn/2' }),
  endRollout: async () => ({ generation: 6 }),
};

const rollouts: Readonly<Record<string, Situation>> = {
  'rollout-is-promoted': rollsOut(() => {}),
  'rollout-does-harm': rollsOut((truth) => truth.traffic({ candidateErrors: 0.2, perLook: 2_000 })),
  'rollout-is-held-then-resumed': rollsOut(little, async (run, truth) => {
    await says(holdUpdate)(run);
    truth.traffic({});
    await says(resumeUpdate)(run);
  }),
  'rollout-is-promoted-by-a-person': rollsOut(little, says(promoteUpdate)),
  'rollout-is-rolled-back-by-a-person': rollsOut(little, says(rollBackUpdate)),
  'rollout-meets-its-deadline': rollsOut((truth) => {
    little(truth);
    truth.plan({ policy: { deadlineMs: 1_500 } });
  }),
  'rollout-hears-nothing': rollsOut((truth) => {
    truth.traffic({ perLook: 0 });
    truth.plan({ policy: { silenceMs: 500, patienceMs: 1_000 } });
  }),
  'rollout-is-cancelled': rollsOut(little, async (run) => {
    await runs(run);
    await run.cancel();
  }),
  'rollout-is-refused-by-a-server': rollsOut((truth) =>
    truth.observe({ ...quiet, servers: { refused: 'Server "a" refused generation 2: golden row 3', behind: null } }),
  ),
  'rollout-is-ended-by-somebody-else': rollsOut(little, async (run, truth) => {
    await runs(run);
    for (const place of truth.places.values()) place.ended = { end: 'rolled back', generation: 7, reason: 'ada: complaints' };
    await run.signal(rolloutEndedSignal);
  }),
  'rollout-continued-as-new': rollsOut(
    (truth) => {
      little(truth);
      truth.plan({ continueAfterEvents: 60, look: { firstMs: 1, lastMs: 1 } });
    },
    async (run, truth) => {
      const { runId } = await run.describe();
      while ((await run.describe()).runId === runId) await new Promise((resolve) => setTimeout(resolve, 50));
      truth.traffic({});
    },
  ),
  'rollout-blue-green': rollsOut((truth) => truth.plan({ strategy: 'blue/green', ...strategies['blue/green'] })),
  'rollout-in-the-shadow': rollsOut((truth) => {
    truth.plan({ strategy: 'shadow', ...strategies.shadow });
    truth.observe({ ...quiet, agreement });
  }),
  'rollout-on-labels': rollsOut((truth) => {
    truth.plan({ strategy: 'a/b', ...strategies['a/b'] });
    truth.observe({ ...quiet, labels: interval('gain in roc_auc', 0.003, 0.02) });
  }),
  'promotion-is-refused-and-undone': {
    ...rollsOut(() => {}),
    over: {
      confirmServing: async ({ generation }) => ({
        confirmed: generation !== 5,
        servers: 1,
        serving: generation === 5 ? 0 : 1,
        refused: generation === 5 ? 1 : 0,
        reason: generation === 5 ? 'golden row 3 differs' : 'served by 1 of 1 server',
      }),
    },
  },
  'champion-is-rolled-back': takesBack({}),
  'rollout-is-taken-back': takesBack(taken),
  'rollout-is-taken-back-and-people-are-told': takesBack(taken),
};

/** Named for what happens, not for what is tested. */
const situations: Readonly<Record<string, Situation>> = {
  ...rollouts,
  ...watchSituations,
  'a-night-of-the-retention': {
    start: (world) =>
      world.client.workflow.start(workflowTypes.applyRetention, {
        workflowId: retentionScheduleId,
        taskQueue: taskQueues.flow,
        args: [{ format: 1 }],
      }),
  },
  'data-arrive-and-are-published': {
    start: (world) =>
      world.client.workflow.signalWithStart(workflowTypes.refreshViews, {
        workflowId: refreshViewsWorkflowId('churn' as PipelineName),
        taskQueue: taskQueues.flow,
        args: [{ format: 1, pipeline: 'churn' as PipelineName }],
        signal: dataArrivedSignal,
        signalArgs: [{ what: 'a file' }],
      }),
  },
  'champion-gets-the-newest-values-first': {},
  'candidate-is-rolled-out-and-promoted': {},
  'candidate-does-harm-in-its-rollout': {
    start: async (world, pretend) => {
      pretend.rollout().traffic({ candidateErrors: 0.2, perLook: 2_000 });
      return world.start(newRequest());
    },
  },
  'cancelled-while-rolling-out': {
    start: async (world, pretend) => {
      little(pretend.rollout());
      const run = await world.start(newRequest());
      await untilStatus(run, 'rolls out', ({ stages }) => stages.some(({ stage, note }) => stage === 'promote' && note !== ''));
      await run.cancel();
      return run;
    },
  },
  'first-champion-is-promoted-directly': {
    over: { evaluateCandidate: async () => ({ ...evaluation('pass'), championVersion: null }) },
  },
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
  'nobody-approves-and-people-are-told': { over: { admitRetrain: planned({ approvalWithinMs: 300 }) } },
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

const record = async (name: string, { over, gpuWorker, during, start }: Situation, binary: string): Promise<void> => {
  const pretend = pretendSteps();
  pretend.change(over ?? {});
  const world = await openWorld(pretend, { binary, gpuWorker: gpuWorker ?? true });
  try {
    const run = start === undefined ? await world.start(newRequest()) : await start(world, pretend);
    await during?.(run as RunHandle, world, pretend);
    await run.result().catch(() => {});
    const newest = world.client.workflow.getHandle(run.workflowId);
    const history = withoutMachine(JSON.parse(historyToJSON(await newest.fetchHistory())));
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
