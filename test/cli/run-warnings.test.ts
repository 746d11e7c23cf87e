/** What `perennial run` says of the data before it starts is what `perennial plan` says. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createDefinitions } from '../../infra/postgres/definitions.ts';
import { openDatabase } from '../../infra/postgres/pool.ts';
import { connectTemporal } from '../../infra/temporal/client.ts';
import { readPipeline } from '../../workers/cli/spec/read-pipeline.ts';
import { describeWithServers, testDatabase, testFolder, testTemporal } from '../support/servers.ts';

const launcher = resolve(import.meta.dirname, '../../workers/cli/perennial');

const apply = async (databaseUrl: string, folder: string): Promise<void> => {
  const database = openDatabase(databaseUrl);
  const { spec, file, definitionSha256, codeVersion } = await readPipeline(folder);
  await createDefinitions(database.db).apply(spec.name, folder, file, definitionSha256, codeVersion, 'ada');
  await database.close();
};

/** An applied pipeline with an event time and a source of three columns. No worker takes what is started. */
const openPipeline = async (name: string, columns: string) => {
  const { folder, close } = testFolder();
  const { url, close: dropDatabase } = await testDatabase();
  const { address, namespace } = testTemporal();
  const file = `name: ${name}\ndata:\n  source: rows.csv\n  event_time: at\n  label: churned\n  columns: { ${columns} }\n`;
  writeFileSync(join(folder, 'pipeline.yaml'), file);
  writeFileSync(join(folder, 'rows.csv'), 'at,words,churned\n2024-01-03 10:00:00,a,true\n2024-01-04 10:00:00,b,false\n');
  await apply(url, folder);
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    NO_COLOR: '1',
    DATABASE_URL: url,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    PERENNIAL_STORE: join(folder, 'store'),
    PERENNIAL_STATE_DIR: join(folder, 'state'),
  };
  onTestFinished(async () => {
    const temporal = await connectTemporal({ temporalAddress: address, temporalNamespace: namespace });
    for await (const { workflowId, runId } of temporal.client.workflow.list({ query: `PerennialPipeline = '${name}'` }))
      await temporal.client.workflow
        .getHandle(workflowId, runId)
        .terminate('the test is over')
        .catch(() => {});
    await temporal.close();
    await dropDatabase();
    close();
  });
  return (...words: string[]) => spawnSync(launcher, words, { cwd: folder, env, encoding: 'utf8' });
};

const warningsOf = (stderr: string): string[] => stderr.split('\n').filter((line) => line.startsWith('warning '));

describeWithServers('perennial run', () => {
  test('tells, as plan does, of columns that it does not read, also where there is an event time; --json stays one document', async () => {
    const name = `unread-${process.pid}`;
    const perennial = await openPipeline(name, 'at: { type: timestamp }');
    const planned = warningsOf(perennial('plan', '.').stderr);
    expect(planned).toEqual([expect.stringContaining('column "words" of the source is not read, as data.columns names others')]);
    for (const isAttached of [false, true]) {
      const { status, stdout, stderr } = perennial('run', name, '--json');
      expect([status, warningsOf(stderr)], stderr).toEqual([0, planned]);
      expect(Object.keys(JSON.parse(stdout))).toEqual(['workflowId', 'runKey', 'attached', 'link']);
      expect(JSON.parse(stdout)).toMatchObject({ attached: isAttached });
    }
  });

  test('has nothing to tell where every column is named', async () => {
    const name = `read-${process.pid}`;
    const perennial = await openPipeline(name, 'at: { type: timestamp }, words: { type: category }');
    const { status, stderr } = perennial('run', name);
    expect([status, warningsOf(stderr)], stderr).toEqual([0, []]);
  });
});
