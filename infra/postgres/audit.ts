import { type Kysely, sql, type Transaction } from 'kysely';
import type { Instant, Sha256 } from '#domain/units.ts';
import { digestOfJson } from '../objects/digest.ts';
import { toInstant, toJson } from './map.ts';
import type { AuditLogTable, Tables } from './tables.ts';
import { inTransaction } from './transaction.ts';

export type AuditEntry = {
  readonly actor: string;
  /** What was done, such as "version registered". */
  readonly action: string;
  /** What it was done to, such as "flights/3". */
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
};
export type AuditRecord = AuditEntry & {
  readonly id: number;
  readonly at: Instant;
  readonly previousSha256: string;
  readonly sha256: Sha256;
};
export type ChainVerdict = {
  readonly holds: boolean;
  readonly entries: number;
  /** Where it breaks first, and how. */
  readonly brokenAt: { readonly id: number; readonly reason: string } | null;
};

/** The first 8 digits of SHA-256 "perennial audit": writers form one line, so that the chain has no fork. */
const lockNumber = 0x68_84_88_c0;
/** What the first entry names as its predecessor. */
const chainStart = '0'.repeat(64);
const pageRows = 1_000;

type Chained = AuditEntry & { readonly at: Instant; readonly previousSha256: string };
const digestOf = ({ at, actor, action, subject, detail, previousSha256 }: Chained): Sha256 =>
  digestOfJson({ at, actor, action, subject, detail, previousSha256 });

const toRecord = (row: { [Column in keyof AuditLogTable]: unknown }): AuditRecord => ({
  id: Number(row.id),
  at: toInstant(row.at as Date),
  actor: row.actor as string,
  action: row.action as string,
  subject: row.subject as string,
  detail: row.detail as Readonly<Record<string, unknown>>,
  previousSha256: row.previous_sha256 as string,
  sha256: row.sha256 as Sha256,
});

/** Time of the database, cut to what an instant holds: the digest is over the text that is read back. */
const lockChain = async (tx: Transaction<Tables>): Promise<Instant> => {
  await sql`select pg_advisory_xact_lock(${lockNumber})`.execute(tx);
  const { rows } = await sql<{ at: Date }>`select date_trunc('milliseconds', clock_timestamp()) as at`.execute(tx);
  return toInstant((rows[0] as { at: Date }).at);
};

/** Appends an entry within the transaction of the effect it records: both are there, or neither. Call it last. */
export const appendAudit = async (tx: Transaction<Tables>, entry: AuditEntry): Promise<void> => {
  const at = await lockChain(tx);
  const last = await tx.selectFrom('audit_log').select('sha256').orderBy('id', 'desc').limit(1).executeTakeFirst();
  // Through JSON first: the digest must be over what the database will give back.
  const detail = JSON.parse(toJson(entry.detail)) as Readonly<Record<string, unknown>>;
  const chained = { ...entry, detail, at, previousSha256: last?.sha256 ?? chainStart };
  await tx
    .insertInto('audit_log')
    .values({
      at,
      actor: entry.actor,
      action: entry.action,
      subject: entry.subject,
      detail: toJson(detail),
      previous_sha256: chained.previousSha256,
      sha256: digestOf(chained),
    })
    .execute();
};

const breakOf = (record: AuditRecord, previous: string): string | null => {
  if (record.previousSha256 !== previous) return 'it does not follow the entry before it: one was removed or inserted';
  return digestOf(record) === record.sha256 ? null : 'its content does not have its digest: it was altered';
};

const verifyChain = async (db: Kysely<Tables>): Promise<ChainVerdict> => {
  let previous = chainStart;
  let entries = 0;
  for (let after = '0'; ; ) {
    const rows = await db.selectFrom('audit_log').selectAll().where('id', '>', after).orderBy('id').limit(pageRows).execute();
    for (const record of rows.map(toRecord)) {
      const reason = breakOf(record, previous);
      if (reason !== null) return { holds: false, entries, brokenAt: { id: record.id, reason } };
      previous = record.sha256;
      entries += 1;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageRows) return { holds: true, entries, brokenAt: null };
    after = last.id;
  }
};

/** The audit log: who did what to which subject and when, each entry with the digest of the one before. */
export const createAudit = (db: Kysely<Tables>) => ({
  /** An entry of its own; effects in the database append theirs in their own transaction by `appendAudit`. */
  append: (entry: AuditEntry): Promise<void> => inTransaction(db, (tx) => appendAudit(tx, entry)),
  /** Newest first. `subject` matches itself and what lies below it: "flights" matches "flights/3". */
  list: async (filter: { subject?: string; limit: number }): Promise<readonly AuditRecord[]> => {
    let query = db.selectFrom('audit_log').selectAll().orderBy('id', 'desc').limit(filter.limit);
    const { subject } = filter;
    if (subject !== undefined) {
      query = query.where((eb) =>
        eb.or([eb('subject', '=', subject), eb(sql`starts_with(subject, ${`${subject}/`})`, '=', true)]),
      );
    }
    return (await query.execute()).map(toRecord);
  },
  verifyChain: (): Promise<ChainVerdict> => verifyChain(db),
});
export type Audit = ReturnType<typeof createAudit>;
