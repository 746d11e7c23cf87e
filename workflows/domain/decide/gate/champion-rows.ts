import type { EvaluationReport } from '../../contracts/evaluation-report.ts';
import { type Check, checkOf } from '../judgement.ts';

type Report = Pick<EvaluationReport, 'champion' | 'championRows' | 'rows'>;

/** What a person can do where no row, or too few, are new to both models. */
const wayOut =
  'bring rows that it did not learn from, put the split back (data.event_time, data.key, training.holdout), or begin anew: `perennial delete`, then run again';

/** Whether rows are known that the champion did not learn from, or nobody can know. */
export const isComparable = ({ championRows }: Report): boolean => championRows?.kind !== 'unknown';

/** Inconclusive where it cannot be told on which rows the champion can be judged; null where it can. */
export const checkChampionRows = ({ champion, championRows }: Report): Check | null =>
  champion === null || championRows?.kind !== 'unknown'
    ? null
    : checkOf(
        'inconclusive',
        `cannot compare: whether version ${champion.version} learned from rows of this hold-out cannot be told, as ${championRows.reason}; ${wayOut}`,
      );

const learnedSentence = ({ champion, championRows, rows }: Report): string | null =>
  champion === null || championRows?.kind !== 'known' || championRows.learned === 0
    ? null
    : `version ${champion.version} learned from ${championRows.learned} of the ${rows} rows of this hold-out (${championRows.learnedFrom})`;

/** Behind a comparison: on what it was made. Empty where it was made on the whole hold-out, which is what a reader expects. */
export const onWhichRows = (report: Report): string => {
  const { champion, championRows } = report;
  if (champion !== null && championRows?.kind === 'imported')
    return ` (version ${champion.version} was imported: whether it learned from these rows is not known)`;
  const learned = learnedSentence(report);
  return learned === null || championRows?.kind !== 'known'
    ? ''
    : ` (${learned}: compared on the other ${championRows.unlearned})`;
};

/** Why too little could be compared: the rows that the champion learned from, before the inequality, and what to do behind it. */
export const withLearned = (report: Report, sentence: string): string => {
  const learned = learnedSentence(report);
  return learned === null ? `${sentence}${onWhichRows(report)}` : `cannot compare: ${learned}; ${sentence}; ${wayOut}`;
};
