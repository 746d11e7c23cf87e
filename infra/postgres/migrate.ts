import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { PerennialError } from '#domain/errors.ts';
import { sqlState } from './failures.ts';
import * as first from './migrations/0001-first.ts';
import { openDatabase } from './pool.ts';
import { databaseSchema, type Tables } from './tables.ts';

/** Every migration by name, in order. A file that is not listed here does not run. */
const migrations: Readonly<Record<string, Migration>> = { '0001-first': first };

/** Any number that no other program in a shared database uses: the first 8 digits of SHA-256 "perennial". */
const lockNumber = 0x34_80_6d_25;

/** Names of migrations that the database has, oldest first; empty for a database without our schema. */
const applied = async (db: Kysely<Tables>): Promise<string[]> => {
  try {
    const { rows } = await sql<{ name: string }>`select name from ${sql.id(databaseSchema, 'migrations')} order by name`.execute(
      db,
    );
    return rows.map((row) => row.name);
  } catch (error) {
    if (sqlState(error) === 'PRN_DATABASE_OUTDATED') return [];
    throw error;
  }
};

const refuseNewer = (names: readonly string[]): void => {
  const unknown = names.filter((name) => !(name in migrations));
  if (unknown.length === 0) return;
  throw new PerennialError(
    'PRN_DATABASE_NEWER',
    `Cannot use the database as its schema must be at most "${Object.keys(migrations).at(-1)}": it has "${unknown.at(-1)}"`,
  );
};

/** For programs at their start: throws PRN_DATABASE_NEWER or PRN_DATABASE_OUTDATED where schema and program do not fit. */
export const requireCurrentSchema = async (db: Kysely<Tables>): Promise<void> => {
  const names = await applied(db);
  refuseNewer(names);
  const missing = Object.keys(migrations).filter((name) => !names.includes(name));
  if (missing.length === 0) return;
  throw new PerennialError(
    'PRN_DATABASE_OUTDATED',
    `Cannot use the database as migration "${missing[0]}" must be applied: it is not`,
  );
};

const migrate = async (connection: Kysely<Tables>): Promise<string[]> => {
  await sql`select pg_advisory_lock(${lockNumber})`.execute(connection);
  try {
    refuseNewer(await applied(connection));
    const { error, results } = await new Migrator({
      db: connection,
      provider: { getMigrations: async () => ({ ...migrations }) },
      migrationTableSchema: databaseSchema,
      migrationTableName: 'migrations',
      migrationLockTableName: 'migration_lock',
    }).migrateToLatest();
    if (error !== undefined) throw error;
    return (results ?? []).map((result) => result.migrationName);
  } finally {
    await sql`select pg_advisory_unlock(${lockNumber})`.execute(connection);
  }
};

/**
 * Brings the database to this version and returns the names of what was applied now. Several may call at once:
 * one works, the others wait and find nothing to do. Throws PRN_DATABASE_NEWER, PRN_UNREACHABLE.
 */
export const migrateToLatest = async (url: string): Promise<string[]> => {
  const { db, close } = openDatabase(url, { connections: 1 });
  try {
    return await db.connection().execute(migrate);
  } finally {
    await close();
  }
};
