/**
 * The steps of a rollout, pretended: servers that follow at once, and traffic that grows with every look. What
 * candidates do wrong is said by `over`.
 */
import type { CanaryPolicy, CanarySegment, GuardrailName } from '#domain/contracts/canary.ts';
import type { Evidence } from '#domain/contracts/evidence.ts';
import type { RolloutObservation, RolloutPlan, RolloutRequest, StrategyRules } from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
import { assessCanary } from '#domain/stats/sequential/assess-canary.ts';
import type { PipelineName, Sha256, VersionNumber } from '#domain/units.ts';
import type { RolloutSteps } from '../../workflows/rollout-steps.ts';

/** Two steps and all traffic; steps last as long as their requests take. */
export const rolloutPolicy = (over: Partial<CanaryPolicy> = {}): CanaryPolicy => ({
  steps: [0.1, 0.5, 1],
  atLeastMs: 0,
  requests: 200,
  exposure: 200,
  guardrails: [{ name: 'errors', alpha: 0.01, margin: 0.25, allowance: 0.001, floor: 0.05, floorAlpha: 0.001, designEffect: 1 }],
  splitAlpha: 0.001,
  deadlineMs: 3_600_000,
  atDeadline: 'roll back',
  silenceMs: 600_000,
  patienceMs: 600_000,
  ...over,
});

export const rolloutRequest = (over: Partial<RolloutRequest> = {}): RolloutRequest => ({
  format: 1,
  pipeline: 'churn' as PipelineName,
  version: 2 as VersionNumber,
  definitionSha256: 'd'.repeat(64) as Sha256,
  championVersion: 1 as VersionNumber,
  by: 'ada',
  reason: 'the gate passed',
  ...over,
});

export const rolloutPlan = (
  rolloutId: string,
  request: RolloutRequest,
  over: Partial<Omit<RolloutPlan, 'policy'>> & { policy?: Partial<CanaryPolicy> } = {},
): RolloutPlan => {
  const policy = rolloutPolicy(over.policy);
  return {
    format: 1,
    rolloutId,
    request,
    strategy: 'canary',
    rules: { kind: 'canary' },
    firstShare: policy.steps[0] as number,
    by: [],
    latencyMs: null,
    look: { firstMs: 20, lastMs: 40 },
    confirmWithinMs: 2_000,
    continueAfterEvents: 1_000,
    ...over,
    policy,
  };
};

/** What strategies but canaries ask for. */
export const strategies: Readonly<
  Record<'blue/green' | 'shadow' | 'a/b', { policy: Partial<CanaryPolicy>; rules: StrategyRules; firstShare: number }>
> = {
  'blue/green': { policy: { steps: [1] }, rules: { kind: 'blue/green' }, firstShare: 1 },
  shadow: {
    policy: { steps: [0.2 / 1.2], splitAlpha: null },
    rules: { kind: 'shadow', mirrored: 0.2, disagreement: 0.1, alpha: 0.05 },
    firstShare: 0.2,
  },
  'a/b': { policy: { steps: [0.5] }, rules: { kind: 'a/b', alpha: 0.05 }, firstShare: 0.5 },
};

/** Rates of errors, and requests in each look at a share. */
export type Traffic = {
  readonly perLook?: number;
  readonly candidateErrors?: number;
  readonly championErrors?: number;
  /** Share that servers apply in truth; absent: what is set. */
  readonly applied?: number;
};

const arm = (requests: number, errors: number): CanarySegment['candidate'] => ({
  requests,
  units: requests,
  events: { errors: Math.min(requests, Math.round(errors * requests)) } as Record<GuardrailName, number>,
});

export const segmentOf = (share: number, looks: number, traffic: Traffic): CanarySegment => {
  const all = (traffic.perLook ?? 1_000) * looks;
  const candidate = Math.round(all * (traffic.applied ?? share));
  return {
    share,
    candidate: arm(candidate, traffic.candidateErrors ?? 0.001),
    champion: arm(all - candidate, traffic.championErrors ?? 0.001),
  };
};

export const quiet: Pick<RolloutObservation, 'servers' | 'agreement' | 'labels' | 'ended'> = {
  servers: { refused: null, behind: null },
  agreement: null,
  labels: null,
  ended: null,
};

