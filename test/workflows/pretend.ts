/**
 * The port's pretend, for branches that real steps cannot reach on purpose: a step that never ends, a verdict of a kind,
 * servers that refuse. It keeps a list of what was called, in order.
 */
import type { RetrainOutcome, RetrainPlan, RetrainRequest } from '#domain/contracts/retrain.ts';
import type { Verdict, VerdictOutcome } from '#domain/contracts/verdict.ts';
import type { VersionNumber } from '#domain/units.ts';
import { createBoundary } from '../../activities/boundary.ts';
import type { StepContext } from '../../activities/step-context.ts';
import type { CpuSteps, GpuSteps, Steps } from '../../workflows/steps.ts';
import { pretendRollout, type RolloutTruth } from './pretend-rollout.ts';
import { quietWatch } from './pretend-watch.ts';
import { anyDigest } from './world.ts';

export type Pretend = {
  readonly cpu: CpuSteps;
  readonly gpu: GpuSteps;
  readonly calls: { readonly step: keyof Steps; readonly input: unknown }[];
  readonly outcomes: RetrainOutcome[];
  /** Traffic and servers of rollouts. */
  readonly rollout: () => RolloutTruth;
  /** Replaces steps until `reset`. */
  change(over: Over): void;
  /** Everything goes well again, and nothing was called. */
  reset(): void;
  called(step: keyof Steps): number;
};
export type Over = {
  [Name in keyof Steps]?: (input: Parameters<Steps[Name]>[0], context: StepContext) => ReturnType<Steps[Name]>;
};

export const verdict = (outcome: VerdictOutcome): Verdict => ({
  outcome,
  reason: `roc_auc 0.71 against at least 0.6: ${outcome}`,
  inequalities: [{ what: 'roc_auc', left: 0.71, operator: '>=', right: 0.6, holds: outcome === 'pass' }],
  evidenceIds: [],
});

const day = 86_400_000;
/** An admit step that answers with a plan of its own. */
export const planned =
  (over: Partial<RetrainPlan> = {}) =>
  async (request: unknown): Promise<RetrainPlan> => ({
    ...(request as RetrainRequest),
    trainer: 'reference',
    trainTimeoutMs: 60_000,
    gpuWaitMs: day,
    approvalWithinMs: null,
    confirmWithinMs: 2_000,
    ...over,
  });

export const evaluation = (outcome: VerdictOutcome) => ({
  reportSha256: anyDigest(),
  modelSha256: anyDigest(),
  championVersion: 1 as VersionNumber,
  championGeneration: 1,
  metrics: { roc_auc: 0.71 },
  verdict: verdict(outcome),
});

/** Every step goes well and the gate passes. */
const wellBehaved = (outcomes: RetrainOutcome[], rollout: RolloutTruth): Required<Over> => ({
  ...rollout.steps,
  admitRetrain: planned(),
  ingestSources: async () => ({ batchSha256: anyDigest(), rows: 31234, rejectedRows: 2, parts: 4, newParts: 1 }),
  validateBatch: async () => ({
    reportSha256: anyDigest(),
    rows: 31232,
    rejectedRows: 2,
    quarantinedRows: 0,
    failures: [],
    warnings: 0,
  }),
  freezeSnapshot: async () => ({ snapshotSha256: anyDigest(), rows: 31232, bytes: 1_000_000, sharedParts: 3, newParts: 1 }),
  buildFeatures: async () => ({
    frameSha256: anyDigest(),
    featureSetSha256: anyDigest(),
    trainRows: 30000,
    holdoutRows: 1232,
    columns: 9,
  }),
  trainCandidate: async () => ({ trainingKey: anyDigest(), resultSha256: anyDigest(), onnxSha256: anyDigest(), durationMs: 5 }),
  evaluateCandidate: async () => evaluation('pass'),
  registerCandidate: async () => ({ version: 2 as VersionNumber, stage: 'registered' }),
  publishFeatures: async () => ({ rows: 12 }),
  promoteVersion: async () => ({ generation: 2, previousChampion: 1 as VersionNumber }),
  confirmServing: async () => ({
    confirmed: true,
    servers: 1,
    serving: 1,
    refused: 0,
    reason: 'generation 2 is served by 1 of 1 server',
  }),
  rollBackPromotion: async () => ({ generation: 3, previousChampion: 2 as VersionNumber }),
  countPollers: async () => ({ pollers: 1 }),
  recordStage: async () => {},
  finishRun: async (outcome) => {
    outcomes.push(outcome);
  },
  ...quietWatch(),
  publishServed: async () => ({ rows: 12 }),
  refreshViews: async () => ({ kind: 'published', snapshotSha256: anyDigest(), rows: 12 }),
  expireData: async () => ({
    pipelines: 2,
    predictions: 31_234,
    labels: 7,
    snapshots: 1,
    runs: 0,
    objects: 12,
    held: [],
    problems: [],
  }),
  recordDecision: async () => {},
  sendNotice: async () => ({ addressees: 0 }),
});

export const pretendSteps = (): Pretend => {
  const calls: Pretend['calls'] = [];
  const outcomes: RetrainOutcome[] = [];
  let rollout = pretendRollout();
  let current = wellBehaved(outcomes, rollout);
  const step = createBoundary();
  const steps = Object.fromEntries(
    (Object.keys(current) as (keyof Steps)[]).map((name) => [
      name,
      step((input: never, context) => {
        calls.push({ step: name, input });
        return (current[name] as (input: never, context: StepContext) => Promise<unknown>)(input, context);
      }),
    ]),
  ) as unknown as Steps;
  const { trainCandidate, ...cpu } = steps;
  return {
    cpu,
    gpu: { trainCandidate },
    calls,
    outcomes,
    rollout: () => rollout,
    change: (over) => {
      current = { ...current, ...over };
    },
    reset: () => {
      rollout = pretendRollout();
      current = wellBehaved(outcomes, rollout);
      calls.length = 0;
      outcomes.length = 0;
    },
    called: (name) => calls.filter((call) => call.step === name).length,
  };
};
