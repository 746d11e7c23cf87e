import { betaLowerQuantile, betaUpperQuantile } from '../special/beta.ts';
import { checkShare, type Limits, type Share } from './proportions.ts';

/**
 * Limits of a proportion that cover it at least as often as they say, whatever it is: for decisions. Each limit is
 * one-sided at (1 + confidence) / 2.
 *
 * A count of 0 has the lower limit 0, a count of all rows the upper limit 1. Null without rows. Throws RangeError for a
 * share that is none and a confidence outside (0, 1).
 *
 * Source: Clopper and Pearson, Biometrika 26 (1934), by beta quantiles (DLMF 8.17.5).
 * Agrees with: test/golden/vectors.json "props", 1e-9; test/golden/two-sample.json, `statsmodels` proportion_confint "beta", 1e-9.
 * @example clopperPearson({ count: 3, rows: 200 }, 0.95).lower // 0.0031041076...
 */
export const clopperPearson = (share: Share, confidence: number): Limits | null => {
  checkShare(share);
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`Cannot set limits as the confidence must be in (0, 1): it is ${confidence}`);
  }
  const { count, rows } = share;
  if (rows === 0) return null;
  const alpha = (1 - confidence) / 2;
  return {
    estimate: count / rows,
    lower: count === 0 ? 0 : betaLowerQuantile(alpha, count, rows - count + 1),
    upper: count === rows ? 1 : betaUpperQuantile(alpha, count + 1, rows - count),
  };
};
