import type { EvaluationReport } from '../../contracts/evaluation-report.ts';
import type { GateSpec } from '../../contracts/pipeline-spec/training.ts';
import { type Check, checkOf, inequality, sentenceOf } from '../judgement.ts';

/** Can the probabilities be taken at their word? Asked only where the pipeline does; missing is an error. */
export const checkCalibration = ({ calibration }: EvaluationReport, gate: GateSpec): Check[] => {
  if (gate.calibration === undefined) return [];
  if (calibration === null) return [checkOf('error', 'calibration error of the candidate is missing: only two classes have one')];
  const { expectedError } = calibration.candidate;
  const found = inequality('expected calibration error', expectedError, '<=', gate.calibration.at_most);
  return [checkOf(found.holds ? 'pass' : 'fail', sentenceOf(found), [found])];
};
