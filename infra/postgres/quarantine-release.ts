/** A person lets windows count again: one transaction with its audit entries, and who did it can be read back. */
import { type Kysely, sql, type Transaction } from 'kysely';
import { PerennialError } from '#domain/errors.ts';
import type { Instant, PipelineName } from '#domain/units.ts';
import { appendAudit } from './audit.ts';
import { toInstant, toInstantOrNull, toText } from './map.ts';
import { requireNotDeleted } from './pipelines.ts';
import type { Tables } from './tables.ts';
import { lockPipeline } from './transaction.ts';

/** `from`: where the window begins; where models of several profiles met it, it is released for all of them. */
export type Release = {
  readonly pipeline: PipelineName;
  readonly from: Instant;
  readonly actor: string;
  readonly reason: string;
};
export type ReleasedWindow = { readonly from: Instant; readonly to: Instant; readonly breaches: number };
export type Releaser = { readonly by: string; readonly reason: string };

const released = 'window released';

export const subjectOfWindow = (pipeline: PipelineName, { from, to }: Pick<ReleasedWindow, 'from' | 'to'>): string =>
  `${pipeline}/${from}/${to}`;

/** Who released windows of a pipeline and why, by the subject of the window. */
export const readReleasers = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<ReadonlyMap<string, Releaser>> => {
  const rows = await db
    .selectFrom('audit_log')
    .select(['actor', 'subject', 'detail'])
    .where('action', '=', released)
    .where(sql<boolean>`starts_with(subject, ${`${pipeline}/`})`)
    .orderBy('id')
    .execute();
  return new Map(
    rows.map(({ actor, subject, detail }) => [subject, { by: actor, reason: (detail as { reason: string }).reason }]),
  );
};

const selectWindows = async (tx: Transaction<Tables>, { pipeline, from }: Release) => {
  const rows = await tx
    .selectFrom('quarantined_windows')
    .selectAll()
    .where('pipeline', '=', pipeline)
    .where('window_from', '=', new Date(from))
    .orderBy('window_to')
    .execute();
  return rows.map((row) => ({
    profileSha256: row.profile_sha256,
    from: toInstant(row.window_from),
    to: toInstant(row.window_to),
    breaches: (row.breaches as readonly unknown[]).length,
    releasedAt: toInstantOrNull(row.released_at),
  }));
};
type Found = Awaited<ReturnType<typeof selectWindows>>[number];

const refuse = async (tx: Transaction<Tables>, { pipeline, from }: Release, last: Found | undefined): Promise<never> => {
  const start = `Cannot release the window of "${pipeline}" that begins at ${from} as it must be in quarantine`;
  if (last === undefined)
    throw new PerennialError('PRN_NOT_FOUND', `${start}: it never was; \`perennial quarantine list ${pipeline}\` shows what is`);
  const releaser = (await readReleasers(tx, pipeline)).get(subjectOfWindow(pipeline, last));
  const who = releaser === undefined ? 'somebody' : releaser.by;
  throw new PerennialError(
    'PRN_CONFLICT',
    `${start}: ${who} released it at ${last.releasedAt}${releaser === undefined ? '' : `: ${releaser.reason}`}`,
  );
};

/** Of one span one entry, whatever the number of profiles. */
const bySpan = (windows: readonly Found[]): ReleasedWindow[] => [
  ...new Map(windows.map(({ from, to, breaches }) => [to, { from, to, breaches }])).values(),
];

/** Throws PRN_NOT_FOUND where the window never was in quarantine, PRN_CONFLICT where it was released, with by whom. */
export const releaseWindows = async (tx: Transaction<Tables>, wish: Release): Promise<readonly ReleasedWindow[]> => {
  const { pipeline, from, actor, reason } = wish;
  await lockPipeline(tx, pipeline);
  await requireNotDeleted(tx, pipeline, `Cannot release a window of "${pipeline}"`);
  const found = await selectWindows(tx, wish);
  const kept = found.filter(({ releasedAt }) => releasedAt === null);
  if (kept.length === 0) return refuse(tx, wish, found.at(-1));
  await tx
    .updateTable('quarantined_windows')
    .set({ released_at: sql<Date>`now()` })
    .where('pipeline', '=', pipeline)
    .where('window_from', '=', new Date(from))
    .where('released_at', 'is', null)
    .execute();
  const windows = bySpan(kept);
  for (const window of windows) {
    const detail = { from: window.from, to: window.to, breaches: window.breaches, reason: toText(reason) };
    await appendAudit(tx, { actor, action: released, subject: subjectOfWindow(pipeline, window), detail });
  }
  return windows;
};
