import { calibrationErrorByMass } from '../metrics/calibration.ts';
import { createRandom } from '../random.ts';
import { ascendingOrder, type Numbers } from '../ranks.ts';
import { finish, type Steps } from '../steps.ts';
import { calibrate, fitCalibrator } from './calibrator.ts';

export type CrossFit = {
  readonly seed: number;
  /** Parts of the rows; each is calibrated by a calibrator that was fitted on the others. 10 by default. */
  readonly folds?: number;
};

/** Cells of equal row counts over which calibration errors are taken, here and in a reference profile. */
export const calibrationCells = 10;

/**
 * Each row's probability by a calibrator that has not seen the row, so that the fit cannot praise itself.
 *
 * Labels 1 or 0, scores finite, both length n. Rows are dealt to the folds by a seeded shuffle. Null with fewer rows than
 * folds, or where the rows outside a fold lack a class. Throws RangeError as `fitCalibrator` does, and for less than 2 folds.
 *
 * Source: Stone, "Cross-validatory choice and assessment of statistical predictions", JRSS B 36 (1974).
 */
export const crossFittedProbabilities = (labels: Numbers, scores: Numbers, plan: CrossFit): Float64Array | null =>
  finish(crossFitInSteps(labels, scores, plan));

/** The same in steps, one a fold. */
export function* crossFitInSteps(labels: Numbers, scores: Numbers, plan: CrossFit): Steps<Float64Array | null> {
  const folds = plan.folds ?? 10;
  if (!Number.isInteger(folds) || folds < 2)
    throw new RangeError(`Cannot cross-fit as folds must be whole and >= 2: it is ${folds}`);
  if (labels.length < folds) return null;
  const foldOf = dealRows(labels.length, folds, plan.seed);
  // Sorted once, because a calibrator does not sort what is in order already.
  const order = ascendingOrder(scores);
  const found = new Float64Array(labels.length);
  for (let fold = 0; fold < folds; fold++) {
    const others = order.filter((row) => foldOf[row] !== fold);
    const calibrator = fitCalibrator(pick(labels, others), pick(scores, others));
    if (calibrator === null) return null;
    for (const row of order) if (foldOf[row] === fold) found[row] = calibrate(calibrator, scores[row] as number);
    yield;
  }
  return found;
}

/**
 * Expected calibration error, in cells of equal row counts, that a calibrator fitted on these rows will have on others.
 * Null where rows cannot be cross-fitted. Even true probabilities have some on few rows: `calibrationNull` says how much.
 *
 * Source: of the parts. Agrees with: test/domain/stats/performance/calibrator.test.ts, by simulation.
 */
export const crossFittedCalibrationError = (labels: Numbers, scores: Numbers, plan: CrossFit): number | null => {
  const probabilities = crossFittedProbabilities(labels, scores, plan);
  return probabilities === null ? null : calibrationErrorByMass(labels, probabilities, calibrationCells);
};

/** The fold of each row: equal parts, in an order drawn by Fisher-Yates. */
const dealRows = (rows: number, folds: number, seed: number): Uint32Array => {
  const foldOf = Uint32Array.from({ length: rows }, (_, row) => row % folds);
  const random = createRandom(seed);
  for (let i = rows - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [foldOf[i], foldOf[j]] = [foldOf[j] as number, foldOf[i] as number];
  }
  return foldOf;
};

const pick = (values: Numbers, rows: Uint32Array): Float64Array => Float64Array.from(rows, (row) => values[row] as number);
