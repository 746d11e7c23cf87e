import type { CanarySegment } from '#domain/contracts/canary.ts';
import type { Harmed, RolloutPlan } from '#domain/contracts/rollout.ts';
import type { RolloutRef } from '../../workflows/rollout-steps.ts';
import type { CpuDeps } from '../deps.ts';
import { readRollout } from './observe.ts';
import { toSegments } from './segments.ts';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Events of the candidate beyond what the champion's rate at the same share would have given; never below none. */
const aboveChampion = ({ candidate, champion }: CanarySegment, name: keyof Harmed['byGuardrail']): number => {
  const rate = champion.requests === 0 ? 0 : (champion.events[name] ?? 0) / champion.requests;
  return Math.max(0, (candidate.events[name] ?? 0) - rate * candidate.requests);
};

/** What those met whom the candidate answered. In a shadow nobody did. One request may break several guardrails and counts once. */
export const measureHarm = ({ rules, policy }: RolloutPlan, segments: readonly CanarySegment[]): Harmed => {
  if (rules.kind === 'shadow') return { requests: 0, events: 0, above: 0, byGuardrail: {} };
  const names = policy.guardrails.map(({ name }) => name);
  const byGuardrail = Object.fromEntries(
    names.map((name) => [name, sum(segments.map(({ candidate }) => candidate.events[name] ?? 0))]),
  );
  return {
    requests: sum(segments.map(({ candidate }) => candidate.requests)),
    events: Math.max(0, ...Object.values(byGuardrail)),
    above: Math.max(0, ...names.map((name) => sum(segments.map((segment) => aboveChampion(segment, name))))),
    byGuardrail,
  };
};

export const createCountHarm =
  (deps: Pick<CpuDeps, 'rollouts' | 'tallies'>) =>
  async (input: RolloutRef): Promise<Harmed> => {
    const { plan, segments, totals } = await readRollout(deps, input);
    const harmed = measureHarm(plan, toSegments(plan, segments, totals));
    await deps.rollouts.recordHarm(input.rolloutId, harmed);
    return harmed;
  };
