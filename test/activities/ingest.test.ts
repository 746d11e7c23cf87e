import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Batch } from '#domain/contracts/dataset.ts';
import type { PipelineFile } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { readSpec } from '../../activities/ingest.ts';
import type { RejectedRow } from '../../infra/data/rows.ts';
import { sha256Of } from '../../infra/objects/digest.ts';
import { withDuckDb } from '../../infra/tabular/duckdb.ts';
import { csvOf, type DataWorld, eventsFile, openDataWorld } from './support/data-world.ts';

let world: DataWorld;
beforeAll(async () => {
  world = await openDataWorld();
});
afterAll(() => world.close());

const ingest = async (file: PipelineFile, cutoff: string | null = null) => {
  const summary = await world.ingest(await world.prepare(file, cutoff));
  return { summary, batch: await world.json<Batch>(summary.batchSha256) };
};
const rejectedOf = (batch: Batch) =>
  batch.rejected.sha256 ? world.rows<RejectedRow>([batch.rejected.sha256]) : Promise.resolve([]);
const partsOf = (batch: Batch) => batch.parts.map((part) => [part.partition, part.sha256, part.rows]);
const days = [
  ['2001-01-02 10:00:00', 20, 'ATL'],
  ['2001-01-01 09:00:00', 5, 'ORD'],
  ['2001-01-02 08:00:00', -3, 'ATL'],
  ['2001-01-01 23:59:59.999', 16, 'LAX'],
] as const;

