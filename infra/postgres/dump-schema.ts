/** `node infra/postgres/dump-schema.ts` writes schema.sql from a server of its own. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeSchema } from './describe-schema.ts';
import { migrateToLatest } from './migrate.ts';
import { openDatabase } from './pool.ts';
import { startPostgres } from './server.ts';

const readSchema = async (url: string): Promise<string> => {
  await migrateToLatest(url);
  const { db, close } = openDatabase(url);
  try {
    return await describeSchema(db);
  } finally {
    await close();
  }
};

const folder = await mkdtemp(join(tmpdir(), 'perennial-schema-'));
// Started by root, the server runs as another user, who must be able to pass.
await chmod(folder, 0o755);
const [dataDir, outsideDir, logFile] = [join(folder, 'data'), join(folder, 'outside'), join(folder, 'log')];
try {
  const server = await startPostgres({ dataDir, outsideDir, logFile, durable: false });
  try {
    await writeFile(new URL('./schema.sql', import.meta.url), await readSchema(server.url));
  } finally {
    await server.stop();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
