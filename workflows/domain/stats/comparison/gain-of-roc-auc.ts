import { compareRocAucOfClusters } from './clustered-auc.ts';
import type { Contest, Gain, NoGain } from './contest.ts';
import { compareRocAuc } from './delong.ts';
import { boundDifference, twoSidedTest } from './non-inferiority.ts';

/** Fewest rows of either class whose ranks are compared: fewer, and a normal bound is too narrow to be believed. */
const fewestOfClass = 10;

/**
 * Gain of area under the ROC curve, two classes. Insufficient with fewer than 10 rows of a class, or a class that stands
 * in one cluster only.
 *
 * Source: `delong.ts`, `clustered-auc.ts`.
 */
export const gainOfRocAuc = (contest: Contest, degreesOfFreedom: number): Gain | NoGain => {
  const { candidate, champion, clusters, policy } = contest;
  const { labels } = candidate;
  const positives = Array.from(labels).filter((label) => label === 1).length;
  const rarer = Math.min(positives, labels.length - positives);
  if (rarer < fewestOfClass) {
    return { kind: 'insufficient', reason: `rows of the rarer class ${rarer} >= ${fewestOfClass} does not hold` };
  }
  const found =
    clusters === null ? compareRows(contest) : compareRocAucOfClusters(labels, champion.answers, candidate.answers, clusters);
  if (found === null) {
    return { kind: 'insufficient', reason: `clusters by ${clusters?.by} that hold the rarer class 1 >= 2 does not hold` };
  }
  const { estimate, standardError } = found;
  const method = clusters === null ? 'DeLong, paired' : `DeLong after Obuchowski, paired, clusters by ${clusters.by}`;
  return {
    kind: 'gain',
    estimate,
    standardError,
    ...boundDifference(found, policy.margin, policy.confidence, degreesOfFreedom),
    method,
    testOfBetter: method,
    differences: [{ role: 'difference', pValue: twoSidedTest(found, degreesOfFreedom), test: `${method}, two-sided` }],
    unseen: false,
    degreesOfFreedom,
  };
};

const compareRows = ({ candidate, champion }: Contest) => {
  const found = compareRocAuc(candidate.labels, champion.answers, candidate.answers);
  return found === null ? null : { ...found, estimate: found.difference };
};
