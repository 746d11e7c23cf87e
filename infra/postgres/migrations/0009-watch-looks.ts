import { type Kysely, sql } from 'kysely';

const statements = [
  `create table perennial.watch_looks (
    pipeline text primary key references perennial.pipelines(name),
    looked_at timestamptz not null,
    due_at timestamptz not null
  )`,
  `comment on table perennial.watch_looks is
    'The last look of each watch that measured all it asked for, and when the next is due: a watch that is gone is overdue'`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
