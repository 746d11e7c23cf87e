import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '@temporalio/client';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { findPort } from '../../../infra/state/ports.ts';
import { connectTemporal } from '../../../infra/temporal/client.ts';
import { countPollers } from '../../../infra/temporal/pollers.ts';
import { ensureSearchAttributes } from '../../../infra/temporal/search-attributes.ts';
import { startTemporal } from '../../../infra/temporal/server.ts';
import { searchAttributes, taskQueues } from '../../../workflows/names.ts';
import { requireTemporal, testFolder, testTemporal } from '../../support/servers.ts';

const folderOf = (context: TestContext): string => {
  requireTemporal(context);
  const { folder, close } = testFolder();
  onTestFinished(close);
  return folder;
};

const connect = async (address: string): Promise<Awaited<ReturnType<typeof connectTemporal>>> => {
  const opened = await connectTemporal({ temporalAddress: address, temporalNamespace: 'default' });
  onTestFinished(opened.close);
  return opened;
};

const attributesOf = async (connection: Connection): Promise<string[]> =>
  Object.keys((await connection.operatorService.listSearchAttributes({ namespace: 'default' })).customAttributes ?? {});

test('keeps a workflow in its file through kill -9, serves the UI, and knows our search attributes', async (context) => {
  const folder = folderOf(context);
  const options = {
    binary: testTemporal().binary,
    dbFilename: join(folder, 'temporal.db'),
    uiPort: await findPort(),
    port: await findPort(),
    namespace: 'default',
    logFile: join(folder, 'temporal.log'),
  };
  const first = await startTemporal(options);
  const before = await connect(first.address);
  await before.client.workflow.start('nobody-runs-it', { workflowId: 'kept', taskQueue: 'no-worker' });
  process.kill(first.identity.pid, 'SIGKILL');
  await first.exited;

  const second = await startTemporal(options);
  onTestFinished(second.stop);
  const after = await connect(second.address);
  expect((await after.client.workflow.getHandle('kept').describe()).status.name).toBe('RUNNING');
  expect(await attributesOf(after.connection)).toEqual(expect.arrayContaining(Object.values(searchAttributes)));
  expect((await fetch(second.uiUrl as string)).status).toBe(200);
  expect(readFileSync(`/proc/${second.identity.pid}/cmdline`, 'utf8')).toContain('history.transferProcessorMaxPollRPS=10000');
});

test('says why, with the end of the log, where the server ends at once', async (context) => {
  const folder = folderOf(context);
  const broken = { binary: testTemporal().binary, dbFilename: join(folder, 'no/such/folder/x.db'), uiPort: null };
  await expect(startTemporal({ ...broken, namespace: 'default', logFile: join(folder, 'temporal.log') })).rejects.toMatchObject({
    code: 'PRN_UNREACHABLE',
    message: expect.stringContaining('no/such/folder'),
  });
});

test('a server that lacks our search attributes gets them, and one that has them is left alone', async (context) => {
  const folder = folderOf(context);
  const server = await startTemporal({
    binary: testTemporal().binary,
    dbFilename: null,
    uiPort: null,
    namespace: 'default',
    logFile: join(folder, 'temporal.log'),
  });
  onTestFinished(server.stop);
  const { connection } = await connect(server.address);
  const names = Object.values(searchAttributes);
  await connection.operatorService.removeSearchAttributes({ namespace: 'default', searchAttributes: names });
  expect(await attributesOf(connection)).not.toContain(names[0]);
  await ensureSearchAttributes(connection, 'default');
  await ensureSearchAttributes(connection, 'default');
  expect(await attributesOf(connection)).toEqual(expect.arrayContaining(names));
  await connection.operatorService.removeSearchAttributes({ namespace: 'default', searchAttributes: names });
  // Another one registers them between the look and the wish, which a server on Elasticsearch refuses then.
  const { operatorService } = connection;
  const addSearchAttributes = async () => {
    await ensureSearchAttributes(connection, 'default');
    throw new Error('Search attribute PerennialPipeline already exists.');
  };
  const raced = { operatorService: Object.assign(Object.create(operatorService) as object, { addSearchAttributes }) };
  await ensureSearchAttributes(raced as never, 'default');
  expect(await attributesOf(connection)).toEqual(expect.arrayContaining(names));
  const refusing = { addSearchAttributes: () => Promise.reject(new Error('no right to')) };
  await connection.operatorService.removeSearchAttributes({ namespace: 'default', searchAttributes: names });
  const refused = { operatorService: Object.assign(Object.create(operatorService) as object, refusing) };
  await expect(ensureSearchAttributes(refused as never, 'default')).rejects.toMatchObject({ code: 'PRN_UNREACHABLE' });
});

test('counts the workers that ask a queue for work', async (context) => {
  requireTemporal(context);
  const { connection } = await connect(testTemporal().address);
  const queue = `${taskQueues.gpu}-nobody`;
  expect(await countPollers(connection, 'default', queue)).toBe(0);
  // A worker in its barest form: one long poll, which the server notes when it begins.
  const poll = connection.withDeadline(Date.now() + 3_000, () =>
    connection.workflowService.pollActivityTaskQueue({
      namespace: 'default',
      taskQueue: { name: queue },
      identity: 'lone-worker',
    }),
  );
  await expect.poll(() => countPollers(connection, 'default', queue), { timeout: 10_000 }).toBe(1);
  await poll.catch(() => {});
});

test('says which address does not answer', async () => {
  const address = `127.0.0.1:${await findPort()}`;
  await expect(connectTemporal({ temporalAddress: address, temporalNamespace: 'default' })).rejects.toMatchObject({
    code: 'PRN_UNREACHABLE',
    message: expect.stringContaining(address),
  });
});
