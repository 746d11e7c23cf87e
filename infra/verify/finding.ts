import type { Kysely } from 'kysely';
import type { Audit } from '../postgres/audit.ts';
import type { createRegistry } from '../postgres/registry.ts';
import type { createSnapshots } from '../postgres/snapshots.ts';
import type { Tables } from '../postgres/tables.ts';
import type { ObjectCheck } from './objects.ts';

/** Numbers of the invariants as the reliability notes have them. */
export type Invariant = 'I1' | 'I3' | 'I4' | 'I5' | 'I11';

export type Finding = {
  readonly invariant: Invariant;
  readonly holds: boolean;
  /** What it is about, such as "flights/3"; "all" for a summary. */
  readonly subject: string;
  readonly statement: string;
};

export type VerifyDeps = {
  /** One state of the database, however long the reading takes. */
  readonly db: Kysely<Tables>;
  readonly snapshots: ReturnType<typeof createSnapshots>;
  readonly registry: ReturnType<typeof createRegistry>;
  readonly audit: Audit;
  readonly check: ObjectCheck;
};

/** The broken ones, or the one sentence that says what was looked at and holds. */
export const findingsOf = (
  invariant: Invariant,
  broken: readonly { readonly subject: string; readonly statement: string }[],
  summary: string,
): readonly Finding[] => {
  if (broken.length > 0) return broken.map((one) => ({ invariant, holds: false, ...one }));
  return [{ invariant, holds: true, subject: 'all', statement: summary }];
};
