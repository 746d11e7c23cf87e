import type { DriftPolicy, JudgedVariable, ObservedVariable, VariableMemory, WindowLevel } from '../../contracts/drift-state.ts';
import type { Inequality } from '../../contracts/verdict.ts';
import { inequality, sentenceOf, shortNumber } from '../judgement.ts';

/** Nothing remembered: quiet until shown otherwise. */
export const newVariable: VariableMemory = { phase: 'ok', recent: [] };

export type NextVariable = { readonly judged: JudgedVariable; readonly memory: VariableMemory };

/**
 * The next state of one variable: a pure automaton over windows.
 *
 * A window is low where PSI less its noise is below `leave`. It is high where it is not low, the estimate (or, by default,
 * the upper end of its 95 % interval) reaches `enter`, and the adjusted p-value is at or below `significance`; else middle. Drift begins with `needed` high windows of the last `of`, from whatever state, and
 * ends with as many low ones; then it recovers until all the last `of` windows are low. Outside of drift and recovery, a
 * window at or above `warn` is a warning, at once and for as long as it lasts.
 *
 * A window with too few rows counts neither way: it is shown as insufficient, and phase and recent windows stay as they
 * are, so that three nights without traffic are no recovery. Compares only; does not throw.
 */
export const nextVariable = (policy: DriftPolicy, before: VariableMemory, observed: ObservedVariable): NextVariable => {
  const { name, measured } = observed;
  if (measured === null) return uncounted(name, before, 'too few rows to tell a change from noise');
  const found = compare(policy, measured);
  const recent = [...before.recent, levelOf(found)].slice(-policy.of);
  const counts = { high: countOf(recent, 'high'), low: countOf(recent, 'low') };
  const isWarned = measured.debiasedPsi >= policy.warn;
  const phase = nextPhase(policy, before.phase, recent, counts, isWarned);
  const persistence = persistenceOf(policy, phase, counts);
  return {
    judged: {
      name,
      state: phase,
      reason: `${name}: ${phase}, as ${sentenceOf(found.size)}, ${sentenceOf(found.significance)}; ${sentenceOf(persistence)} of the last ${recent.length}`,
      inequalities: [found.size, found.significance, persistence],
    },
    memory: { phase, recent },
  };
};

/** A window that does not count for a variable. */
export const uncounted = (name: string, memory: VariableMemory, why: string): NextVariable => ({
  judged: { name, state: 'insufficient', reason: `${name}: ${why}; it stays ${memory.phase}`, inequalities: [] },
  memory,
});

type Found = { readonly size: Inequality; readonly significance: Inequality; readonly isLow: boolean };
type Measured = NonNullable<ObservedVariable['measured']>;

const compare = (policy: DriftPolicy, { debiasedPsi, psiUpperLimit, adjustedPValue }: Measured): Found => ({
  size:
    policy.enterBy === 'estimate'
      ? inequality('PSI less its noise', debiasedPsi, '>=', policy.enter)
      : inequality(`PSI less its noise ${shortNumber(debiasedPsi)}, upper 95% limit`, psiUpperLimit, '>=', policy.enter),
  significance: inequality('adjusted p-value', adjustedPValue, '<=', policy.significance),
  isLow: debiasedPsi < policy.leave,
});

const levelOf = ({ size, significance, isLow }: Found): WindowLevel => {
  if (isLow) return 'low';
  return size.holds && significance.holds ? 'high' : 'middle';
};

const countOf = (recent: readonly WindowLevel[], level: WindowLevel): number => recent.filter((one) => one === level).length;

type LevelCounts = { readonly high: number; readonly low: number };

const nextPhase = (
  policy: DriftPolicy,
  before: VariableMemory['phase'],
  recent: readonly WindowLevel[],
  counts: LevelCounts,
  isWarned: boolean,
): VariableMemory['phase'] => {
  if (counts.high >= policy.needed) return 'drift';
  if (before === 'drift') return counts.low >= policy.needed ? 'recovering' : 'drift';
  if (before === 'recovering' && !(recent.length === policy.of && counts.low === policy.of)) return 'recovering';
  return isWarned ? 'warn' : 'ok';
};

/** What the phase hangs on: low windows while drift may end, high ones while it may begin. */
const persistenceOf = (policy: DriftPolicy, phase: VariableMemory['phase'], { high, low }: LevelCounts): Inequality => {
  const mayBegin = phase === 'ok' || phase === 'warn' || high >= policy.needed;
  if (mayBegin) return inequality('high windows', high, '>=', policy.needed);
  return inequality('low windows', low, '>=', phase === 'recovering' ? policy.of : policy.needed);
};
