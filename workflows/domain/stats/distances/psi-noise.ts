import { chiSquareUpperQuantile } from '../special/chi-square.ts';
import { chiSquareUpperTail } from '../special/incomplete-gamma.ts';
import { type ComparedSizes, noiseFloor, noiseScale } from './noise-floor.ts';

const checkEffect = (designEffect: number): void => {
  if (!(designEffect >= 1))
    throw new RangeError(`Cannot judge PSI as the design effect must be at least 1: it is ${designEffect}`);
};

/**
 * PSI that noise alone exceeds with probability alpha. With one cell it is 0. Throws RangeError unless alpha is in (0, 1)
 * and the design effect (how many times the variance of independent rows these have) is at least 1.
 *
 * Source: PSI over (1/n + 1/m) times the design effect is about chi-square distributed with one degree of freedom fewer
 * than cells: Yurdakul and Naranjo, Journal of Risk Model Validation 14 (2020). Wants some five rows a cell.
 * Agrees with: test/golden/vectors.json "psi_null", 1e-9; test/golden/distances.json, `scipy.stats.chi2.isf`, 1e-10.
 * @example criticalPsi({ cells: 10, referenceRows: 10000, currentRows: 500 }, 0.05) // 0.0355298529...
 */
export const criticalPsi = (sizes: ComparedSizes, alpha: number, designEffect = 1): number => {
  checkEffect(designEffect);
  return sizes.cells < 2 ? 0 : designEffect * noiseScale(sizes) * chiSquareUpperQuantile(alpha, sizes.cells - 1);
};

/**
 * P-value of a PSI: how often noise alone gives at least as much. With one cell it is 1. Throws RangeError for a PSI below
 * 0 and a design effect below 1.
 *
 * Source: as for `criticalPsi`. The chi-square test of homogeneity is nearer to its level where cells are sparse.
 * Agrees with: test/golden/vectors.json "psi_null", 1e-9; test/golden/distances.json, `scipy.stats.chi2.sf`, 1e-10.
 * @example psiPValue(0.03170238633, { cells: 5, referenceRows: 1000, currentRows: 1000 }) // 0.0032254802...
 */
export const psiPValue = (value: number, sizes: ComparedSizes, designEffect = 1): number => {
  checkEffect(designEffect);
  if (!(value >= 0)) throw new RangeError(`Cannot judge PSI as it must be at least 0: it is ${value}`);
  return sizes.cells < 2 ? 1 : chiSquareUpperTail(value / (designEffect * noiseScale(sizes)), sizes.cells - 1);
};

/**
 * PSI without what noise alone is expected to give, and never below 0: what the levels of an alarm are compared with.
 * Throws RangeError for a design effect below 1.
 *
 * Source: definition: max(0, PSI - design effect times noise floor).
 * @example debiasedPsi(0.05, { cells: 10, referenceRows: 1000, currentRows: 1000 }) // 0.032
 */
export const debiasedPsi = (value: number, sizes: ComparedSizes, designEffect = 1): number => {
  checkEffect(designEffect);
  return Math.max(0, value - designEffect * noiseFloor(sizes));
};
