import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { type Database, openDatabase } from '../../../infra/postgres/pool.ts';
import { createWebhooks, type NewDelivery } from '../../../infra/postgres/webhooks.ts';
import type { PipelineName, Sha256 } from '../../../workflows/domain/units.ts';
import { testDatabase } from '../../support/servers.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let one: Database;
let two: Database;
const churn = 'churn' as PipelineName;
const sha = (digit: string) => digit.repeat(64) as Sha256;
const day = 86_400_000;

const delivery = (deliveryId: string, over: Partial<NewDelivery> = {}): NewDelivery => ({
  source: 'events',
  deliveryId,
  pipeline: churn,
  bodySha256: sha('a'),
  arrival: { kind: 'data arrived', text: '' },
  ...over,
});

beforeAll(async () => {
  database = await testDatabase();
  one = openDatabase(database.url);
  two = openDatabase(database.url);
  for (const name of [churn, 'flights' as PipelineName])
    await createDefinitions(one.db).apply(name, null, { name }, sha(name === churn ? 'c' : 'd'), 'test', 'test');
});
afterAll(async () => {
  await one.close();
  await two.close();
  await database.close();
});
beforeEach(async () => {
  await one.db.deleteFrom('webhook_deliveries').execute();
  await one.db.deleteFrom('labels').execute();
  await one.db.updateTable('pipelines').set({ deleted_at: null }).execute();
});
const rows = () => one.db.selectFrom('webhook_deliveries').selectAll().orderBy('delivery_id').execute();

describe('accept()', () => {
  test('of one id by many at once writes one row, and tells all others that it was there', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => createWebhooks(index % 2 === 0 ? one.db : two.db).accept(delivery('a'))),
    );
    expect(answers.filter((answer) => answer === 'accepted')).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'repeated')).toHaveLength(39);
    expect(await rows()).toHaveLength(1);
  });

  test('keeps apart the same id of another source, and tells other content from the same', async () => {
    const webhooks = createWebhooks(one.db);
    expect(await webhooks.accept(delivery('a'))).toBe('accepted');
    expect(await webhooks.accept(delivery('a', { source: 'grafana' }))).toBe('accepted');
    expect(await webhooks.accept(delivery('a', { bodySha256: sha('b') }))).toBe('other content');
    expect(await webhooks.accept(delivery('a', { pipeline: 'flights' as PipelineName }))).toBe('other content');
    expect(await rows()).toHaveLength(2);
  });

  test('knows no pipeline that was never applied, and none that was deleted', async () => {
    await one.db.updateTable('pipelines').set({ deleted_at: new Date() }).where('name', '=', churn).execute();
    const webhooks = createWebhooks(one.db);
    expect(await webhooks.accept(delivery('a'))).toBe('unknown pipeline');
    expect(await webhooks.accept(delivery('a', { pipeline: 'none' as PipelineName }))).toBe('unknown pipeline');
    expect(await rows()).toEqual([]);
  });
});

describe('claim()', () => {
  test('gives each row to one of those who ask at once', async () => {
    const webhooks = createWebhooks(one.db);
    for (let index = 0; index < 60; index += 1) await webhooks.accept(delivery(`d${index}`));
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, index) => createWebhooks(index % 2 === 0 ? one.db : two.db).claim(10, 60_000)),
    );
    const ids = claims.flat().map(({ deliveryId }) => deliveryId);
    expect(new Set(ids).size).toBe(ids.length);
    const rest = await webhooks.claim(100, 60_000);
    expect(new Set([...ids, ...rest.map(({ deliveryId }) => deliveryId)]).size).toBe(60);
    expect(await webhooks.claim(100, 60_000)).toEqual([]);
  });

  test('gives a row again once the lease of who died with it has ended', async () => {
    const webhooks = createWebhooks(one.db);
    await webhooks.accept(delivery('a'));
    expect(await webhooks.claim(1, 1)).toMatchObject([{ attempts: 1 }]);
    await expect.poll(() => webhooks.claim(1, 60_000)).toMatchObject([{ deliveryId: 'a', attempts: 2 }]);
    await webhooks.settle({ source: 'events', deliveryId: 'a' });
    await webhooks.settle({ source: 'events', deliveryId: 'a' });
    expect(await webhooks.waiting()).toMatchObject({ rows: 0, oldestSeconds: 0 });
  });

  test('gives no row before its time, and none after it was settled, whoever postpones it then', async () => {
    const webhooks = createWebhooks(one.db);
    await webhooks.accept(delivery('a'));
    await webhooks.postpone(delivery('a'), 'Temporal sleeps', 60_000);
    expect(await webhooks.claim(10, 1_000)).toEqual([]);
    expect(await webhooks.waiting()).toMatchObject({ rows: 1 });
    await webhooks.settle(delivery('a'));
    await webhooks.postpone(delivery('a'), 'too late', 0);
    expect((await rows())[0]).toMatchObject({ last_error: null });
    expect(await webhooks.claim(10, 1_000)).toEqual([]);
  });

  test('gives nothing of a pipeline that was deleted after it was accepted, once such rows were dropped', async () => {
    const webhooks = createWebhooks(one.db);
    await webhooks.accept(delivery('a'));
    await webhooks.accept(delivery('b', { pipeline: 'flights' as PipelineName }));
    await one.db.updateTable('pipelines').set({ deleted_at: new Date() }).where('name', '=', churn).execute();
    await webhooks.dropDeleted();
    expect((await webhooks.claim(10, 1_000)).map(({ deliveryId }) => deliveryId)).toEqual(['b']);
    expect((await rows())[0]).toMatchObject({ last_error: 'the pipeline was deleted' });
  });
});

