import type { CalibrationPolicy } from '../../decide/performance/recalibrate.ts';
import { calibrationEvidenceIds, calibrationTestIds } from './calibration-evidence.ts';

/** The rule by which a matured window asks for a new calibrator; see `decideCalibration`. */
export const calibrationPolicy: CalibrationPolicy = {
  testIds: calibrationTestIds,
  excessId: calibrationEvidenceIds.excess,
  ratioId: calibrationEvidenceIds.observedOverExpected,
  // Of each window anew: what the tests start goes through the gate, so that a false alarm costs a run.
  level: 0.05,
  // Under it a threshold that was chosen by cost stays right enough.
  tolerated: 0.01,
};
