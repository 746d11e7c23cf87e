import type { ComparedSizes } from '../distances/noise-floor.ts';
import { psiPValue } from '../distances/psi-noise.ts';
import { conformalPValue } from '../multiple/conformal.ts';

/** Fewer quiet windows cannot show anything at 5 %. */
export const fewestQuietWindows = 19;

export type PsiRank = {
  /** PSI of past quiet windows, ascending. */
  readonly quiet: readonly number[];
  readonly psi: number;
  readonly sizes: ComparedSizes;
  readonly designEffect: number;
};

/**
 * Conformal p-value of PSI, carried on beyond the largest quiet window. K windows can say nothing below 1 / (K + 1), and
 * a correction for many features would then never let one of them through, however far it went. So the last step,
 * 1 / (K + 1), falls off from the largest quiet value on as the chi-square tail does. Within the quiet windows it is the
 * conformal p-value itself; without any it is 1.
 *
 * Throws RangeError where a statistic is NaN.
 *
 * Source: Vovk, Gammerman and Shafer (2005) within; beyond, the tail of Yurdakul and Naranjo (2020) given that the largest
 * quiet value was passed.
 * Agrees with: test/golden/drift.json, `scipy.stats.chi2.sf`, 1e-9.
 * @example rankPsi({ quiet: [0.01, 0.02], psi: 0.02, sizes: { cells: 9, referenceRows: 900, currentRows: 900 }, designEffect: 1 }) // 0.6666666666666666
 */
export const rankPsi = ({ quiet, psi, sizes, designEffect }: PsiRank): number => {
  const ranked = conformalPValue(quiet, psi);
  const largest = quiet.at(-1);
  if (largest === undefined || psi <= largest) return ranked;
  const passed = psiPValue(largest, sizes, designEffect);
  return passed === 0 ? ranked : (ranked * psiPValue(psi, sizes, designEffect)) / passed;
};

/**
 * The p-value that decides: the larger of that of the chi-square test and of the rank among quiet windows, for each can be
 * wrong where the other is right. The chi-square one alone with fewer than 19 quiet windows.
 *
 * Source: definition; the larger of two valid p-values is valid however they depend on each other.
 */
export const driftPValue = (chiSquarePValue: number, rank: PsiRank | null): number =>
  rank === null || rank.quiet.length < fewestQuietWindows ? chiSquarePValue : Math.max(chiSquarePValue, rankPsi(rank));
