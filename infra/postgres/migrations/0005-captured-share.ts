import { type Kysely, sql } from 'kysely';

const statements = [
  // Asked by every server each second, for all pipelines: the whole file would be unpacked for two words of it.
  `alter table perennial.definitions add column capture jsonb generated always as (file -> 'serve' -> 'capture') stored`,
  `comment on column perennial.definitions.capture is 'serve.capture as the file says it; null where it says nothing: all'`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
