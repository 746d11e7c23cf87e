import type { Agreement } from '../../contracts/rollout.ts';
import { asKind, whyMissing } from '../canary/find-evidence.ts';
import { type Check, checkOf, inequality, sentenceOf } from '../judgement.ts';

/**
 * Do the answers of a candidate in the shadow agree with the champion's, on enough of the same rows?
 *
 * `limit` is the largest share that may differ: fails where the lower bound is above it, passes where the upper bound is
 * not, and is `inconclusive` between. Without a limit the share is told and decides nothing; enough rows must be compared
 * all the same.
 */
export const checkAgreement = (agreement: Agreement | null, limit: number | null, rows: number): Check[] => {
  const compared = inequality('answers compared', agreement?.compared ?? 0, '>=', Math.max(1, rows));
  const enough = checkOf(compared.holds ? 'pass' : 'inconclusive', sentenceOf(compared), [compared]);
  return [enough, ...checkLimit(agreement, limit)];
};

const checkLimit = (agreement: Agreement | null, limit: number | null): Check[] => {
  const share = asKind(agreement?.evidence, 'interval');
  if (share === null) {
    return limit === null ? [] : [checkOf('inconclusive', `answers were not compared: ${whyMissing(agreement?.evidence)}`)];
  }
  if (limit === null) {
    const told = `${share.estimate} of the answers differ (${share.lower} to ${share.upper})`;
    return [checkOf('pass', told, [], [share.id])];
  }
  const beyond = inequality('share of answers that differ, lower bound', share.lower, '>', limit);
  if (beyond.holds) return [checkOf('fail', sentenceOf(beyond), [beyond], [share.id])];
  const within = inequality('share of answers that differ, upper bound', share.upper, '<=', limit);
  return [checkOf(within.holds ? 'pass' : 'inconclusive', sentenceOf(within), [within], [share.id])];
};
