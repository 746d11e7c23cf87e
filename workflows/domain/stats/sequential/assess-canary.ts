import type { CanaryAssessment, CanaryPolicy, CanarySegment } from '../../contracts/canary.ts';
import { assessGuardrail, insufficient } from './assess-guardrail.ts';
import { checkSegment } from './check-segment.ts';
import { eValueOf } from './count-test.ts';
import { logEvidenceOfMismatch, testSplitOnce } from './split-mismatch.ts';

/**
 * Counters of a rollout as evidence: segments in the order in which they were, the last one being the present.
 *
 * Harm and ratio rest on all segments in which both arms answered (share below 1); the split and the events above budget
 * on the present one; the floor on all requests of the candidate. A guardrail that some arm did not count is
 * `insufficient`, never quiet. Throws RangeError without a segment, for a share outside (0, 1], and for counters that are
 * negative, not whole, or more events than requests.
 *
 * Events must be independent given the split. Where an entity stays with its arm and fails again and again, count its
 * first failure, or state how many events count as one (`designEffect`).
 */
export const assessCanary = (segments: readonly CanarySegment[], policy: Pick<CanaryPolicy, 'guardrails'>): CanaryAssessment => {
  const present = segments.at(-1);
  if (present === undefined) throw new RangeError('Cannot assess a canary as there must be a segment: there is none');
  for (const segment of segments) checkSegment(segment);
  return {
    guardrails: policy.guardrails.map((guardrail) => assessGuardrail(segments, present, guardrail)),
    split: assessSplit(present),
  };
};

const assessSplit = ({ share, candidate, champion }: CanarySegment): CanaryAssessment['split'] => {
  const rows = candidate.units + champion.units;
  const counts = { share, candidate: candidate.units, champion: champion.units };
  if (share === 1 || rows === 0) {
    const reason = share === 1 ? 'the candidate answers everything' : 'no request';
    return {
      sequential: insufficient('split/sequential', reason, rows),
      atOnce: insufficient('split/at-once', reason, rows),
    };
  }
  const what = `the candidate answers another share than ${share}`;
  const eValue = eValueOf(logEvidenceOfMismatch(counts));
  const { pValue } = testSplitOnce(counts);
  return {
    sequential: { id: 'split/sequential', what, kind: 'e-value', eValue, rows },
    atOnce: { id: 'split/at-once', what, kind: 'p-value', pValue, test: 'chi-square', rows },
  };
};
