import type { Evidence } from '../../contracts/evidence.ts';
import { calibrationErrorByWidth, observedOverExpected, spiegelhalterTest } from '../metrics/calibration.ts';
import { calibrationNull } from '../metrics/calibration-null.ts';
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
  observedOverExpected: 'calibration/observed over expected',
} as const;

const draws = 999;

/**
 * All that a matured window says about its probabilities: losses, calibration errors of both kinds, the error beyond what
 * chance alone gives, observed over expected, and two tests of "the probabilities are true", which see different things:
 * Spiegelhalter's is sharp against probabilities that are too bold or too shy, the other against any bend.
 *
 * Labels 1 or 0, probabilities of class 1 in [0, 1], both length n; anything else throws RangeError. With fewer than 30
 * rows one piece of evidence of kind insufficient. What does not exist for these rows is left out.
 *
 * Source: of the parts.
 */
export const calibrationEvidence = (labels: Numbers, probabilities: Numbers, seed: number): Evidence[] => {
  const rows = labels.length;
  if (rows < fewestLabelledRows) {
    const reason = `labelled rows ${rows} >= ${fewestLabelledRows} does not hold`;
    return [{ id: calibrationEvidenceIds.errorByMass, what: 'calibration error', kind: 'insufficient', reason, rows }];
  }
  const scored = { task: 'binary' as const, classes: 2, labels, answers: probabilities };
  const byMass = calibrationNull(labels, probabilities, { cells: calibrationCells, draws, seed });
  const spiegelhalter = spiegelhalterTest(labels, probabilities);
  const measured = (id: string, what: string, value: number | null): Evidence[] =>
    value === null ? [] : [{ id, what, kind: 'measurement', value, rows }];
  const tested = (id: string, what: string, pValue: number | undefined, test: string): Evidence[] =>
    pValue === undefined ? [] : [{ id, what, kind: 'p-value', pValue, test, rows }];
  const ids = calibrationEvidenceIds;
  const trueOnes = 'the probabilities are true';
  return [
    ...measured(ids.brier, 'Brier score', measure('brier', scored)),
    ...measured(ids.logLoss, 'log loss', measure('log_loss', scored)),
    ...measured(ids.errorByMass, 'calibration error, cells of equal row counts', byMass?.error ?? null),
    ...measured(
      ids.errorByWidth,
      'calibration error, cells of equal width',
      calibrationErrorByWidth(labels, probabilities, calibrationCells),
    ),
    ...measured(
      ids.excess,
      'calibration error beyond that of true probabilities',
      byMass === null ? null : Math.max(0, byMass.error - byMass.expected),
    ),
    ...measured(ids.observedOverExpected, 'positives observed over expected', observedOverExpected(labels, probabilities)),
    ...tested(ids.errorTest, trueOnes, byMass?.pValue, `calibration error, ${draws} draws, mulberry32(${seed})`),
    ...tested(ids.spiegelhalter, trueOnes, spiegelhalter?.pValue, 'Spiegelhalter, two-sided'),
  ];
};