describe('forget()', () => {
  test('removes what was handed over long ago, and nothing that waits', async () => {
    const webhooks = createWebhooks(one.db);
    for (const id of ['old', 'young', 'waiting']) await webhooks.accept(delivery(id));
    for (const id of ['old', 'young']) await webhooks.settle(delivery(id));
    const longAgo = new Date(Date.now() - 8 * day);
    await one.db.updateTable('webhook_deliveries').set({ handed_over_at: longAgo }).where('delivery_id', '=', 'old').execute();
    await webhooks.forget(7 * day);
    expect((await rows()).map(({ delivery_id }) => delivery_id)).toEqual(['waiting', 'young']);
  });
});

describe('noticeLabels()', () => {
  const arrive = (subjects: readonly string[], at: string) =>
    one.db
      .insertInto('labels')
      .values(subjects.map((subject) => ({ pipeline: churn, subject, label: 'true', known_at: at, arrived_at: at })))
      .execute();
  const said = async () => (await rows()).map(({ pipeline, message }) => [pipeline, (message as { rows: number }).rows]);

  test('tells once how many labels came since the last time, and nothing where none came', async () => {
    const webhooks = createWebhooks(one.db);
    expect(await webhooks.noticeLabels(0)).toBe(0);
    await arrive(['id:1', 'id:2'], '2026-02-01T10:00:00.000001Z');
    expect(await webhooks.noticeLabels(0)).toBe(1);
    expect(await webhooks.noticeLabels(0)).toBe(0);
    await arrive(['id:3', 'id:4', 'id:5'], '2026-02-01T10:00:00.000002Z');
    expect(await webhooks.noticeLabels(0)).toBe(1);
    expect(await said()).toEqual([
      ['churn', 2],
      ['churn', 3],
    ]);
  });

  test('waits for its time after the last one, and then tells of all that came', async () => {
    const webhooks = createWebhooks(one.db);
    await arrive(['id:1'], '2026-02-01T10:00:00Z');
    await webhooks.noticeLabels(60_000);
    await arrive(['id:2'], '2026-02-01T10:00:01Z');
    expect(await webhooks.noticeLabels(60_000)).toBe(0);
    await arrive(['id:3'], '2026-02-01T10:00:02Z');
    expect(await webhooks.noticeLabels(0)).toBe(1);
    expect(await said()).toEqual([
      ['churn', 1],
      ['churn', 2],
    ]);
  });

  test('of several processes tells once', async () => {
    await arrive(['id:1'], '2026-02-01T10:00:00Z');
    const made = await Promise.all(
      Array.from({ length: 10 }, (_, index) => createWebhooks(index % 2 === 0 ? one.db : two.db).noticeLabels(5_000)),
    );
    expect(made.reduce((sum, count) => sum + count, 0)).toBe(1);
  });

  test('goes on where it was after old rows were forgotten', async () => {
    const webhooks = createWebhooks(one.db);
    await arrive(['id:1'], '2026-02-01T10:00:00Z');
    await webhooks.noticeLabels(0);
    await arrive(['id:2'], '2026-02-01T10:00:01Z');
    await webhooks.noticeLabels(0);
    await one.db
      .updateTable('webhook_deliveries')
      .set({ handed_over_at: new Date(Date.now() - 8 * day) })
      .execute();
    await webhooks.forget(7 * day);
    expect(await rows()).toHaveLength(1);
    expect(await webhooks.noticeLabels(0)).toBe(0);
  });
});
