import type { Migration } from 'kysely/migration';
import type pg from 'pg';
import { PerennialError } from '#domain/errors.ts';
import { sqlState } from './failures.ts';
import * as first from './migrations/0001-first.ts';
import * as profile from './migrations/0002-profile.ts';
import * as holdoutUses from './migrations/0003-holdout-uses.ts';
import * as theLoop from './migrations/0004-the-loop.ts';
import * as capturedShare from './migrations/0005-captured-share.ts';
import * as retention from './migrations/0006-retention.ts';
import * as watchLooks from './migrations/0009-watch-looks.ts';
import * as toldUntil from './migrations/0010-told-until.ts';
import { databaseSchema } from './tables.ts';

/** Every migration by name, in order. A file that is not listed here does not run. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-first': first,
  '0002-profile': profile,
  '0003-holdout-uses': holdoutUses,
  '0004-the-loop': theLoop,
  '0005-captured-share': capturedShare,
  '0006-retention': retention,
  '0009-watch-looks': watchLooks,
  '0010-told-until': toldUntil,
};

/** A newer program may have changed what a column means: an older one must neither read nor write. */
export const refuseNewer = (applied: readonly string[]): void => {
  const unknown = applied.filter((name) => !(name in migrations));
  if (unknown.length === 0) return;
  throw new PerennialError(
    'PRN_DATABASE_NEWER',
    `Cannot use the database as its schema must be at most "${Object.keys(migrations).at(-1)}": it has "${unknown.at(-1)}"`,
  );
};

const refuseOlder = (applied: readonly string[]): void => {
  const missing = Object.keys(migrations).filter((name) => !applied.includes(name));
  if (missing.length === 0) return;
  throw new PerennialError(
    'PRN_DATABASE_OUTDATED',
    `Cannot use the database as migration "${missing[0]}" must be applied: it is not`,
  );
};

/** Names of migrations that the database has; none for a database without our schema. */
const listApplied = async (client: pg.ClientBase): Promise<string[]> => {
  try {
    const { rows } = await client.query<{ name: string }>(`select name from ${databaseSchema}.migrations order by name`);
    return rows.map((row) => row.name);
  } catch (error) {
    if (/^(3F000|42P01)$/.test(sqlState(error))) return [];
    throw error;
  }
};

/** Throws PRN_DATABASE_NEWER or PRN_DATABASE_OUTDATED where schema and program do not fit. */
const requireFit = async (client: pg.ClientBase): Promise<void> => {
  const applied = await listApplied(client);
  refuseNewer(applied);
  refuseOlder(applied);
};

/** Looks once, at the first connection; where it did not fit, at the next one again: somebody may have migrated. */
export const createFitCheck = (): ((client: pg.ClientBase) => Promise<void>) => {
  let fits: Promise<void> | null = null;
  return (client) => {
    fits ??= requireFit(client).catch((error: unknown) => {
      fits = null;
      throw error;
    });
    return fits;
  };
};
