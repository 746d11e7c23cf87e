import type { FairnessReport } from '../../contracts/evaluation-report.ts';
import { fairnessName } from '../../decide/comparison-evidence.ts';
import { everyRowOnce, type Scored } from '../metrics/scored.ts';
import { finish, type Steps } from '../steps.ts';
import { type Clusters, effectiveClusters, tooFewClusters } from './clusters.ts';
import { checkModels } from './compare-models.ts';
import type { Gain, NoGain } from './contest.ts';
import { evidenceOfGain, type Question } from './evidence-of-gain.ts';
import { type GainOf, resampleGain } from './gain-by-resampling.ts';
import { type FairnessMeasure, type Group, prepareGroupGap, ratesOfGroup } from './group-gap.ts';

/** Two models on the same rows of two classes, and the groups that they are to treat alike. */
export type FairnessContest = Pick<Question, 'policy' | 'power'> & {
  readonly by: string;
  readonly groups: readonly Group[];
  readonly candidate: Scored;
  readonly champion: Scored;
  readonly clusters: Clusters | null;
  readonly seed: number;
};

/** Fewer rows, or fewer positive ones, and a group's rates are reported but not compared: they are mostly chance. */
const fewestRowsOfGroup = 100;
const fewestPositivesOfGroup = 10;

/**
 * Compares how alike two models treat groups: for each measure the candidate's gap against the champion's, resampled
 * together. The gain is the champion's gap minus the candidate's (of the ratio: the candidate's minus the champion's), so
 * that more is better. Fewer than two groups of 100 rows are insufficient evidence. Throws RangeError as `compareModels`.
 *
 * Source: `group-gap.ts`; resampling as for any metric, `gain-by-resampling.ts`.
 */
export const compareFairness = (contest: FairnessContest): FairnessReport => finish(compareFairnessInSteps(contest));

/** The same in steps. */
export function* compareFairnessInSteps(contest: FairnessContest): Steps<FairnessReport> {
  checkModels(contest.candidate, contest.champion);
  const groups = contest.groups.map((group) => describeGroup(contest, group));
  const isGated = (index: number): boolean => groups[index]?.isGated === true;
  const gated = contest.groups.filter((_, index) => isGated(index));
  const withPositives = gated.filter((group) => ratesOfGroup(contest.candidate, group).positives >= fewestPositivesOfGroup);
  const measures = [
    yield* compareMeasure(contest, 'equal opportunity difference', withPositives),
    yield* compareMeasure(contest, 'selection rate ratio', gated),
  ];
  return { by: contest.by, margin: contest.policy.margin, groups, measures };
}

const describeGroup = ({ candidate, champion }: FairnessContest, group: Group): FairnessReport['groups'][number] => {
  const { rows, positives, ...ofCandidate } = ratesOfGroup(candidate, group);
  const { selectionRate, truePositiveRate } = ratesOfGroup(champion, group);
  return {
    value: group.value,
    rows,
    positives,
    isGated: rows >= fewestRowsOfGroup,
    candidate: ofCandidate,
    champion: { selectionRate, truePositiveRate },
  };
};

function* compareMeasure(
  contest: FairnessContest,
  measure: FairnessMeasure,
  groups: readonly Group[],
): Steps<FairnessReport['measures'][number]> {
  const all = everyRowOnce(contest.candidate.labels.length);
  const [fresh, old] = [contest.candidate, contest.champion].map((model) => prepareGroupGap(measure, model, groups));
  const [ofCandidate, ofChampion] = [fresh?.(all) ?? null, old?.(all) ?? null];
  const isRatio = measure === 'selection rate ratio';
  const gainOf: GainOf = (weights) => {
    const [one, other] = [fresh?.(weights) ?? null, old?.(weights) ?? null];
    if (one === null || other === null) return null;
    return isRatio ? one - other : other - one;
  };
  const name = fairnessName(measure, contest.by);
  const rows = groups.reduce((sum, group) => sum + group.rows.length, 0);
  const gain = yield* estimate(contest, name, groups.length, gainOf);
  return {
    measure,
    candidate: ofCandidate,
    champion: ofChampion,
    evidence: evidenceOfGain({ policy: contest.policy, ...powerOf(contest), name, rows }, gain),
  };
}

const powerOf = ({ power }: FairnessContest): Pick<Question, 'power'> => (power === undefined ? {} : { power });

function* estimate(contest: FairnessContest, name: string, groups: number, gainOf: GainOf): Steps<Gain | NoGain> {
  if (groups < 2) return { kind: 'insufficient', reason: `groups with enough rows ${groups} >= 2 does not hold` };
  const { clusters, candidate } = contest;
  const tooFew = clusters === null ? null : tooFewClusters(clusters);
  if (tooFew !== null) return { kind: 'insufficient', reason: tooFew };
  const degreesOfFreedom = clusters === null ? Number.POSITIVE_INFINITY : effectiveClusters(clusters) - 1;
  return yield* resampleGain({ ...contest, name, rows: candidate.labels.length }, gainOf, degreesOfFreedom);
}
