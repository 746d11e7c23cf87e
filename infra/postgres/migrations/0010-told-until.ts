import { type Kysely, sql } from 'kysely';

const statements = [
  `alter table perennial.server_reports add column told_until timestamptz`,
  `comment on column perennial.server_reports.told_until is 'What the server had counted by then it has told; null where it never said'`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
