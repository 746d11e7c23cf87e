/** How many labels there are, and what is odd about them. */
import { type LagCurve, lagOfShare } from '#domain/stats/performance/lag-curve.ts';
import { maturedShare } from '#domain/stats/performance/maturity.ts';
import type { Joined } from '../../infra/performance/joined.ts';
import { countUnknownIds, tallyLabels, tallyRows } from '../../infra/performance/questions.ts';
import type { LabelCounts } from './performance-question.ts';
import type { Subject } from './performance-subject.ts';
import { createLabelReader } from './scored-rows.ts';

/** Rows of all versions in windows that are old enough, by class. */
export const countLabels = async (joined: Joined, subject: Subject, curve: LagCurve, beginMs: number): Promise<LabelCounts> => {
  const { windowMs, nowMs, policy, question, model } = subject;
  const afterMs = policy.unlabelled === 'negative' ? policy.horizonMs : (lagOfShare(curve, maturedShare) ?? policy.horizonMs);
  const { predictions, labelled, late } = await tallyRows(joined, afterMs);
  const unknownIds = await countUnknownIds(joined);
  const counts = { predictions, labelled, unknownIds, late, unreadableParts: joined.unreadable };
  const hasClasses = model.task !== 'regression';
  if (afterMs === null) return { newRows: 0, newRareRows: hasClasses ? 0 : null, ...counts };
  const maturedMs = Math.floor((nowMs - afterMs - 1) / windowMs) * windowMs;
  const sinceMs = Math.max(beginMs, question.labelsSince === null ? beginMs : Date.parse(question.labelsSince));
  const readLabel = createLabelReader(model);
  const byClass = new Map<number, number>();
  for (const { label, rows } of await tallyLabels(joined, sinceMs, maturedMs)) {
    const settled = label === null && policy.unlabelled === 'negative' ? 0 : readLabel(label);
    if (settled !== null) byClass.set(settled, (byClass.get(settled) ?? 0) + rows);
  }
  const newRows = [...byClass.values()].reduce((sum, rows) => sum + rows, 0);
  const newRareRows = hasClasses ? Math.min(...model.classes.map((_, index) => byClass.get(index) ?? 0)) : null;
  return { newRows, newRareRows, ...counts };
};
