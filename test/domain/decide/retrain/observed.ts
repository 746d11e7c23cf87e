import { retrainSchema } from '#domain/contracts/pipeline-spec/operation.ts';
import type { RetrainObservation, RetrainPolicy, RetrainState, Signal } from '#domain/contracts/retrain-policy.ts';
import { decideRetrain, type RetrainStep } from '#domain/decide/retrain/decide-retrain.ts';
import { retrainPolicyOf } from '#domain/decide/retrain/retrain-policy.ts';
import { dayMs } from '#domain/units.ts';

/** Where the stories of these tests begin. */
export const beginMs = Date.UTC(2026, 0, 5);

export const policyOf = (file: object = {}, parts: Partial<RetrainPolicy> = {}): RetrainPolicy =>
  frozen({ ...retrainPolicyOf(retrainSchema.parse(file)), ...parts });

export const frozen = <Value>(value: Value): Value => {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) frozen(inner);
    Object.freeze(value);
  }
  return value;
};

export const signal = (score: number, what = 'drift'): Signal => ({ score, what, evidenceIds: [`${what}-evidence`] });

export type Parts = Omit<Partial<RetrainObservation>, 'signals'> & { signals?: Partial<RetrainObservation['signals']> };

/** A quiet day: a young model, some new rows, nothing measured. */
export const observation = ({ signals = {}, ...parts }: Parts = {}): RetrainObservation =>
  frozen({
    signals: { performance: null, estimate: null, drift: null, calibration: null, ...signals },
    gain: null,
    trainedAtMs: beginMs,
    labels: { newRows: 10, newRareRows: 0, lastTrainingRows: 10_000 },
    openBreaches: 0,
    otherRuns: 0,
    asked: null,
    ended: null,
    ...parts,
  });

/** Observations by the day they were made on. */
export const tell = (policy: RetrainPolicy, state: RetrainState, story: readonly [day: number, Parts][]): RetrainStep[] => {
  let now = state;
  return story.map(([day, parts]) => {
    const step = decideRetrain(policy, frozen(now), observation(parts), beginMs + Math.round(day * dayMs));
    now = step.state;
    return step;
  });
};
