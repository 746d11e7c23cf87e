import { type Kysely, sql } from 'kysely';

const statements = [
  `create table perennial.holdout_uses (
    pipeline text not null references perennial.pipelines(name),
    holdout text not null,
    training_key text not null,
    number integer not null check (number > 0),
    first_used_at timestamptz not null default now(),
    primary key (pipeline, holdout, training_key),
    unique (pipeline, holdout, number)
  )`,
  `comment on table perennial.holdout_uses is
    'Which candidates were compared with a champion on a hold-out, numbered: each further one must be surer'`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