export const interval = (what: string, lower: number, upper: number): Evidence => ({
  id: what,
  what,
  kind: 'interval',
  estimate: (lower + upper) / 2,
  lower,
  upper,
  confidence: 0.95,
  sides: 'two',
  standardError: 0.01,
  method: 'pretended',
  rows: 1_000,
});

type Place = { plan: RolloutPlan; share: number; generation: number; looks: number; ended: RolloutObservation['ended'] };

type RollBackPlan = Awaited<ReturnType<RolloutSteps['planRollBack']>>;

/** What a roll-back finds while that rollout runs beside version 1. */
export const planTakingBack =
  (rollout: RollBackPlan['rollout']): RolloutSteps['planRollBack'] =>
  async (input) => ({
    request: input as never,
    rollout,
    to: null,
    championVersion: 1 as VersionNumber,
    confirmWithinMs: 2_000,
  });

export type RolloutTruth = {
  readonly steps: RolloutSteps;
  /** Of all rollouts that began, by id. */
  readonly places: ReadonlyMap<string, Place>;
  /** What the traffic does from now on. */
  traffic(now: Traffic): void;
  plan(over: Parameters<typeof rolloutPlan>[2]): void;
  observe(over: Partial<RolloutObservation> | null): void;
};

const placeOf = (places: ReadonlyMap<string, Place>, rolloutId: string): Place => {
  const found = places.get(rolloutId);
  if (found === undefined) throw new PerennialError('PRN_NOT_FOUND', `Rollout ${rolloutId} never began`);
  return found;
};

/** Remembers shares and ends as PostgreSQL would. */
export const pretendRollout = (): RolloutTruth => {
  const places = new Map<string, Place>();
  let traffic: Traffic = {};
  let planned: Parameters<typeof rolloutPlan>[2] = {};
  let seen: Partial<RolloutObservation> | null = null;
  const steps: RolloutSteps = {
    planRollout: async ({ rolloutId, request }) => rolloutPlan(rolloutId, request, planned),
    beginRollout: async ({ plan }) => {
      const share = plan.policy.steps[0] as number;
      if (!places.has(plan.rolloutId)) places.set(plan.rolloutId, { plan, share, generation: 2, looks: 0, ended: null });
      return { generation: 2 };
    },
    shiftTraffic: async ({ rolloutId, share, expectedGeneration }) => {
      const place = placeOf(places, rolloutId);
      if (place.share !== share) Object.assign(place, { share, generation: expectedGeneration + 1, looks: 0 });
      return { generation: place.generation };
    },
    observeRollout: async ({ rolloutId, elapsedMs }) => {
      const place = placeOf(places, rolloutId);
      place.looks += 1;
      const segment = segmentOf(place.share, place.looks, traffic);
      const assessment = assessCanary([segment], place.plan.policy);
      return { ...quiet, canary: { kind: 'counted', elapsedMs, segment, assessment }, ended: place.ended, ...seen };
    },
    endRollout: async ({ rolloutId, end, reason }) => {
      const place = placeOf(places, rolloutId);
      if (place.ended !== null && place.ended.end !== end) {
        throw new PerennialError('PRN_DEPLOY_CONFLICT', `Rollout ${rolloutId} was ${place.ended.end}`);
      }
      place.ended ??= { end, generation: place.generation + 1, reason };
      return { generation: place.ended.generation };
    },
    undoPromotion: async ({ rolloutId, reason }) => {
      const place = placeOf(places, rolloutId);
      if (place.ended === null) throw new PerennialError('PRN_DEPLOY_CONFLICT', `Rollout ${rolloutId} runs`);
      const { end, generation } = place.ended;
      if (end === 'promoted') place.ended = { end: 'rolled back', generation: generation + 1, reason };
      return { generation: place.ended.generation };
    },
    countHarm: async () => ({ requests: 120, events: 30, above: 29.9, byGuardrail: { errors: 30 } }),
    planRollBack: async (input) => ({
      request: input as never,
      rollout: null,
      to: 1 as VersionNumber,
      championVersion: 2 as VersionNumber,
      confirmWithinMs: 2_000,
    }),
    restoreChampion: async ({ expectedGeneration }) => ({ generation: expectedGeneration + 1 }),
  };
  return {
    steps,
    places,
    traffic: (now) => {
      traffic = now;
    },
    plan: (over) => {
      planned = over;
    },
    observe: (over) => {
      seen = over;
    },
  };
};
