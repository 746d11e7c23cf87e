/** One look at a rollout: counters to evidence, and what servers report. */
import type { CanaryObservation, CanarySegment } from '#domain/contracts/canary.ts';
import type { Evidence } from '#domain/contracts/evidence.ts';
import {
  type Agreement,
  type RolloutObservation,
  type RolloutPlan,
  type RolloutRecord,
  rolloutPlanSchema,
} from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
import { assessCanary } from '#domain/stats/sequential/assess-canary.ts';
import { boundEventShare } from '#domain/stats/sequential/rate-ratio.ts';
import type { ArmTotal } from '../../infra/postgres/tally-totals.ts';
import type { RolloutRef } from '../../workflows/rollout-steps.ts';
import type { CpuSteps } from '../../workflows/steps.ts';
import type { CpuDeps } from '../deps.ts';
import { reportAgeMs } from './report-age.ts';
import { toSegments } from './segments.ts';
import { compareServers } from './servers.ts';

export type RolloutDeps = Pick<CpuDeps, 'deployments' | 'rollouts' | 'tallies' | 'compareArmsOnLabels'>;

/** The rollout as it is kept, its plan, and what was counted in it. Throws PRN_NOT_FOUND. */
export const readRollout = async (deps: Pick<CpuDeps, 'rollouts' | 'tallies'>, { pipeline, rolloutId }: RolloutRef) => {
  const record = await deps.rollouts.get(rolloutId);
  if (record?.pipeline !== pipeline) {
    throw new PerennialError('PRN_NOT_FOUND', `Cannot find rollout "${rolloutId}" of "${pipeline}" as it never began`);
  }
  // The last segment of one that ended is the end itself: nobody counts for a rollout there.
  const segments = record.state === 'running' ? record.segments : record.segments.slice(0, -1);
  const totals = await deps.tallies.arms(
    pipeline,
    segments.map(({ generation }) => generation),
  );
  return { record, plan: rolloutPlanSchema.parse(record.policy), segments, totals };
};

const observeCounters = (plan: RolloutPlan, segments: readonly CanarySegment[], servers: number, elapsedMs: number) => {
  if (servers === 0) return { kind: 'nothing', elapsedMs, reason: 'no server is alive' } as const;
  const segment = segments.at(-1) as CanarySegment;
  return { kind: 'counted', elapsedMs, segment, assessment: assessCanary(segments, plan.policy) } as const;
};

/** Smaller, and an interval from no rows is wide on the wrong side; the prior weighs as much as ten answers. */
const expectedDisagreement = 0.05;

const boundDisagreement = (compared: number, disagreed: number, alpha: number, expected: number): Evidence => {
  const id = 'shadow/disagreement';
  const what = "share of answers that differ from the champion's";
  if (compared === 0) return { id, what, kind: 'insufficient', reason: 'no answer was compared', rows: 0 };
  const { lower, upper } = boundEventShare({ share: expected, candidate: disagreed, champion: compared - disagreed }, alpha);
  const estimate = disagreed / compared;
  return {
    id,
    what,
    kind: 'interval',
    estimate,
    lower,
    upper,
    confidence: 1 - alpha,
    sides: 'two',
    standardError: Math.sqrt((estimate * (1 - estimate)) / compared),
    method: 'confidence sequence of counts (Lindon and Malek)',
    rows: compared,
  };
};

const compareAnswers = ({ rules }: RolloutPlan, totals: readonly ArmTotal[]): Agreement | null => {
  if (rules.kind !== 'shadow') return null;
  const told = totals.flatMap(({ shadow }) => (shadow === null ? [] : [shadow]));
  const compared = told.reduce((sum, one) => sum + one.compared, 0);
  const disagreed = told.reduce((sum, one) => sum + one.disagreed, 0);
  const expected = rules.disagreement ?? expectedDisagreement;
  return { compared, disagreed, evidence: boundDisagreement(compared, disagreed, rules.alpha, expected) };
};

const endOf = (record: RolloutRecord): RolloutObservation['ended'] => {
  const { state, segments, reason } = record;
  return state === 'running' ? null : { end: state, generation: segments.at(-1)?.generation as number, reason };
};

export const createObserveRollout =
  (deps: RolloutDeps) =>
  async (input: Parameters<CpuSteps['observeRollout']>[0]): Promise<RolloutObservation> => {
    const { pipeline, elapsedMs } = input;
    const { record, plan, segments, totals } = await readRollout(deps, input);
    const [wanted, reports, counting] = await Promise.all([
      deps.deployments.get(pipeline),
      deps.deployments.serverReports(pipeline, reportAgeMs),
      deps.rollouts.countingServers(pipeline, reportAgeMs),
    ]);
    const canary: CanaryObservation = observeCounters(plan, toSegments(plan, segments, totals), reports.length, elapsedMs);
    return {
      canary,
      servers: compareServers(wanted, reports, counting),
      agreement: compareAnswers(plan, totals),
      labels: plan.rules.kind === 'a/b' ? await deps.compareArmsOnLabels(record, plan.rules.alpha) : null,
      ended: endOf(record),
    };
  };
