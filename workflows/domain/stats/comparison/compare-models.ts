import type { Comparison } from '../../contracts/evaluation-report.ts';
import type { Evidence } from '../../contracts/evidence.ts';
import { type EvidenceRole, evidenceId, evidenceRoles, sliceName } from '../../decide/comparison-evidence.ts';
import { measure } from '../metrics/metrics.ts';
import { finish, type Steps } from '../steps.ts';
import { type Contest, estimateGain, type Gain } from './estimate-gain.ts';
import { rowsForPower, rowsToSee } from './non-inferiority.ts';

/** Share of cases in which enough rows are enough. */
const power = 0.8;

/**
 * Compares two models on the same rows by one metric, and puts what was found into evidence for the gate: one-sided
 * bounds of the gain (candidate minus champion, turned so that more is better), p-values, and how many rows would do.
 *
 * Too few rows, or a metric that does not exist for them, is evidence of kind "insufficient". Does not throw for any rows.
 *
 * Source: of each estimate and bound, in `estimate-gain.ts` and `non-inferiority.ts`.
 */
export const compareModels = (contest: Contest): Comparison => finish(compareInSteps(contest));

/** The same in steps, for resampling takes seconds. */
export function* compareInSteps(contest: Contest): Steps<Comparison> {
  const { metric, slice, candidate, champion, policy } = contest;
  const gain = yield* estimateGain(contest);
  return {
    metric,
    slice,
    rows: candidate.labels.length,
    candidate: measure(metric, candidate),
    champion: measure(metric, champion),
    margin: policy.margin,
    evidence: gain.kind === 'insufficient' ? [insufficient(contest, gain.reason)] : evidenceOf(contest, gain),
  };
}

type Head = { readonly id: string; readonly what: string; readonly rows: number };
const head = ({ metric, slice, candidate }: Contest, role: EvidenceRole, what: string): Head => ({
  id: evidenceId({ metric, slice }, role),
  what: `${metric}, ${sliceName(slice)}: ${what}`,
  rows: candidate.labels.length,
});

const insufficient = (contest: Contest, reason: string): Evidence => ({
  ...head(contest, evidenceRoles.interval, 'gain of the candidate'),
  kind: 'insufficient',
  reason,
});

const evidenceOf = (contest: Contest, gain: Gain): Evidence[] => {
  const { policy } = contest;
  const pValue = (role: EvidenceRole, what: string, value: number): Evidence => ({
    ...head(contest, role, what),
    kind: 'p-value',
    pValue: Math.min(1, Math.max(0, value)),
    test: gain.method,
  });
  return [
    {
      ...head(contest, evidenceRoles.interval, 'gain of the candidate, one-sided bounds'),
      kind: 'interval',
      estimate: gain.estimate,
      lower: gain.lower,
      upper: gain.upper,
      confidence: policy.confidence,
      sides: 'one',
      standardError: gain.standardError,
      method: gain.method,
    },
    pValue(evidenceRoles.notWorse, `worse by ${policy.margin} or more`, gain.pNonInferior),
    pValue(evidenceRoles.harm, `not worse by ${policy.margin}`, gain.pHarm),
    ...(gain.difference === null
      ? []
      : [
          {
            ...pValue(evidenceRoles.difference, 'no difference', gain.difference.pValue),
            test: gain.difference.test,
          } as Evidence,
        ]),
    ...rowsWanted(contest, gain),
  ];
};

/** Numbers of rows; those that no number of rows would reach are left out. */
const rowsWanted = (contest: Contest, gain: Gain): Evidence[] => {
  const { policy, candidate } = contest;
  const variancePerRow = gain.standardError ** 2 * candidate.labels.length;
  const wanted = (distance: number): number => {
    const least = gain.unseen ? rowsToSee(distance, policy.confidence) : 0;
    return Math.ceil(Math.max(least, rowsForPower({ variancePerRow, distance, confidence: policy.confidence, power })));
  };
  const limit = policy.rule === 'better' ? 0 : -policy.margin;
  const measurement = (role: EvidenceRole, what: string, value: number): Evidence[] =>
    Number.isSafeInteger(value) ? [{ ...head(contest, role, what), kind: 'measurement', value }] : [];
  return [
    ...measurement(evidenceRoles.rowsToDecide, 'rows to decide at the difference seen', wanted(Math.abs(gain.estimate - limit))),
    ...measurement(evidenceRoles.rowsForPower, 'rows to show that an equal model is not worse', wanted(policy.margin)),
  ];
};
