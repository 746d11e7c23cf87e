/** Labels of predictions, as they came: the newest of each subject. */
import { type Kysely, sql } from 'kysely';
import type { Label, LabelReceipt } from '#domain/contracts/capture.ts';
import type { Instant, PipelineName } from '#domain/units.ts';
import { toCount, toInstant, toInstantOrNull, toText } from './map.ts';
import type { Tables } from './tables.ts';
import { inTransaction, unknownPipeline } from './transaction.ts';

/** A label with its subject as text; see `infra/capture/subject.ts`. Without `at` it became known now. */
export type NewLabel = { readonly subject: string; readonly label: Label['label']; readonly at: Instant | null };
export type StoredLabel = {
  readonly subject: string;
  readonly label: Label['label'];
  /** Of its first arrival, whatever was corrected since. */
  readonly knownAt: Instant;
  readonly arrivedAt: Instant;
  readonly correctedAt: Instant | null;
  readonly corrections: number;
};

/** Instants between which predictions were made. */
export type IdSpan = { readonly fromMs: number; readonly toMs: number };

/** One statement's worth. */
const batchRows = 2_000;
/** One answer's worth: some 5 MB of text. */
const pageRows = 50_000;

const noLabels: LabelReceipt = { accepted: 0, corrected: 0, duplicates: 0 };
const add = (left: LabelReceipt, right: LabelReceipt): LabelReceipt => ({
  accepted: left.accepted + right.accepted,
  corrected: left.corrected + right.corrected,
  duplicates: left.duplicates + right.duplicates,
});

/**
 * Rows of different subjects in one statement; the row lock tells new, other and same apart exactly, whoever else writes.
 * A label that became known before the one that is there changes nothing and counts as a duplicate: so neither the order of
 * arrival matters, nor a file that is handed in again after a correction.
 */
const writeBatch = async (tx: Kysely<Tables>, pipeline: PipelineName, labels: readonly NewLabel[]): Promise<LabelReceipt> => {
  const { rows } = await sql<{ is_new: boolean }>`
    insert into perennial.labels as l (pipeline, subject, label, known_at)
    select ${pipeline}, subject, label, coalesce(at, clock_timestamp()) from unnest(
      ${labels.map(({ subject }) => toText(subject))}::text[],
      ${labels.map(({ label }) => toText(JSON.stringify(label)))}::jsonb[],
      ${labels.map(({ at }) => at)}::timestamptz[]) as given(subject, label, at)
    on conflict (pipeline, subject) do update set
      label = excluded.label, corrected_at = excluded.known_at, corrections = l.corrections + 1
      where l.label <> excluded.label and excluded.known_at >= coalesce(l.corrected_at, l.known_at)
    returning xmax = 0 as is_new`.execute(tx);
  const accepted = rows.filter((row) => row.is_new).length;
  return { accepted, corrected: rows.length - accepted, duplicates: labels.length - rows.length };
};

/** Lists without a subject twice, that together are the labels in their order. */
const withoutRepeats = (labels: readonly NewLabel[]): NewLabel[][] => {
  const rounds: Map<string, NewLabel>[] = [];
  const seen = new Map<string, number>();
  for (const label of labels) {
    const round = seen.get(label.subject) ?? 0;
    seen.set(label.subject, round + 1);
    rounds[round] ??= new Map();
    rounds[round].set(label.subject, label);
  }
  // Always in one order, so that two requests never wait for each other in a circle.
  return rounds.map((round) => [...round.values()].sort((left, right) => (left.subject < right.subject ? -1 : 1)));
};

const requirePipeline = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<void> => {
  const pipelines = db.selectFrom('pipelines').select('name').where('name', '=', pipeline);
  if ((await pipelines.where('deleted_at', 'is', null).executeTakeFirst()) === undefined) throw unknownPipeline(pipeline);
};

const record = (db: Kysely<Tables>, pipeline: PipelineName, labels: readonly NewLabel[]): Promise<LabelReceipt> =>
  inTransaction(db, async (tx) => {
    await requirePipeline(tx, pipeline);
    let receipt = noLabels;
    for (const round of withoutRepeats(labels)) {
      for (let start = 0; start < round.length; start += batchRows) {
        receipt = add(receipt, await writeBatch(tx, pipeline, round.slice(start, start + batchRows)));
      }
    }
    return receipt;
  });

const find = async (db: Kysely<Tables>, pipeline: PipelineName, subjects: readonly string[]): Promise<StoredLabel[]> => {
  if (subjects.length === 0) return [];
  const stored = db
    .selectFrom('labels')
    .selectAll()
    .where('pipeline', '=', pipeline)
    .where('subject', 'in', subjects.map(toText));
  return (await stored.orderBy('subject').execute()).map((row) => ({
    subject: row.subject,
    label: row.label as Label['label'],
    knownAt: toInstant(row.known_at),
    arrivedAt: toInstant(row.arrived_at),
    correctedAt: toInstantOrNull(row.corrected_at),
    corrections: row.corrections,
  }));
};

/** The first subject of predictions of a millisecond: their ids begin with it (UUID, version 7). */
export const subjectOfMs = (ms: number): string => {
  const time = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0');
  return `id:${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
};

/** Text of a page, in the order of subjects. JSON has no bare tab or line end, and so neither has a line's field. */
async function* readSpan(db: Kysely<Tables>, pipeline: PipelineName, from: string, to: string): AsyncGenerator<string> {
  for (let after: string | null = from; after !== null; ) {
    const page: { rows: { text: string | null; last: string | null; rows: string }[] } = await sql<{
      text: string | null;
      last: string | null;
      rows: string;
    }>`select string_agg(subject || E'\t' || label::text || E'\t' ||
          cast(floor(extract(epoch from known_at) * 1000) as bigint)::text, E'\n') || E'\n' as text,
        max(subject) as last, count(*) as rows
      from (select subject, label, known_at from perennial.labels
        where pipeline = ${pipeline} and subject > ${after} and subject < ${to}
        order by subject limit ${pageRows}) as page`.execute(db);
    const [found] = page.rows;
    if (found?.text != null) yield found.text;
    after = toCount(found?.rows ?? '0') < pageRows ? null : (found?.last ?? null);
  }
}

/** Those of all keys, for a key says nothing of its time, and those of predictions made within a span. */
async function* read(db: Kysely<Tables>, pipeline: PipelineName, span: IdSpan): AsyncGenerator<string> {
  yield* readSpan(db, pipeline, subjectOfMs(span.fromMs), subjectOfMs(span.toMs));
  // ";" follows ":".
  yield* readSpan(db, pipeline, 'key:', 'key;');
}

const hasAny = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<boolean> => {
  const found = db.selectFrom('labels').select('subject').where('pipeline', '=', pipeline).limit(1);
  return (await found.executeTakeFirst()) !== undefined;
};

/** What is known of predictions after the fact. */
export const createLabels = (db: Kysely<Tables>) => ({
  /** All or none of them; the same again changes nothing. Throws PRN_NOT_FOUND for an unknown pipeline. */
  record: (pipeline: PipelineName, labels: readonly NewLabel[]) => record(db, pipeline, labels),
  /** Whether any label was ever handed in. */
  hasAny: (pipeline: PipelineName) => hasAny(db, pipeline),
  find: (pipeline: PipelineName, subjects: readonly string[]) => find(db, pipeline, subjects),
  /** As lines of subject, label as JSON and epoch milliseconds of when it was known, with tabs between; some MB at a time. */
  read: (pipeline: PipelineName, span: IdSpan) => read(db, pipeline, span),
});
export type Labels = ReturnType<typeof createLabels>;
