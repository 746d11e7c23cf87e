import type { Numbers } from '../ranks.ts';
import { normalTwoSidedTail } from '../special/normal.ts';
import { cellsByMass, cellsByWidth, checkCells, checkProbabilities, meanGap } from './calibration-cells.ts';

/**
 * Expected calibration error over cells of equal width: the mean distance, over rows, between a cell's mean probability
 * and its share of positives. Cells are [low, high); 1 falls into the last. Biased upwards on few rows. 0 without rows.
 *
 * Labels 1 or 0, probabilities in [0, 1], both length n: here and below anything else throws RangeError.
 *
 * Source: Naeini, Cooper and Hauskrecht, AAAI 2015.
 * Agrees with: test/golden/vectors.json "calibration", 1e-9.
 */
export const calibrationErrorByWidth = (labels: Numbers, probabilities: Numbers, cells: number): number => {
  checkProbabilities(labels, probabilities);
  checkCells(cells);
  return meanGap(labels, probabilities, cellsByWidth(probabilities, cells), cells);
};

/**
 * The same over cells of equal row counts: the list sorted by probability is cut at floor(k n / cells).
 *
 * Source: Nguyen and O'Connor, EMNLP 2015, section 3.
 * Agrees with: test/golden/vectors.json "calibration", 1e-9.
 */
export const calibrationErrorByMass = (labels: Numbers, probabilities: Numbers, cells: number): number => {
  checkProbabilities(labels, probabilities);
  checkCells(cells);
  return meanGap(labels, probabilities, cellsByMass(probabilities, cells), cells);
};

/**
 * Positives that occurred over positives that the probabilities promised: above 1 the model promises too few.
 * Null where it promises none.
 *
 * Source: definition. Agrees with: test/golden/vectors.json "calibration", 1e-9.
 */
export const observedOverExpected = (labels: Numbers, probabilities: Numbers): number | null => {
  checkProbabilities(labels, probabilities);
  let observed = 0;
  let expected = 0;
  for (let row = 0; row < labels.length; row++) {
    observed += labels[row] as number;
    expected += probabilities[row] as number;
  }
  return expected === 0 ? null : observed / expected;
};

/**
 * Spiegelhalter's test of calibration, two-sided: z is standard normal where the probabilities are true.
 * Null where every probability is 0, 1/2 or 1, for they say nothing about it.
 *
 * Source: Spiegelhalter, "Probabilistic prediction in patient management and clinical trials",
 * Statistics in Medicine 5 (1986), section 4.
 * Agrees with: test/golden/vectors.json "calibration", 1e-9.
 */
export const spiegelhalterTest = (labels: Numbers, probabilities: Numbers): { z: number; pValue: number } | null => {
  checkProbabilities(labels, probabilities);
  let sum = 0;
  let variance = 0;
  for (let row = 0; row < labels.length; row++) {
    const p = probabilities[row] as number;
    sum += ((labels[row] as number) - p) * (1 - 2 * p);
    variance += (1 - 2 * p) ** 2 * p * (1 - p);
  }
  if (variance === 0) return null;
  const z = sum / Math.sqrt(variance);
  return { z, pValue: normalTwoSidedTail(z) };
};
