import type { CanaryPolicy, GuardrailName, GuardrailPolicy } from '../../contracts/canary.ts';
import type { RolloutSpec } from '../../contracts/pipeline-spec/operation.ts';

/** A wrong split makes the whole comparison worthless, so it must be all but certain. */
const splitAlpha = 0.001;
/** Shared by the floors; a candidate far below them is in no danger of it. */
const floorAlpha = 0.001;
/** Beyond these shares no champion is an excuse, where the pipeline names none. */
const floorsByDefault: Partial<Record<GuardrailName, number>> = { errors: 0.05 };
/** With a bound of its own, "p99 above 50 ms" is broken where more than 1 % of the answers are slower. */
const sharesBeyondBound: Partial<Record<GuardrailName, number>> = { latency_p95: 0.05, latency_p99: 0.01 };

type Asked = NonNullable<RolloutSpec['guardrails'][GuardrailName]>;

/**
 * The rules of a rollout, from what the pipeline file says. The chance of a false alarm is divided among the guardrails,
 * a critical one (errors, where nothing else is said) having two shares; so the sum is the rollout's `alpha`.
 *
 * Throws RangeError without a guardrail, for a canary that watches nothing would promote anything, and for a floor of 0
 * or 1: the first is broken by one event, the second by none.
 */
export const canaryPolicyOf = (rollout: RolloutSpec): CanaryPolicy => {
  const asked = Object.entries(rollout.guardrails).filter(([, one]) => one !== undefined) as [GuardrailName, Asked][];
  if (asked.length === 0) throw new RangeError('Cannot roll out as there must be a guardrail: there is none');
  const weights = asked.map(([name, one]) => ((one.critical ?? name === 'errors') ? 2 : 1));
  const all = weights.reduce((sum: number, weight) => sum + weight, 0);
  const floors = asked.map(([name, one]) => floorOf(name, one));
  const floored = floors.filter((floor) => floor !== null).length;
  const guardrails = asked.map(
    ([name, one], place): GuardrailPolicy => ({
      name,
      alpha: (rollout.alpha * (weights[place] as number)) / all,
      margin: one.margin ?? rollout.margin,
      allowance: rollout.allowance,
      floor: floors[place] as number | null,
      floorAlpha: floorAlpha / Math.max(1, floored),
      designEffect: 1,
    }),
  );
  return { ...timesOf(rollout), steps: [...rollout.steps], guardrails, splitAlpha };
};

const timesOf = (rollout: RolloutSpec) => ({
  atLeastMs: rollout.step.at_least,
  requests: rollout.step.requests,
  exposure: rollout.step.exposure ?? rollout.step.requests,
  deadlineMs: rollout.deadline,
  atDeadline: rollout.at_deadline,
  silenceMs: rollout.patience.silence,
  patienceMs: rollout.patience.hold,
});

const floorOf = (name: GuardrailName, { above }: Asked): number | null => {
  if (above === undefined) return floorsByDefault[name] ?? null;
  const floor = sharesBeyondBound[name] ?? above;
  if (floor > 0 && floor < 1) return floor;
  throw new RangeError(`Cannot hold ${name} against a floor as it must be a share in (0, 1): it is ${floor}`);
};
