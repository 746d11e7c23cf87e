import type { ArmCounts, CanarySegment, GuardrailAssessment, GuardrailName, GuardrailPolicy } from '../../contracts/canary.ts';
import type { Evidence } from '../../contracts/evidence.ts';
import { eValueOf, logEvidenceOfHarm, type SplitCounts } from './count-test.ts';
import { boundRateRatio } from './rate-ratio.ts';

/** Evidence that could not be had, and why. */
export const insufficient = (id: string, reason: string, rows: number): Evidence => ({
  id,
  what: `nothing can be said of ${id}`,
  kind: 'insufficient',
  reason,
  rows,
});

/** One guardrail over all segments of a rollout; `present` is the last of them. See `assessCanary`. */
export const assessGuardrail = (
  segments: readonly CanarySegment[],
  present: CanarySegment,
  guardrail: GuardrailPolicy,
): GuardrailAssessment => {
  const { name, designEffect } = guardrail;
  const rows = segments.reduce((sum, one) => sum + one.candidate.requests + one.champion.requests, 0);
  const counted = segments.every((one) => isCounted(one, name));
  const compared = counted ? segments.filter((one) => one.share < 1).map((one) => splitCounts(one, name, designEffect)) : [];
  const missing = counted ? 'no segment in which both arms answered' : `${name} was not counted`;
  return {
    name,
    harm: compared.length === 0 ? insufficient(`${name}/harm`, missing, rows) : assessHarm(name, compared, rows),
    ratio: compared.length === 0 ? insufficient(`${name}/ratio`, missing, rows) : assessRatio(guardrail, compared, rows),
    aboveBudget: assessBudget(guardrail, present),
    floor: assessFloor(guardrail, segments),
  };
};

const isCounted = (segment: CanarySegment, name: GuardrailName): boolean =>
  segment.candidate.events[name] !== undefined && (segment.share === 1 || segment.champion.events[name] !== undefined);

const eventsOf = (arm: ArmCounts, name: GuardrailName): number => arm.events[name] ?? 0;

const splitCounts = ({ share, candidate, champion }: CanarySegment, name: GuardrailName, designEffect: number): SplitCounts => ({
  share,
  candidate: eventsOf(candidate, name) / designEffect,
  champion: eventsOf(champion, name) / designEffect,
});

/**
 * Whatever was seen before, the evidence of a new segment averages to at most 1 without harm; so segments multiply, also
 * where what was seen decided when the share changed.
 */
const assessHarm = (name: GuardrailName, compared: readonly SplitCounts[], rows: number): Evidence => ({
  id: `${name}/harm`,
  what: `evidence that the rate of ${name} is above the champion's`,
  kind: 'e-value',
  eValue: eValueOf(compared.reduce((sum, one) => sum + logEvidenceOfHarm(one), 0)),
  rows,
});

const assessRatio = ({ name, alpha }: GuardrailPolicy, compared: readonly SplitCounts[], rows: number): Evidence => {
  const id = `${name}/ratio`;
  const bounds = boundRateRatio(compared, alpha);
  if (bounds === null) return insufficient(id, 'the ratio is another one at each share', rows);
  const { estimate, lower, upper } = bounds;
  if (estimate === null) return insufficient(id, `no ${name} of the champion`, rows);
  if (upper === null) return insufficient(id, `too few ${name} to say that any ratio is too large`, rows);
  const candidate = compared.reduce((sum, one) => sum + one.candidate, 0);
  const champion = compared.reduce((sum, one) => sum + one.champion, 0);
  return {
    id,
    what: `rate of ${name}, candidate over champion`,
    kind: 'interval',
    estimate,
    lower,
    upper,
    confidence: 1 - alpha,
    sides: 'two',
    // By the delta method; the bounds do not use it.
    standardError: estimate === 0 ? 0 : estimate * Math.sqrt(1 / candidate + 1 / champion),
    method: 'confidence sequence of counts (Lindon and Malek)',
    rows,
  };
};

const assessBudget = ({ name, margin, allowance }: GuardrailPolicy, { candidate, champion }: CanarySegment): Evidence => {
  const id = `${name}/above-budget`;
  const rows = candidate.requests + champion.requests;
  const events = candidate.events[name];
  const championEvents = champion.events[name];
  if (events === undefined || championEvents === undefined) return insufficient(id, `${name} was not counted`, rows);
  if (champion.requests === 0) return insufficient(id, 'no request of the champion', rows);
  const granted = candidate.requests * ((1 + margin) * (championEvents / champion.requests) + allowance);
  const what = `${name} of the candidate above what the champion's rate, the margin and the allowance grant`;
  return { id, what, kind: 'measurement', value: Math.max(0, events - granted), rows };
};

const assessFloor = ({ name, floor, designEffect }: GuardrailPolicy, segments: readonly CanarySegment[]): Evidence | null => {
  if (floor === null) return null;
  const requests = segments.reduce((sum, one) => sum + one.candidate.requests, 0);
  if (segments.some((one) => one.candidate.events[name] === undefined)) {
    return insufficient(`${name}/floor`, `${name} was not counted`, requests);
  }
  const events = segments.reduce((sum, one) => sum + eventsOf(one.candidate, name), 0);
  const counts = { share: floor, candidate: events / designEffect, champion: (requests - events) / designEffect };
  const what = `evidence that more than a share of ${floor} of the candidate's requests are ${name}`;
  return { id: `${name}/floor`, what, kind: 'e-value', eValue: eValueOf(logEvidenceOfHarm(counts)), rows: requests };
};
