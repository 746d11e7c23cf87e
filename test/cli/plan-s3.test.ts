/** `perennial plan` of sources in a bucket, on a real S3 server; the store and its keys come from the environment, as for a run. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { openS3 } from '../../infra/sources/s3-source.ts';
import { withDuckDb } from '../../infra/tabular/duckdb.ts';
import { testDatabase, testFolder } from '../support/servers.ts';
import { s3Missing, s3TimeoutMs, type TestS3, testS3 } from '../support/versitygw.ts';

const missing = await s3Missing();
const launcher = resolve(import.meta.dirname, '../../workers/cli/perennial');

const csv = (count: number): string =>
  `id,at,words,churned\n${Array.from({ length: count }, (_, row) => `${row},2024-01-0${1 + (row % 9)},word ${row * 7919} of ${row},${row % 3 === 0}`).join('\n')}\n`;

type Planned = {
  readonly columns: readonly { readonly name: string; readonly type: string; readonly role: string }[] | null;
  readonly warnings: readonly string[];
  readonly problems: readonly { readonly code: string; readonly message: string }[];
};

describe.skipIf(missing !== null)('perennial plan of sources in a bucket', () => {
  const { folder, close } = testFolder();
  let server: TestS3;
  let database: Awaited<ReturnType<typeof testDatabase>>;

  const put = async (key: string, body: string | Buffer): Promise<void> => {
    const client = openS3(server);
    await client.send(new PutObjectCommand({ Bucket: server.bucket, Key: key, Body: body }));
    client.destroy();
  };
  const keys = () => ({
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
  });

  beforeAll(async () => {
    [server, database] = [await testS3(), await testDatabase()];
    await put('lake/rows/a.csv', csv(200));
    await put('lake/rows/readme.txt', 'no');
    await put('lake/large.csv', `${csv(200_000)}${'"never closed '.repeat(10)}\n`);
    // More than is brought here, so that the packed stream ends in the middle.
    await put('lake/packed.csv.gz', gzipSync(csv(600_000)));
    await put('lake/none/readme.txt', 'no');
    await put('lake/broken/rows.parquet', 'PAR1 it is not');
  }, s3TimeoutMs);
  afterAll(async () => {
    await Promise.all([server.close(), database.close()]);
    close();
  });

  const plan = async (data: object, environment: Record<string, string> = keys()) => {
    const file = join(folder, 'pipeline.yaml');
    writeFileSync(file, stringify({ name: 'churn', data: { label: 'churned', key: 'id', ...data } }));
    const env = {
      PATH: process.env['PATH'],
      HOME: folder,
      NO_COLOR: '1',
      DATABASE_URL: database.url,
      PERENNIAL_STORE: join(folder, 'store'),
      PERENNIAL_STATE_DIR: join(folder, 'state'),
      S3_ENDPOINT: server.endpoint,
      AWS_EC2_METADATA_DISABLED: 'true',
      ...environment,
    };
    const child = spawn(launcher, ['plan', file, '--json'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
    const [exit] = (await once(child, 'close')) as [number];
    return { exit, stderr, planned: JSON.parse(stdout) as Planned };
  };
  const at = (key: string): string => `s3://${server.bucket}/${key}`;
  const seen = [
    { name: 'id', type: 'integer', role: 'key' },
    { name: 'at', type: 'timestamp', role: 'feature' },
    { name: 'words', type: 'category', role: 'feature' },
    { name: 'churned', type: 'boolean', role: 'label' },
  ];

  test.each([
    ['objects under a prefix', (lake: string) => ({ type: 'csv', path: `${lake}rows/` })],
    ['the beginning of a large one', (lake: string) => `${lake}large.csv`],
    ['the beginning of a packed one', (lake: string) => `${lake}packed.csv.gz`],
  ])('sees the columns of %s, and warns of them as of a file’s', async (_what, sourceIn) => {
    for (const _ of ['once', 'again']) {
      const { exit, planned, stderr } = await plan({ source: sourceIn(at('lake/')) });
      expect([exit, planned.problems, stderr]).toEqual([0, [], '']);
      expect(planned.columns?.map(({ name, role }) => ({ name, role }))).toEqual(seen.map(({ name, role }) => ({ name, role })));
      expect(planned.columns?.find(({ name }) => name === 'at')?.type).toBe('timestamp');
      expect(planned.warnings).toEqual([expect.stringContaining('column "at" is a timestamp')]);
    }
  });

  test('sees Parquet, and says of another object that it is none', async () => {
    const file = join(folder, 'rows.parquet');
    await withDuckDb({ folder, memoryMiB: 256, threads: 1, allowedFolders: [folder] }, (db) =>
      db.run(`COPY (SELECT i AS id, i % 2 = 0 AS churned FROM range(50) r(i)) TO '${file}' (FORMAT parquet)`),
    );
    await put('lake/rows.parquet', readFileSync(file));
    const { exit, planned } = await plan({ source: at('lake/rows.parquet') });
    expect([exit, planned.columns]).toEqual([0, [seen[0], seen[3]]]);
    const broken = await plan({ source: at('lake/broken/') });
    expect(broken.planned.problems).toMatchObject([{ code: 'PRN_SOURCE_UNREADABLE' }]);
    expect(broken.exit).not.toBe(0);
  });

  test('says which bucket is not there, which prefix is empty, which column no object has', async () => {
    const problemOf = async (data: object) => (await plan(data)).planned.problems;
    expect(await problemOf({ source: 's3://no-such-bucket/rows.csv' })).toMatchObject([
      {
        code: 'PRN_SOURCE_MISSING',
        message: 'Cannot read "s3://no-such-bucket/rows.csv" as the store has no bucket "no-such-bucket"',
      },
    ]);
    for (const prefix of ['lake/none/', 'nothing/'])
      expect(await problemOf({ source: { type: 'csv', path: at(prefix) } })).toMatchObject([
        {
          code: 'PRN_SOURCE_MISSING',
          message: `Cannot list source "${at(prefix)}" as it holds no object of type "csv"`,
        },
      ]);
    expect(await problemOf({ source: at('lake/rows/a.csv'), label: 'left' })).toMatchObject([
      { code: 'PRN_DATA_COLUMN_MISSING' },
    ]);
    const { exit } = await plan({ source: at('lake/rows/a.csv'), sources: { more: at('nothing/rows.csv') } });
    expect(exit).toBe(4);
  });

  test('does not call a pipeline wrong that it has no credentials to look at, and does where the store refuses or is not there', async () => {
    const { exit, planned } = await plan({ source: at('lake/rows/a.csv') }, {});
    expect([exit, planned.columns, planned.problems]).toEqual([0, null, []]);
    expect(planned.warnings).toEqual([expect.stringMatching(/^the sources were not looked at: .* no credentials for it/)]);
    const wrong = await plan({ source: at('lake/rows/a.csv') }, { ...keys(), AWS_SECRET_ACCESS_KEY: 'wrong' });
    expect([wrong.exit, wrong.planned.problems]).toMatchObject([6, [{ code: 'PRN_UNREACHABLE' }]]);
    const gone = await plan({ source: at('lake/rows/a.csv') }, { ...keys(), S3_ENDPOINT: 'http://127.0.0.1:1' });
    expect([gone.exit, gone.planned.problems]).toMatchObject([6, [{ code: 'PRN_UNREACHABLE' }]]);
  });
});
