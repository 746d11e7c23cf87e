import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findDebianBinaries } from '../../../infra/postgres/binaries.ts';
import { describeSchema } from '../../../infra/postgres/describe-schema.ts';
import { migrateToLatest } from '../../../infra/postgres/migrate.ts';
import { openDatabase } from '../../../infra/postgres/pool.ts';
import { startPostgres } from '../../../infra/postgres/server.ts';
import { testDatabase, testFolder } from '../../support/servers.ts';

const committed = () => readFile(new URL('../../../infra/postgres/schema.sql', import.meta.url), 'utf8');
const hint = 'schema.sql must be what the migrations make: run `node infra/postgres/dump-schema.ts`';

const schemaOf = async (url: string): Promise<string> => {
  const { db, close } = openDatabase(url);
  try {
    return await describeSchema(db);
  } finally {
    await close();
  }
};

describe('schema.sql', () => {
  it('is what the migrations make', async () => {
    const { url, close } = await testDatabase();
    expect(await schemaOf(url), hint).toBe(await committed());
    await close();
  });

  const debian = findDebianBinaries();
  it.skipIf(debian === null)("is the same on Debian's PostgreSQL", async () => {
    const { folder, close } = testFolder();
    const [dataDir, outsideDir, logFile] = [join(folder, 'data'), join(folder, 'outside'), join(folder, 'log')];
    const server = await startPostgres({ dataDir, outsideDir, logFile, durable: false, ...(debian && { binaries: debian }) });
    try {
      await migrateToLatest(server.url);
      expect(await schemaOf(server.url), hint).toBe(await committed());
    } finally {
      await server.stop();
      close();
    }
  });
});
