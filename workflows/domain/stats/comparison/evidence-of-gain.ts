import type { Evidence } from '../../contracts/evidence.ts';
import { type EvidenceRole, evidenceId, evidenceRoles } from '../../decide/comparison-evidence.ts';
import type { Contest, Gain, NoGain } from './contest.ts';
import { rowsForPower, rowsToSee } from './sizing.ts';

/** Share of cases in which enough rows are enough, where nobody says otherwise. */
const usualPower = 0.8;

/** What was compared, and what was asked. */
export type Question = Pick<Contest, 'policy' | 'power'> & { readonly name: string; readonly rows: number };

/** Puts a gain, or that there is none, into evidence: interval, p-values, numbers of rows. */
export const evidenceOfGain = (question: Question, gain: Gain | NoGain): Evidence[] => {
  if (gain.kind === 'insufficient') {
    return [{ ...head(question, evidenceRoles.interval, 'gain of the candidate'), kind: 'insufficient', reason: gain.reason }];
  }
  return [intervalOf(question, gain), ...pValuesOf(question, gain), ...rowsWanted(question, gain)];
};

type Head = { readonly id: string; readonly what: string; readonly rows: number };
const head = ({ name, rows }: Question, role: EvidenceRole, what: string): Head => ({
  id: evidenceId(name, role),
  what: `${name}: ${what}`,
  rows,
});

const intervalOf = (question: Question, gain: Gain): Evidence => ({
  ...head(question, evidenceRoles.interval, 'gain of the candidate, one-sided bounds'),
  kind: 'interval',
  estimate: gain.estimate,
  lower: gain.lower,
  upper: gain.upper,
  confidence: question.policy.confidence,
  sides: 'one',
  standardError: gain.standardError,
  method: gain.method,
});

const pValuesOf = (question: Question, gain: Gain): Evidence[] => {
  const { margin } = question.policy;
  const pValue = (role: EvidenceRole, what: string, value: number, test: string): Evidence => ({
    ...head(question, role, what),
    kind: 'p-value',
    pValue: Math.min(1, Math.max(0, value)),
    test,
  });
  return [
    pValue(evidenceRoles.notWorse, `worse by ${margin} or more`, gain.pNonInferior, gain.method),
    pValue(evidenceRoles.harm, `not worse by ${margin}`, gain.pHarm, gain.method),
    pValue(evidenceRoles.better, 'not better', gain.pBetter, gain.testOfBetter),
    ...gain.differences.map(({ role, pValue: value, test }) => pValue(role, 'no difference', value, test)),
  ];
};

/** Numbers of rows; those that no number of rows would reach are left out. */
const rowsWanted = (question: Question, gain: Gain): Evidence[] => {
  const { margin, rule, confidence } = question.policy;
  const { degreesOfFreedom } = gain;
  const variancePerRow = gain.standardError ** 2 * question.rows;
  const wanted = (distance: number, power: number): number => {
    const least = gain.unseen ? rowsToSee(distance, confidence) : 0;
    return Math.ceil(Math.max(least, rowsForPower({ variancePerRow, distance, confidence, power, degreesOfFreedom })));
  };
  const limit = rule === 'better' ? 0 : -margin;
  const measurement = (role: EvidenceRole, what: string, value: number): Evidence[] =>
    Number.isSafeInteger(value) ? [{ ...head(question, role, what), kind: 'measurement', value }] : [];
  const toDecide = wanted(Math.abs(gain.estimate - limit), usualPower);
  return [
    ...measurement(evidenceRoles.rowsToDecide, 'rows to decide at the difference seen', toDecide),
    ...measurement(
      evidenceRoles.rowsForPower,
      'rows to show that an equal model is not worse',
      wanted(margin, question.power ?? usualPower),
    ),
  ];
};
