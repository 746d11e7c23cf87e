import type { PipelineName } from '#domain/units.ts';
import type { Db } from '../../../infra/postgres/pool.ts';
import { createQuarantine, type QuarantinedRecord } from '../../../infra/postgres/quarantine.ts';
import { type Releaser, subjectOfWindow } from '../../../infra/postgres/quarantine-release.ts';

/** With who released it and why; null while it is kept. */
export type ListedWindow = QuarantinedRecord & { readonly released: Releaser | null };

/** A window once, under whatever profiles it is kept; kept where it is under any of them. */
const eachOnce = (windows: readonly QuarantinedRecord[]): QuarantinedRecord[] => {
  const found = new Map<string, QuarantinedRecord>();
  for (const one of windows) {
    const span = `${one.from}/${one.to}`;
    if (!found.has(span) || one.releasedAt === null) found.set(span, one);
  }
  return [...found.values()];
};

/** Newest first, as many as `limit` rows of the database hold. */
export const readQuarantine = async (db: Db, pipeline: PipelineName, limit: number): Promise<ListedWindow[]> => {
  const quarantine = createQuarantine(db);
  const [windows, releasers] = await Promise.all([quarantine.list(pipeline, limit), quarantine.releasers(pipeline)]);
  return eachOnce(windows).map((one) => ({
    ...one,
    released: one.releasedAt === null ? null : (releasers.get(subjectOfWindow(pipeline, one)) ?? null),
  }));
};

export const stateOf = ({ releasedAt, released }: ListedWindow): string => {
  if (releasedAt === null) return 'kept';
  return released === null ? 'released' : `released by ${released.by}: ${released.reason}`;
};

/** The first breach, and how many others there are. */
export const whyOf = ({ breaches }: ListedWindow): string => {
  const [first] = breaches;
  const more = breaches.length > 1 ? ` and ${breaches.length - 1} more` : '';
  return first === undefined ? '' : `${first.variable ?? 'window'}: ${first.statement}${more}`;
};