describe('ingestSources()', () => {
  it('types, labels and sorts rows into one part a day', async () => {
    const { batch, summary } = await ingest(eventsFile(world.write('plain.csv', csvOf(days))));
    expect(summary).toMatchObject({ rows: 4, rejectedRows: 0, parts: 2, newParts: 2 });
    expect(batch.parts.map((part) => part.partition)).toEqual(['2001-01-01', '2001-01-02']);
    expect(batch.eventTime).toEqual({ first: '2001-01-01T09:00:00.000Z', last: '2001-01-02T10:00:00.000Z' });
    expect(batch.schema.columns.map((column) => [column.name, column.type, column.role])).toEqual([
      ['at', 'timestamp', 'event_time'],
      ['delay', 'integer', 'outcome'],
      ['place', 'category', 'feature'],
      ['late', 'boolean', 'label'],
    ]);
    const rows = await world.rows<{ delay: number; late: boolean }>(batch.parts.map((part) => part.sha256));
    expect(rows.map((row) => [row.delay, row.late])).toEqual([
      [5, false],
      [16, true],
      [-3, false],
      [20, true],
    ]);
  });

  it('gives the same result for the same key, and writes nothing twice', async () => {
    const input = await world.prepare(
      eventsFile(
        world.write(
          'twice.csv',
          csvOf([
            ['2002-01-01', 1, 'A'],
            ['2002-01-02', 40, 'B'],
          ]),
        ),
      ),
    );
    const first = await world.ingest(input);
    expect(await world.ingest(input)).toEqual(first);
    await world.db.deleteFrom('step_results').execute();
    expect(await world.ingest(input)).toEqual({ ...first, newParts: 0 });
  });

  it('does the work again where garbage collection took the result', async () => {
    const input = await world.prepare(
      eventsFile(
        world.write(
          'gone.csv',
          csvOf([
            ['2003-01-01', 1, 'A'],
            ['2003-01-02', 40, 'B'],
          ]),
        ),
      ),
    );
    const first = await world.ingest(input);
    await world.objects.delete(`content/${first.batchSha256.slice(0, 2)}/${first.batchSha256}`);
    expect((await world.ingest(input)).batchSha256).toBe(first.batchSha256);
    expect(await world.json(first.batchSha256)).toMatchObject({ rows: 2 });
  });

  it('gives the same parts for CSV, gzipped CSV, NDJSON and Parquet', async () => {
    const csv = csvOf(days);
    const lines = days.map(([at, delay, place]) => JSON.stringify({ place, at, delay })).join('\n');
    const plain = world.write('same.csv', csv);
    const parquet = join(world.folder, 'sources', 'same.parquet');
    await withDuckDb({ folder: world.folder, memoryMiB: 128, threads: 1, allowedFolders: [] }, (db) =>
      db.run(
        `COPY (SELECT place, delay::SMALLINT AS delay, "at"::TIMESTAMP_MS AS "at" FROM read_csv('${plain}')) TO '${parquet}' (FORMAT parquet)`,
      ),
    );
    const expected = partsOf((await ingest(eventsFile(plain))).batch);
    expect(partsOf((await ingest(eventsFile(world.write('same.csv.gz', gzipSync(csv))))).batch)).toEqual(expected);
    expect(partsOf((await ingest(eventsFile(world.write('same.ndjson', lines)))).batch)).toEqual(expected);
    expect(partsOf((await ingest(eventsFile(parquet))).batch)).toEqual(expected);
  });

  it('shares the parts of days that were there when a day arrives', async () => {
    const before = await ingest(eventsFile(world.write('grow/a.csv', csvOf(days)), { source: { type: 'csv', path: 'grow' } }));
    world.write('grow/b.csv', csvOf([['2001-01-03 01:00:00', 7, 'ATL']]));
    const after = await ingest(eventsFile('grow', { source: { type: 'csv', path: 'grow' } }));
    expect(after.summary).toMatchObject({ rows: 5, parts: 3, newParts: 1 });
    expect(partsOf(after.batch).slice(0, 2)).toEqual(partsOf(before.batch));
  });

  it('leaves out rows at or after the cut-off, and does not count them as rejected', async () => {
    const { summary, batch } = await ingest(
      eventsFile(world.write('cut.csv', csvOf([...days, ['2001-01-02', 'x', 'ATL']]))),
      '2001-01-02T00:00:00.000Z',
    );
    expect(summary).toMatchObject({ rows: 2, rejectedRows: 0, parts: 1 });
    expect(batch.cutoff).toBe('2001-01-02T00:00:00.000Z');
  });

  it('finds a wrong type in row 1,000,001 and says its line', async () => {
    const rows = Array.from(
      { length: 1_000_100 },
      (_, index) => `2001-01-0${1 + (index % 3)},${index === 1_000_000 ? 'abc' : index % 90},ATL`,
    );
    const { summary, batch } = await ingest(eventsFile(world.write('million.csv', `at,delay,place\n${rows.join('\n')}\n`)));
    expect(summary).toMatchObject({ rows: 1_000_099, rejectedRows: 1 });
    expect(batch.rejected.reasons).toEqual([
      { reason: 'not an integer', column: 'delay', rows: 1, example: 'million.csv line 1000002: "abc"' },
    ]);
    expect(await rejectedOf(batch)).toMatchObject([{ object: 'million.csv', line: 1_000_002, column: 'delay', value: 'abc' }]);
  });

  it('says physical lines in spite of quoted line breaks, blank lines and lines that cannot be read', async () => {
    const text =
      'at,delay,place\n2001-01-01,1,"two\nlines"\n\n2001-01-01,1.5,A\n2001-01-01,2\n2001-01-01,3,B,C\n2001-01-01,4000,D\n,5,E\n2001-01-01,6,"q ""x"" y"\n';
    const { batch, summary } = await ingest(eventsFile(world.write('odd.csv', text.replaceAll('\n', '\r\n'))));
    expect(summary.rows).toBe(2);
    expect((await rejectedOf(batch)).map((row) => [row.line, row.column, row.reason])).toEqual([
      [5, 'delay', 'not an integer'],
      [6, null, 'line cannot be read: missing columns'],
      [7, null, 'line cannot be read: too many columns'],
      [8, 'delay', 'above the maximum 1000'],
      [9, 'at', 'no event time'],
    ]);
  });

  it('sets aside NDJSON lines that are no objects, by line', async () => {
    const text =
      '{"at":"2001-01-01","delay":1,"place":"A"}\n\n{broken\n[1]\n{"at":"2001-01-01T10:00:00+02:00","delay":"2","place":null}\n{"at":1,"delay":3}\n';
    const { batch, summary } = await ingest(eventsFile(world.write('odd.ndjson', text)));
    expect(summary.rows).toBe(2);
    expect(batch.eventTime?.last).toBe('2001-01-01T08:00:00.000Z');
    expect((await rejectedOf(batch)).map((row) => [row.line, row.reason])).toEqual([
      [3, 'line is not a JSON object'],
      [4, 'line is not a JSON object'],
      [6, 'not an instant in ISO 8601'],
    ]);
  });

  it('keeps the first row of a key and rejects the others', async () => {
    const text = 'id,at,delay,place\n1,2001-01-02,5,A\n2,2001-01-01,6,B\n1,2001-01-01,7,C\n,2001-01-01,8,D\n';
    const columns = {
      id: { type: 'integer' },
      at: { type: 'timestamp' },
      delay: { type: 'integer' },
      place: { type: 'category' },
    } as const;
    const { batch, summary } = await ingest(eventsFile(world.write('keys.csv', text), { key: 'id', columns }));
    expect(summary).toMatchObject({ rows: 2, rejectedRows: 2 });
    expect((await rejectedOf(batch)).map((row) => [row.line, row.column, row.reason, row.value])).toEqual([
      [2, 'id', 'duplicate key', '1'],
      [5, 'id', 'missing', null],
    ]);
  });

  it('rejects values outside the allowed ones, and missing ones where they must be there', async () => {
    const columns = {
      at: { type: 'timestamp' },
      delay: { type: 'number', missing: 'reject' },
      place: { type: 'category', values: ['A', 'B'] as string[] },
    } as const;
    const text = csvOf([
      ['2001-01-01', 1, 'A'],
      ['2001-01-01', '', 'A'],
      ['2001-01-01', 'nan', 'B'],
      ['2001-01-01', 'inf', 'B'],
      ['2001-01-01', 20, 'C'],
    ]);
    const { batch } = await ingest(eventsFile(world.write('values.csv', text), { columns }));
    expect((await rejectedOf(batch)).map((row) => [row.line, row.reason])).toEqual([
      [3, 'missing'],
      [4, 'missing'],
      [5, 'not a finite number'],
      [6, 'not among the allowed values'],
    ]);
  });

  it('puts rows without event time into buckets by their hash', async () => {
    const text = `customer,tenure,churned\n${Array.from({ length: 500 }, (_, index) => `c${index},${index % 70},${index % 3 === 0}`).join('\n')}\n`;
    const file: PipelineFile = { name: 'churn', data: { source: 'churn.csv', key: 'customer', label: 'churned' } };
    world.write('churn.csv', text);
    const { batch, summary } = await ingest(file);
    expect(summary.rows).toBe(500);
    expect(batch.parts.length).toBe(64);
    expect(batch.parts[7]?.partition).toBe('h07');
    expect(batch.schema.columns.map((column) => [column.name, column.type, column.role])).toEqual([
      ['customer', 'string', 'key'],
      ['tenure', 'integer', 'feature'],
      ['churned', 'boolean', 'label'],
    ]);
    expect(batch.eventTime).toBeNull();
  });

  it('tells names from categories in Parquet too', async () => {
    const file = world.write('typed.parquet', '');
    await withDuckDb(
      { folder: join(world.folder, 'making'), memoryMiB: 256, threads: 1, allowedFolders: [dirname(file)] },
      (db) =>
        db.run(
          `COPY (SELECT 'c' || i AS customer, ['a', 'b', 'c'][1 + i % 3] AS plan, i % 2 = 0 AS churned FROM range(500) t(i)) TO '${file}' (FORMAT parquet)`,
        ),
    );
    const { batch } = await ingest({ name: 'typed', data: { source: 'typed.parquet', label: 'churned' } });
    expect(batch.schema.columns.map((each) => [each.name, each.type])).toEqual([
      ['customer', 'string'],
      ['plan', 'category'],
      ['churned', 'boolean'],
    ]);
  });

  it('keeps types that were inferred once', async () => {
    const file: PipelineFile = { name: 'frozen', data: { source: 'frozen.csv', label: 'y' } };
    world.write('frozen.csv', 'code,y\n1,true\n2,false\n');
    await world.snapshot(file);
    world.write('frozen.csv', 'code,y,extra\n3,true,1\n4,false,2\nx,true,3\n');
    const { batch } = await ingest(file);
    expect(batch.schema.columns.map((column) => [column.name, column.type])).toEqual([
      ['code', 'integer'],
      ['y', 'boolean'],
    ]);
    expect(batch.rejected.reasons).toMatchObject([{ reason: 'not an integer', column: 'code', rows: 1 }]);
  });

  it('reads further sources with their own types', async () => {
    world.write('weather.csv', 'place,issued_at,rain\nATL,2001-01-01T06:00:00Z,0.5\nORD,2001-01-01T06:00:00Z,0\n');
    const { batch } = await ingest(eventsFile(world.write('with.csv', csvOf(days)), { sources: { weather: 'weather.csv' } }));
    const weather = batch.parts.filter((part) => part.source === 'weather');
    const rows = await world.rows<{ rain: number; issued_at: Date }>(weather.map((part) => part.sha256));
    expect(rows.map((row) => row.rain).sort((a, b) => a - b)).toEqual([0, 0.5]);
    expect(rows[0]?.issued_at.toISOString()).toBe('2001-01-01T06:00:00.000Z');
    expect(batch.rows).toBe(4);
  });

  it('keeps files as they are, one part each', async () => {
    world.write('images/a.png', Buffer.from([1, 2, 3]));
    world.write('images/sub/b.png', Buffer.from([4, 5]));
    const file: PipelineFile = { name: 'images', data: { source: { type: 'files', path: 'images' }, label: 'kind' } };
    const { batch, summary } = await ingest(file);
    expect(summary).toMatchObject({ rows: 2, parts: 2 });
    expect(batch.parts.map((part) => [part.kind, part.partition, part.bytes])).toEqual([
      ['file', 'a.png', 3],
      ['file', 'sub/b.png', 2],
    ]);
    expect(await world.deps.content.getBytes(batch.parts[0]?.sha256 as never)).toEqual(Buffer.from([1, 2, 3]));
  });
});

