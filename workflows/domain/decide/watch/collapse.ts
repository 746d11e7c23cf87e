import type { RetrainDecision, RetrainState } from '../../contracts/retrain-policy.ts';
import type { Occasion } from './occasions.ts';

/** What makes two decisions the same: decision, reason, who asked, and the vetoes; not the numbers, which always move. */
export const fingerprintOf = (occasion: Occasion, decision: RetrainDecision): string => {
  const by = occasion.kind === 'asked' ? occasion.asked.by : '';
  const vetoes = decision.vetoes.map(({ veto, overridden }) => `${veto}${overridden ? ' set aside' : ''}`);
  return [decision.decision, decision.reason, by, ...vetoes].join('|');
};

type Step = { readonly before: RetrainState; readonly after: RetrainState; readonly decision: RetrainDecision };

const isSame = (left: RetrainState['triggers'], right: RetrainState['triggers']): boolean =>
  (Object.keys(left) as (keyof RetrainState['triggers'])[]).every(
    (name) => left[name].armed === right[name].armed && left[name].inARow === right[name].inARow,
  );

/**
 * Whether a "no" may be left out where the one before it was the same. Never: a yes, a window of traffic, a run that ended,
 * what a person asked, what pages, the instant at which a fixed schedule would have retrained, and what moved a trigger.
 * So whoever reads the rows in their order comes to the same states.
 */
export const mayCollapse = (occasion: Occasion, { before, after, decision }: Step): boolean => {
  const isNo = decision.decision === 'wait' || decision.decision === 'suppressed';
  const isNews =
    occasion.kind === 'window' || occasion.kind === 'ended' || (occasion.kind === 'asked' && occasion.asked.kind === 'person');
  const pages = decision.page !== null || decision.counterfactual.wouldRetrain;
  return isNo && !isNews && !pages && isSame(before.triggers, after.triggers);
};
