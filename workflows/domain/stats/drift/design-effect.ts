import { type ComparedSizes, noiseFloor } from '../distances/noise-floor.ts';
import { quantileOfSorted } from '../quantile.ts';
import { chiSquareUpperQuantile } from '../special/chi-square.ts';

/** PSI of one quiet window against the rest of its slot, with the sizes of that comparison. */
export type QuietPsi = ComparedSizes & { readonly psi: number };

/** Below so many rows a cell, half a row added to each weighs as much as the noise that is measured. */
const fewestRowsPerCell = 5;
const fewestWindows = 3;

/**
 * How many times the variance of independent rows the rows of a stream have: 1 + (rows - 1) * ICC where they come in
 * clusters. Taken from PSI of quiet windows: the median of PSI over its noise floor, over the median that a chi-square
 * variable has over its mean. At least 1.
 *
 * Windows of fewer than 5 rows a cell speak only where fewer than three larger ones do. No windows with two cells: 1.
 *
 * Source: Kish, "Survey Sampling" (1965), the design effect; here its estimate from counters alone.
 * @example designEffectOf([{ psi: 0.036, cells: 10, referenceRows: 1000, currentRows: 1000 }]) // 2.157...
 */
export const designEffectOf = (windows: readonly QuietPsi[]): number => {
  const comparable = windows.filter(({ cells }) => cells > 1);
  const large = comparable.filter(({ cells, currentRows }) => currentRows >= fewestRowsPerCell * cells);
  const used = large.length >= fewestWindows ? large : comparable;
  if (used.length === 0) return 1;
  const medians = new Map<number, number>();
  const ratios = used.map((window) => window.psi / noiseFloor(window) / medianOverMean(window.cells - 1, medians));
  ratios.sort((left, right) => left - right);
  return Math.max(1, quantileOfSorted(ratios, 0.5));
};

/** Median of a chi-square variable over its mean; kept, since most windows have as many cells. */
const medianOverMean = (degreesOfFreedom: number, known: Map<number, number>): number => {
  const median = known.get(degreesOfFreedom) ?? chiSquareUpperQuantile(0.5, degreesOfFreedom);
  known.set(degreesOfFreedom, median);
  return median / degreesOfFreedom;
};
