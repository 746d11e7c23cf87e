import type { Evidence } from '../../contracts/evidence.ts';
import { type Clusters, tooFewClusters } from '../comparison/clusters.ts';
import {
  calibrationErrorByMass,
  calibrationErrorByWidth,
  observedOverExpected,
  spiegelhalterTest,
} from '../metrics/calibration.ts';
import { calibrationNull } from '../metrics/calibration-null.ts';
import { calibrationInTheLarge, calibrationNullOfClusters, spiegelhalterOfClusters } from '../metrics/calibration-of-clusters.ts';
import { measure } from '../metrics/metrics.ts';
import type { Numbers } from '../ranks.ts';
import { calibrationCells } from './cross-fitted-calibration.ts';
import { fewestLabelledRows } from './fewest-labelled.ts';

/** Ids of the evidence on calibration. */
export const calibrationEvidenceIds = {
  brier: 'calibration/brier',
  logLoss: 'calibration/log loss',
  errorByMass: 'calibration/error in cells of equal row counts',
  errorByWidth: 'calibration/error in cells of equal width',
  /** By how much the error exceeds what true probabilities would show on these rows; the measure of a move. */
  excess: 'calibration/error beyond chance',
  errorTest: 'calibration/p-value of the error',
  spiegelhalter: 'calibration/p-value of Spiegelhalter',
  inTheLarge: 'calibration/p-value in the large',
  observedOverExpected: 'calibration/observed over expected',
} as const;

/** Of the tests of "the probabilities are true"; which of them a window has depends on its clusters. */
export const calibrationTestIds: readonly string[] = [
  calibrationEvidenceIds.errorTest,
  calibrationEvidenceIds.inTheLarge,
  calibrationEvidenceIds.spiegelhalter,
];

const drawsOfRows = 999;
/** Each costs a pass over all clusters, of which there may be as many as rows. */
const drawsOfClusters = 199;
const fewestToTurn = 8;

export type CalibrationRows = {
  /** 1 or 0. */
  readonly labels: Numbers;
  /** Of class 1, in [0, 1]; as many. */
  readonly probabilities: Numbers;
  /** Which rows belong together; null: each is evidence of its own. */
  readonly clusters: Clusters | null;
};

const trueOnes = 'true probabilities';
const beyondTrue = 'calibration error beyond that of true probabilities';
const ids = calibrationEvidenceIds;

const tested = (id: string, pValue: number | undefined, test: string, rows: number): Evidence[] =>
  pValue === undefined ? [] : [{ id, what: trueOnes, kind: 'p-value', pValue, test, rows }];

const measured = (id: string, what: string, value: number | null, rows: number): Evidence[] =>
  value === null ? [] : [{ id, what, kind: 'measurement', value, rows }];

const insufficient = (id: string, what: string, reason: string, rows: number): Evidence[] => [
  { id, what, kind: 'insufficient', reason, rows },
];

const ofRows = ({ labels, probabilities }: CalibrationRows, seed: number): Evidence[] => {
  const rows = labels.length;
  const error = calibrationNull(labels, probabilities, { cells: calibrationCells, draws: drawsOfRows, seed });
  const spiegelhalter = spiegelhalterTest(labels, probabilities);
  return [
    ...measured(ids.excess, beyondTrue, error === null ? null : Math.max(0, error.error - error.expected), rows),
    ...tested(ids.errorTest, error?.pValue, `calibration error, ${drawsOfRows} draws, mulberry32(${seed})`, rows),
    ...tested(ids.spiegelhalter, spiegelhalter?.pValue, 'Spiegelhalter', rows),
  ];
};

const ofClusters = ({ labels, probabilities }: CalibrationRows, clusters: Clusters, seed: number): Evidence[] => {
  const rows = labels.length;
  const few = tooFewClusters(clusters);
  if (few !== null) return insufficient(ids.inTheLarge, trueOnes, few, rows);
  const error = calibrationNullOfClusters(labels, probabilities, clusters, {
    cells: calibrationCells,
    draws: drawsOfClusters,
    seed,
  });
  const over = `over ${clusters.count} clusters by ${clusters.by}`;
  const large = calibrationInTheLarge(labels, probabilities, clusters)?.pValue;
  const spiegelhalter = spiegelhalterOfClusters(labels, probabilities, clusters)?.pValue;
  // Of fewer clusters this test can say nothing, and would only take its part of the level from the others, where there are any.
  const byError = clusters.count < fewestToTurn && large !== undefined ? undefined : error.pValue;
  return [
    ...measured(ids.excess, beyondTrue, Math.max(0, error.error - error.expected), rows),
    ...tested(ids.inTheLarge, large, `positives against promised ${over}`, rows),
    ...tested(ids.spiegelhalter, spiegelhalter, `Spiegelhalter ${over}`, rows),
    ...tested(ids.errorTest, byError, `calibration error ${over}, signs turned, mulberry32(${seed})`, rows),
  ];
};

/**
 * All that a matured window says about its probabilities: losses, calibration errors of both kinds, the error beyond what
 * chance alone gives, observed over expected, and tests of "the probabilities are true", which see different things:
 * Spiegelhalter's is sharp against probabilities that are too bold or too shy, that in the large against too high or too
 * low ones, that of the error against any bend.
 *
 * `asked` are the rows that the tests and the error beyond chance are about: the window's, or where it has too few clusters
 * to tell, those before it too. With clusters the tests go by what clusters differ by; that of the error needs 8.
 *
 * Labels other than 1 and 0 and probabilities outside [0, 1] throw RangeError. With fewer than 30 rows one piece of
 * evidence of kind insufficient; with too few clusters one instead of the tests. What does not exist for these rows is left
 * out.
 *
 * Source: of the parts.
 */
export const calibrationEvidence = (window: CalibrationRows, asked: CalibrationRows, seed: number): Evidence[] => {
  const { labels, probabilities } = window;
  const rows = labels.length;
  if (rows < fewestLabelledRows) {
    const reason = `labelled rows ${rows} >= ${fewestLabelledRows} does not hold`;
    return insufficient(ids.errorByMass, 'calibration error', reason, rows);
  }
  const scored = { task: 'binary' as const, classes: 2, labels, answers: probabilities };
  const byMass = calibrationErrorByMass(labels, probabilities, calibrationCells);
  const byWidth = calibrationErrorByWidth(labels, probabilities, calibrationCells);
  return [
    ...measured(ids.brier, 'Brier score', measure('brier', scored), rows),
    ...measured(ids.logLoss, 'log loss', measure('log_loss', scored), rows),
    ...measured(ids.errorByMass, 'calibration error, cells of equal row counts', byMass, rows),
    ...measured(ids.errorByWidth, 'calibration error, cells of equal width', byWidth, rows),
    ...measured(ids.observedOverExpected, 'positives observed over expected', observedOverExpected(labels, probabilities), rows),
    ...(asked.clusters === null ? ofRows(asked, seed) : ofClusters(asked, asked.clusters, seed)),
  ];
};