describe('ingestSources() refuses', () => {
  const refusal = async (file: PipelineFile, cutoff: string | null = null) => {
    const input = await world.prepare(file, cutoff);
    return world.ingest(input).then(
      () => 'no error',
      (error) => `${error.code}: ${error.message}`,
    );
  };

  it('an empty file, a header without rows, and rows all after the cut-off', async () => {
    expect(await refusal(eventsFile(world.write('empty.csv', '')))).toMatch(
      /^PRN_DATA_EMPTY: .*"empty\.csv" of .*at least one row: there are none$/,
    );
    expect(await refusal(eventsFile(world.write('header.csv', 'at,delay,place\n')))).toMatch(
      /^PRN_DATA_EMPTY: .*"header\.csv" of .*there are none$/,
    );
    expect(await refusal(eventsFile(world.write('late.csv', csvOf(days))), '2000-01-01T00:00:00.000Z')).toMatch(
      /^PRN_DATA_EMPTY: .*before/,
    );
  });

  it('a quote that never closes, which would swallow the rows after it', async () => {
    const text = `${csvOf(days)}"2001-01-09,1,A\n${csvOf(days).split('\n').slice(1).join('\n')}`;
    expect(await refusal(eventsFile(world.write('open-quote.csv', text)))).toMatch(
      /^PRN_SOURCE_UNREADABLE: Cannot read "open-quote\.csv" as CSV as every quote must close: .* begins with "2001-01-09,1,A does not/,
    );
  });

  it('lines that end in two ways, naming the first that ends otherwise', async () => {
    const lines = csvOf(days).trimEnd().split('\n');
    const text = lines.map((line, index) => `${line}${index === 2 ? '\n' : '\r\n'}`).join('');
    expect(await refusal(eventsFile(world.write('mixed.csv', text)))).toMatch(
      /^PRN_SOURCE_UNREADABLE: Cannot read "mixed\.csv" as CSV as all lines must end alike: line 3 ends with LF, and the lines before it with CRLF/,
    );
  });

  it('a column that is not there, naming those that are', async () => {
    expect(await refusal(eventsFile(world.write('lacks.csv', 'at,place\n2001-01-01,A\n')))).toMatch(
      /^PRN_DATA_COLUMN_MISSING: .*"delay" is not there: it has "at", "place"/,
    );
  });

  it('a file that is not what its type says', async () => {
    expect(await refusal(eventsFile(world.write('not.parquet', 'hello')))).toMatch(
      /^PRN_SOURCE_UNREADABLE: Cannot read "not.parquet" as Parquet/,
    );
    expect(await refusal(eventsFile(world.write('bytes.csv', Buffer.from([0, 1, 2]))))).toMatch(/^PRN_SOURCE_UNREADABLE/);
    expect(await refusal(eventsFile(world.write('text.ndjson', 'hello\nworld\n')))).toMatch(/^PRN_SOURCE_UNREADABLE/);
  });

  it('a source that changed since it was listed', async () => {
    const path = world.write('changes.csv', csvOf(days));
    const input = await world.prepare(eventsFile(path));
    writeFileSync(path, csvOf(days).replace('ATL', 'BOS'));
    await expect(world.ingest(input)).rejects.toMatchObject({ code: 'PRN_SOURCE_CHANGED' });
    writeFileSync(path, 'at\n');
    await expect(world.ingest(input)).rejects.toMatchObject({ code: 'PRN_SOURCE_CHANGED' });
  });

  it('label SQL that is wrong, looks at other rows, reads files or is not an expression', async () => {
    const path = world.write('label.csv', csvOf(days));
    const withLabel = (sql: string) => refusal(eventsFile(path, { label: { name: 'late', sql } }));
    expect(await withLabel('delai > 15')).toMatch(/^PRN_DATA_SQL: Cannot evaluate data\.label\.sql.*delai/s);
    expect(await withLabel('avg(delay) > 1')).toMatch(/^PRN_DATA_SQL: .*other rows/);
    expect(await withLabel(`(SELECT count(*) FROM read_text('/etc/hostname')) > 0`)).toMatch(/^PRN_DATA_SQL: .*subquery/);
    expect(await withLabel('delay > 15; DROP TABLE rejects')).toMatch(/^PRN_DATA_SQL/);
    expect(await withLabel('random() > 0.5')).toMatch(/^PRN_DATA_SQL: .*another answer/);
    expect(await withLabel('CAST(place AS INTEGER) > 1')).toMatch(/^PRN_DATA_SQL: .*Conversion Error/s);
    expect(await withLabel('"at"')).toMatch(/^PRN_DATA_LABEL/);
  });

  it('an unknown definition', async () => {
    const input = await world.prepare(eventsFile(world.write('known.csv', csvOf(days))));
    await expect(world.ingest({ ...input, definitionSha256: 'f'.repeat(64) as never })).rejects.toMatchObject({
      code: 'PRN_DEFINITION_UNKNOWN',
    });
  });

  it('a definition that only an earlier version took, at once and by its field', async () => {
    const file = { ...eventsFile('events.csv'), gate: { champion: { margin: 0 } } };
    const definitions = { find: async () => ({ pipeline: 'events', file }) };
    const read = readSpec({ definitions: definitions as never }, { definitionSha256: sha256Of('before') });
    await expect(read).rejects.toMatchObject({
      code: 'PRN_SPEC_INVALID',
      message: expect.stringContaining('gate.champion.margin'),
    });
  });

  it('nothing where every row is wrong: that is for validation to judge', async () => {
    const { summary, batch } = await ingest(
      eventsFile(
        world.write(
          'allbad.csv',
          csvOf([
            ['x', 1, 'A'],
            ['y', 2, 'B'],
          ]),
        ),
      ),
    );
    expect(summary).toMatchObject({ rows: 0, rejectedRows: 2, parts: 0 });
    expect(batch.rejected.reasons).toMatchObject([{ reason: 'not an instant in ISO 8601', rows: 2 }]);
  });

  it('to go on when it is cancelled', async () => {
    const input = await world.prepare(
      eventsFile(
        world.write(
          'cancel.csv',
          csvOf([
            ['2009-01-01', 1, 'A'],
            ['2009-01-02', 30, 'B'],
          ]),
        ),
      ),
    );
    const controller = new AbortController();
    const seen: unknown[] = [];
    const context = {
      signal: controller.signal,
      heartbeat: (detail: unknown) => {
        seen.push(detail);
        controller.abort(new Error('cancelled by the test'));
      },
    };
    await expect(world.ingest(input, context)).rejects.toThrow('cancelled by the test');
    expect(seen.length).toBeGreaterThan(0);
  });
});
