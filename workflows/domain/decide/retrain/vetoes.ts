import type {
  RetrainAsked,
  RetrainObservation,
  RetrainPolicy,
  RetrainState,
  RetrainVeto,
} from '../../contracts/retrain-policy.ts';
import type { Inequality } from '../../contracts/verdict.ts';
import { hourMs } from '../../units.ts';
import { inequality } from '../judgement.ts';
import type { Standing } from './reasons.ts';

/** A condition that a run must hold, and whether somebody set it aside. */
export type VetoCheck = {
  readonly veto: RetrainVeto;
  readonly condition: Inequality;
  readonly overridden: boolean;
};

/** A person who asks knows that a run was a moment ago, failed thrice, or would see the same rows again. */
const setAsideByPerson: readonly RetrainVeto[] = ['no new labels', 'cooldown', 'back-off'];

/** A recalibration trains nothing: it takes nothing from the budget, and rejected challengers say nothing about it. */
const notForRecalibration: readonly RetrainVeto[] = ['budget', 'back-off'];

/**
 * All conditions of a run, in their order, held or not.
 *
 * What a person's request sets aside: no new labels, cooldown and back-off by asking; data quality and budget only by
 * name, because the one may do harm and the other costs money. A run in progress is never set aside: there is one at a
 * time. A webhook sets nothing aside: a thousand alerts are one retrain.
 */
export const vetoChecksOf = (
  policy: RetrainPolicy,
  state: RetrainState,
  observation: RetrainObservation,
  standing: Standing,
): VetoCheck[] =>
  conditionsOf(policy, state, observation)
    .filter(([veto]) => standing.cure === 'retrain' || !notForRecalibration.includes(veto))
    .map(([veto, condition]) => {
      const asked = standing.reason === 'asked' ? observation.asked : null;
      return { veto, condition, overridden: !condition.holds && isSetAside(veto, asked) };
    });

const isSetAside = (veto: RetrainVeto, asked: RetrainAsked | null): boolean => {
  if (asked === null || asked.kind === 'webhook') return false;
  return setAsideByPerson.includes(veto) || asked.despite.some((one) => one === veto);
};

const conditionsOf = (
  policy: RetrainPolicy,
  state: RetrainState,
  { openBreaches, otherRuns, labels }: RetrainObservation,
): [RetrainVeto, Inequality][] => {
  const runs = otherRuns + (state.running === null ? 0 : 1);
  const conditions: [RetrainVeto, Inequality][] = [
    ['data quality', inequality('open breaches of data quality', openBreaches, '<=', 0)],
    ['run in progress', inequality('runs in progress', runs, '<=', 0)],
  ];
  if (labels !== null)
    conditions.push(['no new labels', inequality('labelled rows since the last training', labels.newRows, '>=', 1)]);
  if (state.lastStartMs !== null) {
    const hours = (state.lastMs - state.lastStartMs) / hourMs;
    conditions.push(['cooldown', inequality('hours since the last run began', hours, '>', policy.cooldownMs / hourMs)]);
  }
  const started = startsWithin(policy, state).length;
  conditions.push(['budget', inequality('runs within the span of the budget', started, '<', policy.budget.runs)]);
  if (state.backOffUntilMs !== null) {
    const hours = Math.max(0, state.backOffUntilMs - state.lastMs) / hourMs;
    conditions.push(['back-off', inequality('hours until the back-off ends', hours, '<=', 0)]);
  }
  return conditions;
};

/** Starts that the budget still counts. */
export const startsWithin = ({ budget }: RetrainPolicy, { startsMs, lastMs }: RetrainState): number[] =>
  startsMs.filter((startMs) => lastMs - startMs < budget.perMs);
