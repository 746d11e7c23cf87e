import type { CanaryState } from '../../contracts/canary.ts';
import type { RolloutObservation, RolloutPlan } from '../../contracts/rollout.ts';
import { checkLabels } from '../ab/check-labels.ts';
import { type Check, checkOf } from '../judgement.ts';
import { checkAgreement } from '../shadow/check-agreement.ts';
import { judgeCanary } from './judge-canary.ts';
import type { Judged } from './move.ts';

/** The rules by which a rollout is judged. */
export type RolloutRules = Pick<RolloutPlan, 'policy' | 'rules'>;

/**
 * One look at a rollout of any strategy. All are canaries in their counters: blue/green has the one step of all traffic,
 * an A/B test the one step of its share, and a shadow that of its share of the events. What a strategy asks beside them
 * is a check more, and so is that no server refuses the candidate or applies another share than is set.
 */
export const judgeRollout = (plan: RolloutRules, before: CanaryState, observation: RolloutObservation): Judged =>
  judgeCanary(plan.policy, before, observation.canary, checkBeside(plan, observation));

/** What a strategy asks beside the counters, and what servers say of themselves. What fails is harm. */
export const checkBeside = ({ policy, rules }: RolloutRules, { servers, agreement, labels }: RolloutObservation): Check[] => [
  ...checkServers(servers),
  ...(rules.kind === 'shadow' ? checkAgreement(agreement, rules.disagreement, policy.requests) : []),
  ...(rules.kind === 'a/b' ? [checkLabels(labels)] : []),
];

const checkServers = ({ refused, behind }: RolloutObservation['servers']): Check[] => [
  ...(refused === null ? [] : [checkOf('fail', refused)]),
  ...(behind === null ? [] : [checkOf('inconclusive', behind)]),
];
