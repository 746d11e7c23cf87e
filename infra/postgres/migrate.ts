import { type Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { sqlState } from './failures.ts';
import { openDatabase } from './pool.ts';
import { migrations, refuseNewer } from './schema-fit.ts';
import { databaseSchema, type Tables } from './tables.ts';

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
  const { db, close } = openDatabase(url, { connections: 1, anySchema: true });
  try {
    return await db.connection().execute(migrate);
  } finally {
    await close();
  }
};
