import { PerennialError } from '#domain/errors.ts';
import type { RecordedDecision } from '../../../infra/postgres/decisions.ts';
import { createWatchHistory } from '../../../infra/postgres/watch-history.ts';
import type { Context } from '../context.ts';
import { minute } from '../status/moments.ts';
import { type Depth, field, inequalityLines } from './lines.ts';

/** Throws PRN_NOT_FOUND. */
export const readDecision = async (context: Context, id: number): Promise<RecordedDecision> => {
  const found = await createWatchHistory(context.database.db).decision(id);
  if (found !== null) return found;
  throw new PerennialError('PRN_NOT_FOUND', `Cannot explain decision ${id}: there is none; "perennial status" shows the newest`);
};

const evidenceText = (ids: readonly string[]): string[] => (ids.length === 0 ? [] : [field('rests on', ids.join(', '))]);

/** Keys of what the rule saw: enough to know what `--json` has in full. */
const inputText = (input: unknown): string[] =>
  typeof input === 'object' && input !== null
    ? [field('made from', `${Object.keys(input).join(', ')}: all of it with --json, enough to make it again`)]
    : [];

export const decisionLines = ({ id, recordedAt, record }: RecordedDecision, depth: Depth): string[] => [
  `decision/${id} of ${record.pipeline}, ${record.kind}: ${record.action}`,
  field('about', record.subject),
  field('at', `${minute(record.at)}, recorded ${minute(recordedAt)}`),
  field('because', record.reason),
  ...inequalityLines(record.inequalities, record.reason, depth),
  ...(depth === 'all' ? evidenceText(record.evidenceIds) : []),
  ...inputText(record.input),
];
