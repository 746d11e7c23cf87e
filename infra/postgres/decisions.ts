import { type Kysely, type Selectable, sql } from 'kysely';
import { type DecisionKind, type DecisionRecord, decisionRecordSchema } from '#domain/contracts/decision.ts';
import type { Instant, PipelineName } from '#domain/units.ts';
import { toCount, toInstant, toJson, toText } from './map.ts';
import type { DecisionsTable, Tables } from './tables.ts';

/** A decision as it was recorded; `id` grows with time, and is what a reader goes on from. */
export type RecordedDecision = { readonly id: number; readonly recordedAt: Instant; readonly record: DecisionRecord };
type Wanted = {
  readonly kinds?: readonly DecisionKind[];
  readonly subject?: string;
  readonly afterId?: number;
  readonly limit?: number;
};

export const toRecorded = (row: Selectable<DecisionsTable>): RecordedDecision => ({
  id: toCount(row.id),
  recordedAt: toInstant(row.recorded_at),
  record: decisionRecordSchema.parse(row.record),
});

const record = async (db: Kysely<Tables>, decision: DecisionRecord): Promise<void> => {
  const { key, pipeline, kind, subject, at, action, reason } = decision;
  await db
    .insertInto('decisions')
    .values({ key, pipeline, kind, subject: toText(subject), at, action, reason: toText(reason), record: toJson(decision) })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute();
};

const select = (db: Kysely<Tables>, pipeline: PipelineName, { kinds, subject, afterId, limit = 100 }: Wanted) => {
  let query = db.selectFrom('decisions').selectAll().where('pipeline', '=', pipeline).limit(limit);
  if (kinds !== undefined) query = query.where('kind', 'in', [...kinds]);
  if (subject !== undefined) query = query.where('subject', '=', subject);
  return afterId === undefined ? query.orderBy('id', 'desc') : query.where(sql<boolean>`id > ${afterId}`).orderBy('id');
};

/** Decisions of watches and rollouts, one row each, for good. */
export const createDecisions = (db: Kysely<Tables>) => ({
  /** The same key again changes nothing. */
  record: (decision: DecisionRecord): Promise<void> => record(db, decision),
  /** Newest first; with `afterId` what came after it, oldest first. */
  list: async (pipeline: PipelineName, wanted: Wanted = {}): Promise<RecordedDecision[]> =>
    (await select(db, pipeline, wanted).execute()).map(toRecorded),
});
