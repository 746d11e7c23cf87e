/** What tests get of the shared servers: a database of their own, Temporal's address, a store, a folder. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe, inject, type TestContext } from 'vitest';
import type { Config } from '../../infra/config.ts';
import { createContentStore } from '../../infra/objects/content-store.ts';
import { openObjectStore } from '../../infra/objects/open.ts';
import type { ContentStore, ObjectStore } from '../../infra/objects/store.ts';
import './global-setup.ts';

const withAdmin = async (url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
};

/** Why there is no PostgreSQL for the tests; null where there is one. */
export const postgresMissing = (): string | null => {
  const { postgres } = inject('servers');
  return 'missing' in postgres ? postgres.missing : null;
};

/** Why there is no Temporal for the tests; null where there is one. */
export const temporalMissing = (): string | null => {
  const { temporal } = inject('servers');
  return 'missing' in temporal ? temporal.missing : null;
};

/**
 * A new, migrated, empty database of its own. `close` drops it, whoever is still connected. Costs about 50 ms.
 */
export const testDatabase = async (): Promise<{ url: string; close: () => Promise<void> }> => {
  const { postgres } = inject('servers');
  if ('missing' in postgres) throw new Error(`Cannot create a test database: ${postgres.missing}`);
  const name = `test_${randomBytes(8).toString('hex')}`;
  await withAdmin(postgres.adminUrl, (admin) => admin.query(`create database ${name} template ${postgres.template}`));
  return {
    url: postgres.adminUrl.replace(/\/[^/]*$/, `/${name}`),
    close: () => withAdmin(postgres.adminUrl, (admin) => admin.query(`drop database if exists ${name} with (force)`)),
  };
};

/** The shared Temporal. Use task queues and workflow ids of your own: all tests of the run see the same namespace. */
export const testTemporal = (): { address: string; namespace: string; binary: string } => {
  const { temporal } = inject('servers');
  if ('missing' in temporal) throw new Error(`Cannot use Temporal: ${temporal.missing}`);
  return temporal;
};

/** For `beforeEach(requireTemporal)` or the first line of a test: reports the test as skipped, with the reason. */
export const requireTemporal = (context: TestContext): void => {
  const missing = temporalMissing();
  if (missing !== null) context.skip(missing);
};

export const requirePostgres = (context: TestContext): void => {
  const missing = postgresMissing();
  if (missing !== null) context.skip(missing);
};

/** A `describe` whose tests, hooks included, are skipped where a server is missing. */
export const describeWithServers = (name: string, body: () => void): void => {
  const missing = postgresMissing() ?? temporalMissing();
  if (missing === null) describe(name, body);
  else describe.skip(`${name} (no server: ${missing})`, body);
};

/** A private folder that everybody may pass through; `close` removes it. */
export const testFolder = (): { folder: string; close: () => void } => {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-folder-'));
  chmodSync(folder, 0o755);
  return { folder, close: () => rmSync(folder, { recursive: true, force: true }) };
};

/** A directory store in a folder of its own. */
export const testStore = (): { store: ObjectStore; content: ContentStore; config: Config['store']; close: () => void } => {
  const { folder, close } = testFolder();
  const config = { kind: 'directory', folder: join(folder, 'store') } as const;
  const store = openObjectStore(config);
  return { store, content: createContentStore(store, join(folder, 'cache')), config, close };
};
