import { binomialLowerTail, binomialProbability } from '../special/binomial.ts';
import { chiSquareUpperTail } from '../special/incomplete-gamma.ts';

export type McNemar = {
  /** Two-sided, from the binomial distribution; never below its nominal level. */
  readonly exact: number;
  /** Counts half of the observed table; closer to the nominal level than the exact one. */
  readonly mid: number;
  /** One-sided and exact, of "the challenger is not more often right": what the rule "better" decides by. */
  readonly exactBetter: number;
  /** Continuity-corrected; an approximation that wants at least 25 disagreements. */
  readonly corrected: { readonly chiSquare: number; readonly pValue: number };
  readonly uncorrected: { readonly chiSquare: number; readonly pValue: number };
};

/**
 * McNemar's test: do two models err equally often on the same rows? Only rows on which one is right count.
 *
 * Takes the number of rows on which only the champion, and only the challenger, is right. Without disagreement every
 * p-value is 1. Throws RangeError for counts that are negative or not whole.
 *
 * Source: McNemar (1947); mid-p: Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13:91 (2013).
 * Agrees with: test/golden/vectors.json "mcnemar", 1e-9; test/golden/comparisons.json, `statsmodels` mcnemar, 1e-9.
 * @example mcnemarTest(12, 25).exact // 0.0470310274...
 */
export const mcnemarTest = (championOnly: number, challengerOnly: number): McNemar => {
  const disagreements = championOnly + challengerOnly;
  const fewer = Math.min(championOnly, challengerOnly);
  const none = { chiSquare: 0, pValue: 1 };
  if (disagreements === 0) return { exact: 1, mid: 1, exactBetter: 1, corrected: none, uncorrected: none };
  const tail = binomialLowerTail(fewer, disagreements, 0.5);
  const observed = binomialProbability(fewer, disagreements, 0.5);
  const difference = Math.abs(championOnly - challengerOnly);
  return {
    exact: Math.min(1, 2 * tail),
    mid: Math.min(1, 2 * tail - observed),
    exactBetter: binomialLowerTail(championOnly, disagreements, 0.5),
    // The correction moves the statistic towards zero, never past it.
    corrected: chiSquareOf(Math.max(0, difference - 1), disagreements),
    uncorrected: chiSquareOf(difference, disagreements),
  };
};

const chiSquareOf = (difference: number, disagreements: number): { chiSquare: number; pValue: number } => {
  const chiSquare = (difference * difference) / disagreements;
  return { chiSquare, pValue: chiSquareUpperTail(chiSquare, 1) };
};
