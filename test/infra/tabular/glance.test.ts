/** A look at sources says what a run would find, without reading them whole. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import { pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { type Glance, glanceAt } from '../../../infra/tabular/glance.ts';
import { unreadWarnings } from '../../../workers/cli/plan/outlook.ts';
import { testFolder } from '../../support/servers.ts';

const { folder } = testFolder();
const [limits, sources] = [{ memoryMiB: 512, threads: 2 }, join(folder, 'sources')];
beforeEach(() => {
  rmSync(sources, { recursive: true, force: true });
  mkdirSync(sources);
});

const plainColumn = { type: 'category', new_values: 'warn', missing: 'allow', unique: false, role: 'feature' };

const glance = (data: object, frozen: DatasetSchema | null = null): Promise<Glance | null> => {
  const spec = pipelineSpecSchema.parse({ name: 'churn', data: { label: 'churned', ...data } });
  return glanceAt(spec.data, sources, { ...limits, folder, frozen, s3: { endpoint: null, region: 'us-east-1' } });
};
const rows = (count: number): string =>
  Array.from({ length: count }, (_, row) => `${row},2024-01-0${1 + (row % 9)},"${'ab'[row % 2]}\n, more",${row % 3 === 0}`).join(
    '\n',
  );
const head = 'id,at,words,churned';
const types = (found: Glance | null) => found?.columns.map(({ name, type, role }) => `${name} ${type} ${role}`);
const expected = ['id integer key', 'at timestamp feature', 'words category feature', 'churned boolean label'];

describe('glanceAt()', () => {
  test.each([
    ['a small file', 'rows.csv', (text: string) => text],
    ['a packed one', 'rows.csv.gz', (text: string) => gzipSync(text)],
  ])('sees columns and types of %s', async (_what, name, pack) => {
    writeFileSync(join(sources, name), pack(`${head}\n${rows(200)}\n`));
    expect(types(await glance({ source: name, key: 'id' }))).toEqual(expected);
  });

  test('tells which columns no run would read: others were declared, or were frozen before', async () => {
    writeFileSync(join(sources, 'rows.csv'), `${head}\n${rows(20)}\n`);
    expect(await glance({ source: 'rows.csv' })).toMatchObject({ unread: [], isFrozen: false });
    const declared = await glance({ source: 'rows.csv', columns: { id: { type: 'string', role: 'ignore' } } });
    expect(declared).toMatchObject({ unread: ['at', 'words'], isFrozen: false });
    expect(unreadWarnings(declared as Glance)).toEqual([
      'columns "at", "words" of the source are not read, as data.columns names others: name each that is meant there, with role: ignore where no model should learn from it',
    ]);
    const [words, label] = ['words', 'churned'].map((name) => ({ ...plainColumn, name }));
    const schema = { columns: [words, label], eventTime: null, key: [], label: 'churned', labelKnownAfterMs: 0 };
    const frozen = await glance({ source: 'rows.csv' }, schema as DatasetSchema);
    expect(frozen).toMatchObject({ unread: ['id', 'at'], isFrozen: true });
    expect(unreadWarnings(frozen as Glance)[0]).toMatch(/"id", "at" of the source are not read, as the newest snapshot has none/);
  });

  test('reads no more than the beginning of a large file, and no half record of it', async () => {
    const broken = `${'"never closed '.repeat(200_000)}\n`;
    writeFileSync(join(sources, 'rows.csv'), `${head}\n${rows(150_000)}\n${broken}`);
    expect(types(await glance({ source: 'rows.csv', key: 'id' }))).toEqual(expected);
  });

  test('sees Parquet, and says of another file that it is none', async () => {
    const file = join(sources, 'rows.parquet');
    await withDuckDb({ folder, ...limits, allowedFolders: [sources] }, (db) =>
      db.run(
        `COPY (SELECT i AS id, TIMESTAMP '2024-01-01' AS at, i % 2 = 0 AS churned FROM range(50) r(i)) TO '${file}' (FORMAT parquet)`,
      ),
    );
    const seen = ['id integer feature', 'at timestamp event_time', 'churned boolean label'];
    expect(types(await glance({ source: 'rows.parquet', event_time: 'at' }))).toEqual(seen);
    writeFileSync(file, 'PAR1 it is not');
    await expect(glance({ source: 'rows.parquet' })).rejects.toMatchObject({ code: 'PRN_SOURCE_UNREADABLE' });
  });

  test('misses a column only where no object has it', async () => {
    for (const name of ['a', 'b'])
      writeFileSync(join(sources, `${name}.csv`), `id${name === 'b' ? ',churned' : ''}\n1${name === 'b' ? ',true' : ''}\n`);
    const source = { type: 'csv', path: '.' };
    expect((await glance({ source }))?.columns.map(({ name }) => name)).toEqual(['id', 'churned']);
    await expect(glance({ source, event_time: 'at' })).rejects.toMatchObject({ code: 'PRN_DATA_COLUMN_MISSING' });
    for (let more = 0; more < 20; more++) writeFileSync(join(sources, `c${more}.csv`), 'id\n1\n');
    expect(await glance({ source, event_time: 'at' })).toMatchObject({ objects: 22, columns: [] });
  });

  test('misses further sources too, and leaves files of any kind alone', async () => {
    writeFileSync(join(sources, 'rows.csv'), 'churned\ntrue\n');
    await expect(glance({ source: 'rows.csv', sources: { weather: 'gone.csv' } })).rejects.toMatchObject({
      code: 'PRN_SOURCE_MISSING',
    });
    expect(await glance({ source: { type: 'files', path: '.' } })).toBeNull();
  });
});
