import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDirectoryStore } from '../../../infra/objects/directory-store.ts';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { migrateToLatest } from '../../../infra/postgres/migrate.ts';
import { type Database, openDatabase } from '../../../infra/postgres/pool.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { type PostgresServer, startPostgres } from '../../../infra/postgres/server.ts';
import { verifyAll } from '../../../infra/verify.ts';
import { testFolder } from '../../support/servers.ts';
import { candidate, definitionSha256, flights, promotion } from './bench.ts';

/** A server of its own, because it gets killed; durable, because that is the point. */
const { folder, close } = testFolder();
const start = (): Promise<PostgresServer> =>
  startPostgres({ dataDir: join(folder, 'data'), outsideDir: join(folder, 'outside'), logFile: join(folder, 'log') });

let server: PostgresServer;
beforeAll(async () => {
  server = await start();
  await migrateToLatest(server.url);
}, 120_000);
afterAll(async () => {
  await server.stop();
  close();
});

const withDatabase = async <T>(work: (database: Database) => Promise<T>): Promise<T> => {
  const database = openDatabase(server.url);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
};

/** Register and promote under one key each, as a step does: it does not know whether it was here before. */
const deliver = async ({ db }: Database, name: string, generation: number) => {
  const imported = { ...candidate(name), snapshotSha256: null, runKey: null };
  const { version } = await createRegistry(db).register(imported, 'ada');
  const effect = await createDeployments(db).promote(promotion(version, generation, `promote ${name}`));
  return { version, generation: effect.generation };
};

describe('PostgreSQL killed with -9', () => {
  it('loses no promotion that was acknowledged, and a retry of any has one effect', async () => {
    await withDatabase(({ db }) =>
      createDefinitions(db).apply(flights, null, { name: 'flights' }, definitionSha256, 'c0ffee', 'ada'),
    );
    const acknowledged = new Map<string, { version: number; generation: number }>();
    let generation = 0;
    for (let round = 0; round < 3; round += 1) {
      const database = openDatabase(server.url);
      const failures: unknown[] = [];
      for (let index = 0; failures.length === 0; index += 1) {
        const name = `${round}/${index}`;
        const delivered = await deliver(database, name, generation).catch((error: unknown): null => {
          failures.push(error);
          return null;
        });
        if (delivered) acknowledged.set(name, delivered);
        generation = delivered?.generation ?? generation;
        // Its postmaster dies while the next transaction is under way; nothing is flushed for us.
        if (index === 3 + round) process.kill(server.identity.pid, 'SIGKILL');
        if (failures.length === 0) continue;
        expect(failures[0]).toMatchObject({ code: 'PRN_UNREACHABLE' });
        await database.close();
        await server.exited;
        server = await start();
        const retried = await withDatabase((again) => deliver(again, name, generation));
        expect(retried.generation).toBe(generation + 1);
        acknowledged.set(name, retried);
        generation = retried.generation;
      }
    }
    await withDatabase(async ({ db }) => {
      const registry = createRegistry(db);
      const promotions = await registry.promotions(flights);
      expect(promotions).toHaveLength(acknowledged.size);
      for (const [name, { version, generation: at }] of acknowledged) {
        expect(promotions.find((one) => one.operationKey === `promote ${name}`)).toMatchObject({ version, generation: at });
      }
      const findings = await verifyAll({ db, objects: createDirectoryStore(join(folder, 'store')) });
      // There are no model files in this world: I5 is not its subject.
      expect(findings.filter((finding) => !finding.holds && finding.invariant !== 'I5')).toEqual([]);
    });
  }, 180_000);
});
