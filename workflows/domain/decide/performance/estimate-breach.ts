import type { Evidence } from '../../contracts/evidence.ts';
import type { Verdict } from '../../contracts/verdict.ts';
import { inequality, sentenceOf } from '../judgement.ts';
import { conclude } from './conclusion.ts';
import { decideGain, type PerformancePolicy } from './performance-breach.ts';

export type EstimatePolicy = PerformancePolicy & {
  /** Calibration error from which on probabilities are not believed. */
  readonly largestCalibrationError: number;
};

/** Beyond this an estimate may be wrong by more than what pipelines tolerate. */
export const defaultLargestCalibrationError = 0.03;

/**
 * Does the estimate without labels say that the model has lost more than is tolerated? Only where its calibration is
 * healthy: an estimate rests on nothing else. Fails and passes as `decidePerformance` does.
 *
 * `calibrationError` is that of the reference or, better, of the newest matured window; null where it is not known, which
 * is unhealthy. A pass is no proof that all is well: no estimate without labels sees concept drift.
 *
 * Source: definition.
 */
export const decideEstimate = (
  evidence: Evidence | undefined,
  calibrationError: number | null,
  policy: EstimatePolicy,
): Verdict => {
  if (calibrationError === null) return conclude('inconclusive', 'the calibration error of the probabilities is not known');
  const healthy = inequality('calibration error', calibrationError, '<=', policy.largestCalibrationError);
  if (!healthy.holds)
    return conclude('inconclusive', `${sentenceOf(healthy)}: an estimate without labels is not believed`, [healthy]);
  const found = decideGain(evidence, policy);
  return { ...found, inequalities: [healthy, ...found.inequalities] };
};
