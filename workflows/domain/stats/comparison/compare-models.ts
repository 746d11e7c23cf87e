import type { Comparison } from '../../contracts/evaluation-report.ts';
import { comparisonName } from '../../decide/comparison-evidence.ts';
import { checkScored } from '../metrics/check-scored.ts';
import { measure } from '../metrics/metrics.ts';
import type { Scored } from '../metrics/scored.ts';
import { finish, type Steps } from '../steps.ts';
import { type Clusters, effectiveClusters } from './clusters.ts';
import type { Contest } from './contest.ts';
import { estimateGain } from './estimate-gain.ts';
import { evidenceOfGain } from './evidence-of-gain.ts';

/**
 * Compares two models on the same rows by one metric, and puts what was found into evidence for the gate: one-sided
 * bounds of the gain (candidate minus champion, turned so that more is better), p-values, and how many rows would do.
 *
 * Too few rows, or a metric that does not exist for them, is evidence of kind "insufficient". With a margin of 0 "not
 * worse" asks for a gain, and no number of rows is enough for an equal model. Throws RangeError for labels and answers
 * that are none (`checkScored`), and for models of different rows.
 *
 * Source: of each estimate and bound, in `estimate-gain.ts` and `non-inferiority.ts`.
 */
export const compareModels = (contest: Contest): Comparison => finish(compareInSteps(contest));

/** The same in steps, for resampling takes seconds. */
export function* compareInSteps(contest: Contest): Steps<Comparison> {
  const { metric, slice, candidate, champion, clusters, policy } = contest;
  checkModels(candidate, champion);
  const gain = yield* estimateGain(contest);
  const rows = candidate.labels.length;
  return {
    metric,
    slice,
    rows,
    clusters: describeClusters(clusters),
    candidate: measure(metric, candidate),
    champion: measure(metric, champion),
    margin: policy.margin,
    evidence: evidenceOfGain({ ...contest, name: comparisonName({ metric, slice }), rows }, gain),
  };
}

/** Throws RangeError unless both are answers for as many rows of one task. */
export const checkModels = (candidate: Scored, champion: Scored): void => {
  checkScored(candidate);
  checkScored(champion);
  if (candidate.labels.length === champion.labels.length && candidate.task === champion.task) return;
  throw new RangeError(
    `Cannot compare models as both must answer the same rows: ${candidate.labels.length} (${candidate.task}) and ${champion.labels.length} (${champion.task})`,
  );
};

/** Clusters as a report says them. */
export const describeClusters = (clusters: Clusters | null): Comparison['clusters'] =>
  clusters === null ? null : { by: clusters.by, count: clusters.count, effective: effectiveClusters(clusters) };
