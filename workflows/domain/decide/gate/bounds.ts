import type { Comparison } from '../../contracts/evaluation-report.ts';
import type { Evidence } from '../../contracts/evidence.ts';
import type { Inequality } from '../../contracts/verdict.ts';
import { inequality, percent, shortNumber } from '../judgement.ts';

export type Interval = Extract<Evidence, { kind: 'interval' }>;

/** A pair of one-sided bounds against one limit: above it, below it, or neither. */
export type Position = 'above' | 'below' | 'undecided';

/** Where the bounds lie. NaN lies nowhere. */
export const locate = (interval: Interval, limit: number): Position => {
  if (interval.lower > limit) return 'above';
  return interval.upper < limit ? 'below' : 'undecided';
};

/** What was compared, in words, with both values. */
export type Compared = { readonly what: string; readonly candidate: number | null; readonly champion: number | null };

/** "roc_auc 0.65 against 0.63 of the champion: gain 0.02". */
export const gainSentence = ({ what, candidate, champion }: Compared, interval: Interval): string => {
  const value = (found: number | null) => (found === null ? 'nothing' : shortNumber(found));
  return `${what} ${value(candidate)} against ${value(champion)} of the champion: gain ${shortNumber(interval.estimate)}`;
};

/** "on 114353 rows in 7 days". */
const rowsSentence = (interval: Interval, clusters: Comparison['clusters']): string => {
  if (clusters === null) return `on ${interval.rows} rows`;
  const named = /^(day|hour)$/.test(clusters.by) ? `${clusters.by}s` : `clusters by ${clusters.by}`;
  return `on ${interval.rows} rows in ${clusters.count} ${named}`;
};

/** `words` say where the limit comes from, such as " (2% of 23163.2)". */
export const boundSentence = (interval: Interval, limit: number, clusters: Comparison['clusters'], words = ''): string => {
  const [lower, upper] = [interval.lower, interval.upper].map(shortNumber);
  const right = `${shortNumber(limit)}${words}`;
  const confidence = percent(interval.confidence);
  const rows = rowsSentence(interval, clusters);
  const position = locate(interval, limit);
  if (position === 'above') return `lower ${confidence} bound ${lower} > ${right} ${rows}`;
  if (position === 'below') return `upper ${confidence} bound ${upper} < ${right} ${rows}`;
  return `lower ${confidence} bound ${lower} > ${right} does not hold, nor does upper bound ${upper} < ${shortNumber(limit)}, ${rows}`;
};

export const boundInequalities = (what: string, interval: Interval, limit: number): Inequality[] => {
  const confidence = percent(interval.confidence);
  return [
    inequality(`${what}, candidate minus champion, lower ${confidence} bound`, interval.lower, '>', limit),
    inequality(`${what}, candidate minus champion, upper ${confidence} bound`, interval.upper, '<', limit),
  ];
};

/** "; about 4400 more rows (2 more days) would decide it", or nothing where that is not known. */
export const missingSentence = (needed: number | undefined, rows: number, clusters: Comparison['clusters']): string => {
  if (needed === undefined || needed <= rows) return '';
  const more = needed - rows;
  const isTime = clusters !== null && /^(day|hour)$/.test(clusters.by);
  const units = isTime ? ` (${Math.ceil((more / rows) * clusters.effective)} more ${clusters.by}s)` : '';
  return `; about ${more} more rows${units} would decide it`;
};
