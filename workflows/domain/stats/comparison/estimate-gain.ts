import type { Steps } from '../steps.ts';
import { effectiveClusters, tooFewClusters } from './clusters.ts';
import type { Contest, Gain, NoGain } from './contest.ts';
import { gainByResampling } from './gain-by-resampling.ts';
import { gainOfAccuracy } from './gain-of-accuracy.ts';
import { gainOfRocAuc } from './gain-of-roc-auc.ts';

/**
 * Fewest rows that are compared at all, and fewest of each class for a ranking. Fewer, and normal or resampled bounds are
 * too narrow to be believed; more, and small pipelines could never compare.
 */
const fewestRows = 30;

/**
 * Estimates the gain by the test that fits metric and rows. Independent rows: DeLong for the ROC AUC of two classes,
 * paired proportions with McNemar for accuracy, a paired bootstrap for anything else. Rows in clusters: Obuchowski's
 * form of DeLong, a clustered mean, and the jackknife or bootstrap of clusters, with Student's t by what the clusters are
 * worth. Insufficient with fewer than 30 rows, 10 of a class, or too few clusters.
 *
 * Source: of each test, in the files of this folder.
 */
export function* estimateGain(contest: Contest): Steps<Gain | NoGain> {
  const rows = contest.candidate.labels.length;
  if (rows < fewestRows) return { kind: 'insufficient', reason: `rows ${rows} >= ${fewestRows} does not hold` };
  const { clusters } = contest;
  const tooFew = clusters === null ? null : tooFewClusters(clusters);
  if (tooFew !== null) return { kind: 'insufficient', reason: tooFew };
  const degreesOfFreedom = clusters === null ? Number.POSITIVE_INFINITY : effectiveClusters(clusters) - 1;
  if (contest.metric === 'roc_auc' && contest.candidate.task === 'binary') return gainOfRocAuc(contest, degreesOfFreedom);
  if (contest.metric === 'accuracy') return gainOfAccuracy(contest, degreesOfFreedom);
  return yield* gainByResampling(contest, degreesOfFreedom);
}
