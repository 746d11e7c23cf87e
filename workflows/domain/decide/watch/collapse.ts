import type { RetrainDecision } from '../../contracts/retrain-policy.ts';
import type { Occasion } from './occasions.ts';

/**
 * What makes two decisions the same "no": decision, reason, who asked, and the vetoes. Null for a decision that is always
 * recorded: every yes, everything about a window or a run that ended, what a person or a schedule asked, what pages, and
 * the instant at which a fixed schedule would have retrained.
 */
export const fingerprintOf = (occasion: Occasion, decision: RetrainDecision): string | null => {
  const isRepeatable = occasion.kind === 'look' || (occasion.kind === 'asked' && occasion.asked.kind === 'webhook');
  const isNo = decision.decision === 'wait' || decision.decision === 'suppressed';
  if (!isRepeatable || !isNo || decision.page !== null || decision.counterfactual.wouldRetrain) return null;
  const by = occasion.kind === 'asked' ? occasion.asked.by : '';
  const vetoes = decision.vetoes.map(({ veto, overridden }) => `${veto}${overridden ? ' set aside' : ''}`);
  return [decision.decision, decision.reason, by, ...vetoes].join('|');
};
