import type { DriftState } from '../../contracts/drift-report.ts';
import type { Signal } from '../../contracts/retrain-policy.ts';

const scores: Readonly<Record<DriftState, number | null>> = { insufficient: null, ok: 0, warn: 0.5, recovering: 0.5, drift: 1 };

/**
 * A state of the drift automaton as a score: only `drift` fires, only `ok` arms again, and too few rows say neither.
 * Null where the window was insufficient.
 */
export const signalOfDrift = (what: string, state: DriftState, evidenceIds: readonly string[]): Signal | null => {
  const score = scores[state];
  return score === null ? null : { score, what, evidenceIds: [...evidenceIds] };
};
