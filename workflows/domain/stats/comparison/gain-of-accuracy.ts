import { correctRows } from '../metrics/confusion.ts';
import { clusteredMean } from './clustered-mean.ts';
import type { Clusters } from './clusters.ts';
import type { Contest, Gain } from './contest.ts';
import { mcnemarTest } from './mcnemar.ts';
import { boundDifference, boundProportions, type Disagreements, twoSidedTest, widenByUnseen } from './non-inferiority.ts';

/**
 * Gain of the share of rows that are answered rightly. "Better" is decided by McNemar's exact test where rows are
 * independent, and by Student's t over clusters where they are not.
 *
 * Source: `non-inferiority.ts`, `mcnemar.ts`, `clustered-mean.ts`.
 */
export const gainOfAccuracy = (contest: Contest, degreesOfFreedom: number): Gain => {
  const fresh = correctRows(contest.candidate);
  const old = correctRows(contest.champion);
  const seen = countDisagreements(fresh, old);
  const { clusters } = contest;
  const ofTest =
    clusters === null ? ofRows(contest, seen) : ofClusters(contest, clusters, { fresh, old, seen }, degreesOfFreedom);
  return { kind: 'gain', ...ofTest, unseen: seen.championOnly === 0 || seen.challengerOnly === 0, degreesOfFreedom };
};

type OfTest = Omit<Gain, 'kind' | 'unseen' | 'degreesOfFreedom'>;

const ofRows = ({ policy }: Contest, { championOnly, challengerOnly, rows }: Disagreements): OfTest => {
  const mcnemar = mcnemarTest(championOnly, challengerOnly);
  return {
    ...boundProportions(championOnly, challengerOnly, rows, policy.margin, policy.confidence),
    pBetter: mcnemar.exactBetter,
    method: 'paired proportions',
    testOfBetter: 'McNemar, exact, one-sided',
    differences: [
      { role: 'difference', pValue: mcnemar.exact, test: 'McNemar, exact' },
      { role: 'difference-mid-p', pValue: mcnemar.mid, test: 'McNemar, mid-p' },
    ],
  };
};

type Hits = { readonly fresh: Uint8Array; readonly old: Uint8Array; readonly seen: Disagreements };

const ofClusters = ({ policy }: Contest, clusters: Clusters, { fresh, old, seen }: Hits, degreesOfFreedom: number): OfTest => {
  const change = Int8Array.from(fresh, (hit, row) => hit - (old[row] as number));
  const difference = clusteredMean(change, clusters);
  const bounds = { ...difference, ...boundDifference(difference, policy.margin, policy.confidence, degreesOfFreedom) };
  const alike = { ...seen, rows: rowsWorth(old, clusters) };
  const method = `paired proportions, clusters by ${clusters.by}`;
  return {
    ...widenByUnseen(bounds, alike, policy.margin, policy.confidence),
    method,
    testOfBetter: method,
    differences: [{ role: 'difference', pValue: twoSidedTest(difference, degreesOfFreedom), test: `${method}, two-sided` }],
  };
};

const countDisagreements = (fresh: Uint8Array, old: Uint8Array): Disagreements => {
  let championOnly = 0;
  let challengerOnly = 0;
  for (let row = 0; row < fresh.length; row++) {
    if (fresh[row] === old[row]) continue;
    if (fresh[row] === 1) challengerOnly++;
    else championOnly++;
  }
  return { championOnly, challengerOnly, rows: fresh.length };
};

/**
 * How many independent rows these are worth, by how alike the rows of a cluster are in being answered rightly at all:
 * disagreements that were never seen say nothing about how they would cluster.
 */
const rowsWorth = (hits: Uint8Array, clusters: Clusters): number => {
  const { estimate, standardError } = clusteredMean(hits, clusters);
  const independent = Math.sqrt((estimate * (1 - estimate)) / hits.length);
  return standardError <= independent ? hits.length : hits.length * (independent / standardError) ** 2;
};
