import type { Evidence } from '../../contracts/evidence.ts';
import { asKind, whyMissing } from '../canary/find-evidence.ts';
import { type Check, checkOf, inequality, sentenceOf } from '../judgement.ts';

/**
 * What do labels say of the candidate's gain over the champion, by bounds that hold at any time? Passes where it is shown
 * to be better, fails where it is shown to be worse; between, and without enough labels, only time can tell.
 */
export const checkLabels = (gain: Evidence | null): Check => {
  const found = asKind(gain, 'interval');
  if (found === null) return checkOf('inconclusive', `labels do not tell: ${whyMissing(gain)}`);
  const worse = inequality(`${found.what}, upper bound`, found.upper, '<', 0);
  if (worse.holds) return checkOf('fail', sentenceOf(worse), [worse], [found.id]);
  const better = inequality(`${found.what}, lower bound`, found.lower, '>', 0);
  return checkOf(better.holds ? 'pass' : 'inconclusive', sentenceOf(better), [better], [found.id]);
};
