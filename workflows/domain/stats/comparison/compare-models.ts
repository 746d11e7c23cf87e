import type { Comparison } from '../../contracts/evaluation-report.ts';
import { comparisonName } from '../../decide/comparison-evidence.ts';
import { measure } from '../metrics/metrics.ts';
import { finish, type Steps } from '../steps.ts';
import { type Clusters, effectiveClusters } from './clusters.ts';
import type { Contest } from './contest.ts';
import { estimateGain } from './estimate-gain.ts';
import { evidenceOfGain } from './evidence-of-gain.ts';

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
  const { metric, slice, candidate, champion, clusters, policy } = contest;
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

/** Clusters as a report says them. */
export const describeClusters = (clusters: Clusters | null): Comparison['clusters'] =>
  clusters === null ? null : { by: clusters.by, count: clusters.count, effective: effectiveClusters(clusters) };
