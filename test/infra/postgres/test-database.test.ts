import pg from 'pg';
import { expect, test } from 'vitest';
import { requirePostgres, requireTemporal, testDatabase, testTemporal } from '../../support/servers.ts';

test('a test database is migrated, empty and dropped at the end', async (context) => {
  requirePostgres(context);
  const [first, second] = await Promise.all([testDatabase(), testDatabase()]);
  const client = new pg.Client({ connectionString: first.url });
  await client.connect();
  const { rows } = await client.query('select count(*)::int as count from perennial.runs');
  expect(rows).toEqual([{ count: 0 }]);
  client.on('error', () => {});
  await Promise.all([first.close(), second.close()]);
  await expect(new pg.Client({ connectionString: second.url }).connect()).rejects.toThrow('does not exist');
});

test('the shared Temporal is there', (context) => {
  requireTemporal(context);
  expect(testTemporal().address).toMatch(/^127\.0\.0\.1:\d+$/);
});
