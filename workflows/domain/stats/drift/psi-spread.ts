import { noiseScale } from '../distances/noise-floor.ts';
import type { OccupiedCells } from './occupied-cells.ts';

/**
 * Standard error of PSI: how far that of a window lies from that of its whole stream, less the noise floor.
 *
 * Two parts, added as variances: what a change of the shares makes of PSI to the first order, which vanishes where nothing
 * has changed; and the scatter of the noise itself, that of a chi-square variable. The design effect multiplies both. One
 * cell has 0. Shares have half a row added to each cell, as PSI has. Throws RangeError for a design effect below 1.
 *
 * Source: delta method for multinomial counts (Agresti, "Categorical Data Analysis", 3rd ed., 16.1.2); Yurdakul and
 * Naranjo (2020) for the second part.
 * Agrees with: test/golden/drift.json, `numpy`, 1e-9.
 * @example psiStandardError({ reference: [500, 500], current: [50, 50], referenceRows: 1000, currentRows: 100 }, 1) // 0.015556349186104046
 */
export const psiStandardError = (cells: OccupiedCells, designEffect: number): number => {
  if (!(designEffect >= 1))
    throw new RangeError(`Cannot judge PSI as the design effect must be at least 1: it is ${designEffect}`);
  const { reference, current, referenceRows: n, currentRows: m } = cells;
  const before = smoothedShares(reference, n);
  const now = smoothedShares(current, m);
  const ofChange = designEffect * (slopeVariance(before, now) / n + slopeVariance(now, before) / m);
  const sizes = { cells: reference.length, referenceRows: n, currentRows: m };
  const ofNoise = 2 * (reference.length - 1) * (designEffect * noiseScale(sizes)) ** 2;
  // Slopes are measured too: noise alone makes ofChange twice ofNoise, on average.
  return Math.sqrt(Math.max(0, ofChange - 2 * ofNoise) + ofNoise);
};

const smoothedShares = (counts: readonly number[], rows: number): number[] =>
  counts.map((count) => (count + 0.5) / (rows + 0.5 * counts.length));

/** Variance, over one row of the side whose shares move, of the slope of PSI: ln(moving / fixed) + 1 - fixed / moving. */
const slopeVariance = (moving: readonly number[], fixed: readonly number[]): number => {
  let mean = 0;
  let square = 0;
  for (let cell = 0; cell < moving.length; cell++) {
    const [p, q] = [moving[cell] as number, fixed[cell] as number];
    const slope = Math.log(p / q) + 1 - q / p;
    mean += p * slope;
    square += p * slope * slope;
  }
  return Math.max(0, square - mean * mean);
};
