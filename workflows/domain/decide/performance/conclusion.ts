import type { Inequality, Verdict, VerdictOutcome } from '../../contracts/verdict.ts';

/** A verdict of one question. */
export const conclude = (
  outcome: VerdictOutcome,
  reason: string,
  inequalities: readonly Inequality[] = [],
  evidenceIds: readonly string[] = [],
): Verdict => ({ outcome, reason, inequalities: [...inequalities], evidenceIds: [...evidenceIds] });
