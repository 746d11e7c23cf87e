import type {
  ArmCounts,
  CanaryAssessment,
  CanaryDecision,
  CanaryObservation,
  CanaryPolicy,
  CanarySegment,
  CanaryState,
  GuardrailName,
} from '#domain/contracts/canary.ts';
import type { Evidence } from '#domain/contracts/evidence.ts';
import { judgeCanary } from '#domain/decide/canary/judge-canary.ts';

export const minute = 60_000;

/** Three steps of ten minutes and a hundred requests; errors are watched, with a floor. */
export const policy: CanaryPolicy = {
  steps: [0.1, 0.5, 1],
  atLeastMs: 10 * minute,
  requests: 100,
  exposure: 200,
  guardrails: [{ name: 'errors', alpha: 0.01, margin: 0.25, allowance: 0.001, floor: 0.05, floorAlpha: 0.001, designEffect: 1 }],
  splitAlpha: 0.001,
  deadlineMs: 360 * minute,
  atDeadline: 'roll back',
  silenceMs: 5 * minute,
  patienceMs: 30 * minute,
};

/** Numbers of an assessment; null is `insufficient`. By default nothing is wrong, and nothing is proven. */
export type Found = {
  harm?: number | null;
  upper?: number | null;
  aboveBudget?: number | null;
  floor?: number | null;
  split?: number | null;
  splitOnce?: number | null;
};

const insufficient = (id: string): Evidence => ({ id, what: id, kind: 'insufficient', reason: 'was not counted', rows: 0 });
const eValue = (id: string, value: number | null): Evidence =>
  value === null ? insufficient(id) : { id, what: id, kind: 'e-value', eValue: value, rows: 100 };

export const assessment = (found: Found = {}, name: GuardrailName = 'errors'): CanaryAssessment => {
  const { harm = 0.5, upper = null, aboveBudget = 0, floor = 0.01, split = 0.3, splitOnce = 0.6 } = found;
  const bounds = { estimate: 1, lower: 0, confidence: 0.99, sides: 'two', standardError: 0.1, method: 'counts' } as const;
  return {
    guardrails: [
      {
        name,
        harm: eValue(`${name}/harm`, harm),
        ratio:
          upper === null
            ? insufficient(`${name}/ratio`)
            : { id: `${name}/ratio`, what: 'ratio', kind: 'interval', ...bounds, upper, rows: 100 },
        aboveBudget:
          aboveBudget === null
            ? insufficient(`${name}/above-budget`)
            : { id: `${name}/above-budget`, what: 'above', kind: 'measurement', value: aboveBudget, rows: 100 },
        floor: eValue(`${name}/floor`, floor),
      },
    ],
    split: {
      sequential: eValue('split/sequential', split),
      atOnce:
        splitOnce === null
          ? insufficient('split/at-once')
          : { id: 'split/at-once', what: 'split', kind: 'p-value', pValue: splitOnce, test: 'chi-square', rows: 100 },
    },
  };
};

export const arm = (requests: number): ArmCounts => ({ requests, units: requests, events: { errors: 0 } });

export const segment = (share: number, candidate: number, champion: number): CanarySegment => ({
  share,
  candidate: arm(candidate),
  champion: arm(champion),
});

type Seen = { at: number; share?: number; candidate?: number; champion?: number; found?: Found };

/** Counters after so many minutes of the rollout; plenty of requests unless said otherwise. */
export const counted = ({ at, share = 0.1, candidate = 1000, champion = 9000, found }: Seen): CanaryObservation => ({
  kind: 'counted',
  elapsedMs: at * minute,
  segment: segment(share, candidate, champion),
  assessment: assessment(found),
});

export const nothing = (at: number): CanaryObservation => ({
  kind: 'nothing',
  elapsedMs: at * minute,
  reason: 'no server answered',
});

const freeze = <Value>(value: Value): Value => {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(freeze);
  return Object.freeze(value);
};

/** Feeds the observations one after the other; inputs are frozen. */
export const follow = (
  rules: CanaryPolicy,
  start: CanaryState,
  ...observations: CanaryObservation[]
): { state: CanaryState; decisions: CanaryDecision[] } => {
  let state = start;
  const decisions: CanaryDecision[] = [];
  for (const observation of observations) {
    const judged = judgeCanary(freeze(rules), freeze(state), freeze(observation));
    state = judged.state;
    decisions.push(judged.decision);
  }
  return { state, decisions };
};
