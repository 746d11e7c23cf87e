import type { ArmCounts, CanaryPolicy, CanarySegment } from '#domain/contracts/canary.ts';
import type { ArmName } from '#domain/contracts/capture.ts';
import type { RolloutPlan, RolloutSegment } from '#domain/contracts/rollout.ts';
import type { ArmTotal } from '../../infra/postgres/tally-totals.ts';

/**
 * Where each request is drawn by itself all of them count. Where an entity stays with its arm it may come to every server,
 * and is one draw all the same: then only those of one server count, of whom none is counted twice.
 */
const drawnByEntity = (by: readonly string[], totals: readonly ArmTotal[]): boolean =>
  by.length > 0 || totals.some(({ units, requests }) => units < requests);

/** An arm that answered nothing had no event of any kind; one that answered has those that its servers counted. */
const countsOf = (totals: readonly ArmTotal[], arm: ArmName, { by, policy }: RolloutPlan): ArmCounts => {
  const own = totals.filter((one) => one.arm === arm);
  const requests = own.reduce((sum, one) => sum + one.requests, 0);
  const isByEntity = drawnByEntity(by, totals);
  const units = own.reduce((sum, one) => sum + (isByEntity ? one.unitsAtOne : one.units), 0);
  const eventsOf = (name: CanaryPolicy['guardrails'][number]['name']): [string, number][] => {
    const answered = own.filter((one) => one.requests > 0);
    if (answered.some((one) => one.events[name] === undefined)) return [];
    return [[name, answered.reduce((sum, one) => sum + (one.events[name] ?? 0), 0)]];
  };
  return { requests, units, events: Object.fromEntries(policy.guardrails.flatMap(({ name }) => eventsOf(name))) };
};

/** In a shadow both arms answer the same rows, so what counts is how their events split, not their requests. */
const evidenceShare = ({ rules, policy }: RolloutPlan, share: number): number =>
  rules.kind === 'shadow' ? (policy.steps[0] as number) : share;

/**
 * Under a promotion that is taken back the candidate answered as champion: nobody else did. Elsewhere arms are what they say,
 * for champion and candidate may be one and the same model.
 */
const asCandidate = (totals: readonly ArmTotal[], share: number, candidate: string | undefined): readonly ArmTotal[] =>
  share < 1 || totals.some(({ arm }) => arm === 'candidate')
    ? totals
    : totals.map((one) => (one.modelSha256 === candidate ? { ...one, arm: 'candidate' } : one));

/** Counters of a rollout by its shares, oldest first; servers that are late count into the segment of their generation. */
export const toSegments = (
  plan: RolloutPlan,
  segments: readonly RolloutSegment[],
  totals: readonly ArmTotal[],
): readonly CanarySegment[] => {
  const candidate = totals.find(({ arm }) => arm === 'candidate')?.modelSha256;
  return segments.map(({ generation, share }) => {
    const counted = totals.filter((one) => one.generation === generation);
    const own = asCandidate(counted, share, candidate);
    return {
      share: evidenceShare(plan, share),
      candidate: countsOf(own, 'candidate', plan),
      champion: countsOf(own, 'champion', plan),
    };
  });
};
