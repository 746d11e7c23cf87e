import type { Signal } from '../../contracts/retrain-policy.ts';
import type { Verdict } from '../../contracts/verdict.ts';

/**
 * What a verdict on one window (performance, estimate, drift, calibration) says to the triggers. A failure is 1 and fires;
 * a pass is 0 and arms again; what was measured but is undecided is 1/2 and does neither. Null, so nothing was heard,
 * where there was too little to measure or the verdict is an error. Does not throw.
 *
 * Example: `signalOfVerdict('drift', { outcome: 'fail', … })?.score` is 1.
 */
export const signalOfVerdict = (what: string, { outcome, inequalities, evidenceIds }: Verdict): Signal | null => {
  const heard = (score: number): Signal => ({ score, what, evidenceIds: [...evidenceIds] });
  switch (outcome) {
    case 'fail':
      return heard(1);
    case 'pass':
      return heard(0);
    case 'inconclusive':
      return inequalities.length > 0 ? heard(0.5) : null;
    case 'error':
      return null;
    default:
      return outcome satisfies never;
  }
};
