import { type Kysely, sql } from 'kysely';

const statements = [
  `alter table perennial.snapshots add column collected_at timestamptz`,
  `comment on column perennial.snapshots.collected_at is 'When retention gave its bytes up; the row stays, as versions and reports name it'`,
  `create table perennial.retention_log (
    id bigint generated always as identity primary key,
    pipeline text not null references perennial.pipelines(name),
    what text not null check (what in ('predictions', 'labels', 'snapshots', 'runs')),
    before timestamptz,
    items bigint not null check (items > 0),
    rows bigint not null,
    deleted_at timestamptz not null default now()
  )`,
  `comment on table perennial.retention_log is 'What the retention of pipelines deleted, written with each deletion'`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
