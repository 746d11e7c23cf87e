import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { migrateToLatest } from '../../../infra/postgres/migrate.ts';
import { type Database, openDatabase } from '../../../infra/postgres/pool.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { migrations } from '../../../infra/postgres/schema-fit.ts';
import { testDatabase } from '../../support/servers.ts';
import { candidate, definitionSha256, flights } from './bench.ts';

/** A test database comes migrated; here the way to there is the subject. */
const empty = async (): Promise<{ url: string; close: () => Promise<void> }> => {
  const { url, close } = await testDatabase();
  const client = new pg.Client(url);
  await client.connect();
  await client.query('drop schema perennial cascade');
  await client.end();
  return { url, close };
};

const read = ({ db }: Database) => db.selectFrom('runs').selectAll().execute();

describe('migrateToLatest()', () => {
  let url: string;
  let database: Database;
  beforeEach(async () => {
    const created = await empty();
    url = created.url;
    database = openDatabase(url);
    return async () => {
      await database.close();
      await created.close();
    };
  });

  it('migrates an empty database once, however many start it', async () => {
    const applied = await Promise.all(Array.from({ length: 6 }, () => migrateToLatest(url)));
    expect(applied.filter((names) => names.length > 0)).toEqual([Object.keys(migrations)]);
    expect(await read(database)).toEqual([]);
    expect(await migrateToLatest(url)).toEqual([]);
  });

  it('says that a database was never migrated', async () => {
    await expect(database.db.selectFrom('runs').selectAll().execute()).rejects.toMatchObject({ code: 'PRN_DATABASE_OUTDATED' });
  });

  it('brings what the first version wrote along: its model versions have no profile', async () => {
    await migrateToLatest(url);
    const { db, pool } = database;
    await createDefinitions(db).apply(flights, null, { name: flights }, definitionSha256, 'c0ffee', 'ada');
    await createRegistry(db).register({ ...candidate('a'), snapshotSha256: null, runKey: null }, 'ada');
    await pool.query(`alter table perennial.model_versions drop column profile_sha256; drop table perennial.holdout_uses;
      alter table perennial.deployments drop column rollout;
      alter table perennial.definitions drop column capture;
      alter table perennial.snapshots drop column collected_at; drop table perennial.retention_log;
      alter table perennial.server_reports drop column candidate_sha256, drop column share, drop column told_until;
      alter table perennial.pipelines drop column paused_at, drop column paused_by, drop column paused_reason, drop column deleted_at;
      drop table perennial.window_tallies, perennial.arm_tallies, perennial.counter_gaps, perennial.prediction_parts, perennial.labels,
        perennial.publication_log, perennial.decisions, perennial.watch_reports, perennial.quarantined_windows, perennial.rollouts,
        perennial.webhook_deliveries, perennial.notices, perennial.watch_looks;
      delete from perennial.migrations where name > '0001-first'`);
    expect(await migrateToLatest(url)).toEqual(Object.keys(migrations).slice(1));
    expect(await createRegistry(db).list(flights)).toMatchObject([{ version: 1, profileSha256: null }]);
    const use = { pipeline: flights, holdout: { kept: 'kept rows' }, trainingKey: candidate('b').trainingKey };
    expect((await createRegistry(db).useHoldout(use)).number).toBe(1);
  });

  it('leaves a database alone that a newer version migrated', async () => {
    await migrateToLatest(url);
    await database.pool.query(`insert into perennial.migrations (name, timestamp) values ('9999-later', '2030-01-01')`);
    const newer = { code: 'PRN_DATABASE_NEWER', message: expect.stringContaining('"9999-later"') };
    await expect(read(database)).rejects.toMatchObject(newer);
    await expect(migrateToLatest(url)).rejects.toMatchObject(newer);
  });

  it('leaves nothing behind where a migration fails half-way', async () => {
    await database.pool.query('create schema perennial; create table perennial.promotions (a int)');
    await expect(migrateToLatest(url)).rejects.toThrow(/already exists/);
    await expect(database.pool.query('select 1 from perennial.runs')).rejects.toThrow(/does not exist/);
    await database.pool.query('drop table perennial.promotions');
    expect(await migrateToLatest(url)).toEqual(Object.keys(migrations));
  });

  it('describes every table', async () => {
    await migrateToLatest(url);
    const { rows } = await database.pool.query(`select c.relname from pg_class c where c.relnamespace = 'perennial'::regnamespace
      and c.relkind = 'r' and obj_description(c.oid, 'pg_class') is null`);
    expect(rows).toEqual([]);
  });
});

describe('a database that does not answer', () => {
  it('is PRN_UNREACHABLE, without the password in the message', async () => {
    const { db, close } = openDatabase('postgres://ada:secret@127.0.0.1:1/models');
    const failure = await db
      .selectFrom('runs')
      .selectAll()
      .execute()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'PRN_UNREACHABLE', message: expect.stringContaining('127.0.0.1:1/models') });
    expect(String(failure)).not.toContain('secret');
    await close();
  });

  it('is PRN_UNREACHABLE where its host has no name', async () => {
    await expect(migrateToLatest('postgres://ada@no-such-host.invalid/models')).rejects.toMatchObject({
      code: 'PRN_UNREACHABLE',
    });
  });
});

describe('a connection', () => {
  let server: Awaited<ReturnType<typeof testDatabase>>;
  beforeAll(async () => {
    server = await testDatabase();
  });
  afterAll(() => server.close());

  it('says that the database is unknown', async () => {
    const { db, close } = openDatabase(server.url.replace(/[^/]*$/, 'no_such_database'));
    await expect(db.selectFrom('runs').selectAll().execute()).rejects.toMatchObject({ code: 'PRN_CONFIG_INVALID' });
    await close();
  });

  it('that ends within a transaction is PRN_UNREACHABLE, and the next query gets a new one', async () => {
    const { db, pool, close } = openDatabase(server.url);
    const broken = db.transaction().execute(async (tx) => {
      await tx.selectFrom('runs').selectAll().execute();
      await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`);
      await tx.selectFrom('runs').selectAll().execute();
    });
    await expect(broken).rejects.toMatchObject({ code: 'PRN_UNREACHABLE' });
    expect(await db.selectFrom('runs').selectAll().execute()).toEqual([]);
    await close();
  });

  it('that ends while idle is replaced', async () => {
    const { db, pool, close } = openDatabase(server.url, { connections: 2 });
    await Promise.all([db.selectFrom('runs').selectAll().execute(), db.selectFrom('parts').selectAll().execute()]);
    const other = new pg.Client(server.url);
    await other.connect();
    await other.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`);
    await other.end();
    await expect.poll(() => pool.totalCount).toBe(0);
    expect(await db.selectFrom('runs').selectAll().execute()).toEqual([]);
    await close();
  });
});
