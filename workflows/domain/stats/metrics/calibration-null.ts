import { createRandom } from '../random.ts';
import type { Numbers } from '../ranks.ts';
import { cellsByMass, checkCells, checkProbabilities, meanGap } from './calibration-cells.ts';

export type CalibrationNull = {
  /** Calibration error of the labels themselves, in cells of equal row counts. */
  readonly error: number;
  /** What the error would be on average if the probabilities were true: it is not 0, and large on few rows. */
  readonly expected: number;
  /** Share of drawn label sets with an error at least as large, counting the observed one: never 0. */
  readonly pValue: number;
};

/**
 * Is a calibration error more than chance? Labels are drawn from the probabilities themselves, many times, and the error
 * of each draw is what true probabilities would have shown on these rows.
 *
 * Labels 1 or 0, probabilities in [0, 1], both length n, at least one draw; anything else throws RangeError. Null without rows. Where every
 * probability is 0 or 1 a single wrong label is certain evidence. Cost: draws * n.
 *
 * Source: Bröcker and Smith, "Increasing the reliability of reliability diagrams", Weather and Forecasting 22 (2007);
 * p-value: Davison and Hinkley, Bootstrap Methods and their Application (1997), equation 4.11.
 */
export const calibrationNull = (
  labels: Numbers,
  probabilities: Numbers,
  plan: { readonly cells: number; readonly draws: number; readonly seed: number },
): CalibrationNull | null => {
  checkProbabilities(labels, probabilities);
  checkCells(plan.cells);
  if (!Number.isSafeInteger(plan.draws) || plan.draws < 1)
    throw new RangeError(`Cannot judge calibration as draws must be whole and >= 1: there are ${plan.draws}`);
  if (labels.length === 0) return null;
  const cellOfRow = cellsByMass(probabilities, plan.cells);
  const errorOf = (some: Numbers): number => meanGap(some, probabilities, cellOfRow, plan.cells);
  const error = errorOf(labels);
  const random = createRandom(plan.seed);
  const drawn = new Uint8Array(labels.length);
  let [sum, asLarge] = [0, 0];
  for (let draw = 0; draw < plan.draws; draw++) {
    for (let row = 0; row < drawn.length; row++) drawn[row] = random() < (probabilities[row] as number) ? 1 : 0;
    const found = errorOf(drawn);
    sum += found;
    // Equal errors may differ by the order in which they were added.
    if (found >= error - 1e-12) asLarge++;
  }
  return { error, expected: sum / plan.draws, pValue: (1 + asLarge) / (1 + plan.draws) };
};
