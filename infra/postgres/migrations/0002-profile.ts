import { type Kysely, sql } from 'kysely';

/** Versions from before have none: what they knew as normal was never measured. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table perennial.model_versions add column profile_sha256 text`.execute(db);
};
