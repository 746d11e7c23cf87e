/** What `perennial apply` and `pause` do where Temporal, or every worker, is away: the database first, the rest when asked again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDefinitions } from '../../infra/postgres/definitions.ts';
import { createPipelines } from '../../infra/postgres/pipelines.ts';
import { type Database, openDatabase } from '../../infra/postgres/pool.ts';
import { connectTemporal, type TemporalConnection } from '../../infra/temporal/client.ts';
import type { PipelineName } from '../../workflows/domain/units.ts';
import { scheduleId, watchDriftWorkflowId } from '../../workflows/names.ts';
import { describeWithServers, testDatabase, testFolder, testTemporal } from '../support/servers.ts';

const launcher = resolve(import.meta.dirname, '../../workers/cli/perennial');

describeWithServers('perennial apply', () => {
  // The namespace is shared by all tests of the run.
  const name = `alone-${process.pid}` as PipelineName;
  let database: Database;
  let temporal: TemporalConnection;
  let home: string;
  let environment: Record<string, string>;
  const closing: (() => unknown)[] = [];

  beforeAll(async () => {
    const made = await testDatabase();
    const { folder, close } = testFolder();
    database = openDatabase(made.url);
    const { address, namespace } = testTemporal();
    temporal = await connectTemporal({ temporalAddress: address, temporalNamespace: namespace });
    closing.push(
      close,
      made.close,
      () => database.close(),
      () => temporal.close(),
    );
    home = join(folder, 'pipeline');
    mkdirSync(home);
    const file = `name: ${name}\ndata:\n  source: customers.csv\n  label: churned\nretrain:\n  schedule: '@daily'\n`;
    writeFileSync(join(home, 'pipeline.yaml'), file);
    environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      NO_COLOR: '1',
      DATABASE_URL: made.url,
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      PERENNIAL_STORE: join(folder, 'store'),
      PERENNIAL_STATE_DIR: join(folder, 'state'),
      PERENNIAL_ACTOR: 'ada',
    };
  });
  afterAll(async () => {
    await temporal.client.schedule
      .getHandle(scheduleId(name))
      .delete()
      .catch(() => undefined);
    await temporal.client.workflow
      .getHandle(watchDriftWorkflowId(name))
      .terminate()
      .catch(() => undefined);
    for (const close of closing.reverse()) await close();
  });

  const perennial = async (words: readonly string[], more: Record<string, string> = {}) => {
    const child = spawn(launcher, words, { env: { ...environment, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data: Buffer) => {
        text += data.toString();
      });
    }
    const [exit] = (await once(child, 'close')) as [number | null];
    return { exit, text };
  };

  test('keeps what it applied where Temporal is away, and says that the same command does the rest', async () => {
    const { exit, text } = await perennial(['apply', home], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect([exit, text]).toEqual([6, expect.stringContaining('which is applied')]);
    expect(text).toContain(`perennial apply ${home}\` again does the rest`);
    expect(await createDefinitions(database.db).current(name)).toMatchObject({ pipeline: name });
    await expect(temporal.client.schedule.getHandle(scheduleId(name)).describe()).rejects.toThrow(/not found/i);
  });

  test('creates the schedule and starts the watch where no worker runs, and says that nobody answered', async () => {
    const { exit, text } = await perennial(['apply', home]);
    expect([exit, text]).toEqual([6, expect.stringContaining('does `perennial worker flow` run?')]);
    expect((await temporal.client.schedule.getHandle(scheduleId(name)).describe()).state.paused).toBe(false);
    expect((await temporal.client.workflow.getHandle(watchDriftWorkflowId(name)).describe()).status.name).toBe('RUNNING');
  });

  test('a pause holds in the database and for the schedule where the watch does not answer', async () => {
    const { exit, text } = await perennial(['pause', name, '--reason', 'holidays']);
    expect([exit, text]).toEqual([6, expect.stringContaining('Cannot reach the watch')]);
    expect((await createPipelines(database.db).state(name))?.paused).toMatchObject({ by: 'ada', reason: 'holidays' });
    expect((await temporal.client.schedule.getHandle(scheduleId(name)).describe()).state.paused).toBe(true);
  });
});
