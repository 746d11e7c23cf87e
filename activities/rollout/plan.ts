/** Fixes what a rollout goes by; the only door for its unparsed input. */
import { z } from 'zod';
import type { CanaryPolicy } from '#domain/contracts/canary.ts';
import type { RolloutSpec } from '#domain/contracts/pipeline-spec/operation.ts';
import {
  type RolloutPlan,
  type RolloutRequest,
  rolloutIdSchema,
  rolloutRequestSchema,
  type StrategyRules,
} from '#domain/contracts/rollout.ts';
import { canaryPolicyOf } from '#domain/decide/canary/canary-policy.ts';
import { PerennialError } from '#domain/errors.ts';
import { minuteMs, type PipelineName, secondMs } from '#domain/units.ts';
import { parseStoredDefinition } from '../../infra/schemas/stored-definition.ts';
import type { CpuDeps } from '../deps.ts';
import { boundLatency, measureLatency } from './latency-bounds.ts';

type PlanDeps = Pick<CpuDeps, 'definitions' | 'deployments' | 'registry' | 'tallies'>;

const inputSchema = z.strictObject({ rolloutId: rolloutIdSchema, request: rolloutRequestSchema });

/** Chance that the share of differing answers, or the gain on labels, is ever outside its bounds. */
const sideAlpha = 0.05;

/**
 * How long servers that are alive have to follow the end of a rollout. Shorter, and a server in a garbage collection looks
 * like one that refuses; longer, and nobody is told of one that does.
 */
const confirmWithinMs = 2 * minuteMs;

/** Some seventy looks. Fewer, and a rollout of a day is a chain of hundreds; more, and every replay of one takes seconds. */
const continueAfterEvents = 1_000;

const parseInput = (input: unknown): { rolloutId: string; request: RolloutRequest } => {
  const parsed = inputSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new PerennialError('PRN_INPUT_INVALID', `Cannot roll out from this input: ${z.prettifyError(parsed.error)}`);
};

const readSpec = async (deps: PlanDeps, { pipeline, definitionSha256 }: RolloutRequest): Promise<RolloutSpec> => {
  const found = await deps.definitions.find(definitionSha256);
  if (found?.pipeline === pipeline) return parseStoredDefinition(found.file, `roll out of "${pipeline}"`).rollout;
  throw new PerennialError(
    'PRN_DEFINITION_UNKNOWN',
    `Cannot roll out a version of "${pipeline}" as its definition must have been applied: "${definitionSha256}" was not`,
  );
};

/** Of the events of both arms, the share that falls to a candidate which answers a share of the champion's requests too. */
const shareOfEvents = (mirrored: number): number => mirrored / (1 + mirrored);

const policyOf = (spec: RolloutSpec): CanaryPolicy => {
  const first = spec.steps[0] as number;
  const steps = { canary: spec.steps, 'blue/green': [1], shadow: [shareOfEvents(first)], 'a/b': [first] }[spec.strategy];
  try {
    const policy = canaryPolicyOf({ ...spec, steps: steps as RolloutSpec['steps'] });
    // A server that has too much to do drops shadows first: fewer of them than were set are no mistake.
    return spec.strategy === 'shadow' ? { ...policy, splitAlpha: null } : policy;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new PerennialError('PRN_SPEC_INVALID', error.message, { cause: error });
  }
};

const rulesOf = ({ strategy, steps, shadow }: RolloutSpec): StrategyRules => {
  if (strategy === 'shadow') {
    const mirrored = steps[0] as number;
    return { kind: 'shadow', mirrored, disagreement: shadow?.disagreement ?? null, alpha: sideAlpha };
  }
  return strategy === 'a/b' ? { kind: 'a/b', alpha: sideAlpha } : { kind: strategy };
};

const refuseBlind = ({ strategy, steps }: RolloutSpec, policy: CanaryPolicy): void => {
  if (strategy === 'blue/green' && policy.guardrails.every(({ floor }) => floor === null)) {
    const message = 'Cannot roll out blue/green as a guardrail must have a floor ("above"): nobody is left to compare with';
    throw new PerennialError('PRN_SPEC_INVALID', message);
  }
  if (strategy === 'a/b' && steps[0] === 1) {
    throw new PerennialError(
      'PRN_SPEC_INVALID',
      'Cannot compare on labels as the first step must be below 100%: it is all traffic',
    );
  }
};

/**
 * The first look comes as soon as counters can have been told, later ones at growing distances. Shorter, and a long
 * rollout looks at the same counters over and over; longer, and harm goes on for as long.
 */
const lookOf = ({ atLeastMs, silenceMs }: CanaryPolicy): RolloutPlan['look'] => {
  const between = (least: number, value: number, most: number) => Math.round(Math.min(most, Math.max(least, value)));
  const firstMs = between(250, Math.min(atLeastMs / 10, silenceMs / 10), 5 * secondMs);
  return { firstMs, lastMs: between(firstMs, Math.min(atLeastMs / 4, silenceMs / 4), minuteMs) };
};

/** The champion's answers since it serves, at most so many generations back. */
const generationsAskedFor = 200;

const championLatency = async (deps: PlanDeps, pipeline: PipelineName) => {
  const { generation, champion } = await deps.deployments.get(pipeline);
  const first = Math.max(1, generation - generationsAskedFor + 1);
  const generations = Array.from({ length: generation - first + 1 }, (_, index) => first + index);
  const totals = await deps.tallies.arms(pipeline, generations);
  const own = totals.filter((one) => one.arm === 'champion' && one.modelSha256 === champion?.modelSha256);
  return measureLatency(own.map(({ latency }) => latency));
};

export const createPlanRollout =
  (deps: PlanDeps) =>
  async (input: unknown): Promise<RolloutPlan> => {
    const { rolloutId, request } = parseInput(input);
    const spec = await readSpec(deps, request);
    const policy = policyOf(spec);
    refuseBlind(spec, policy);
    const rules = rulesOf(spec);
    return {
      format: 1,
      rolloutId,
      request,
      strategy: spec.strategy,
      rules,
      policy,
      firstShare: rules.kind === 'shadow' ? rules.mirrored : (policy.steps[0] as number),
      by: spec.by,
      latencyMs: boundLatency(spec.guardrails, await championLatency(deps, request.pipeline)),
      look: lookOf(policy),
      confirmWithinMs,
      continueAfterEvents,
    };
  };
