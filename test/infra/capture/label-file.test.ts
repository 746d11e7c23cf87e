import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseLabels } from '../../../infra/capture/label-intake.ts';
import { classIndexOf, normaliseLabel } from '../../../infra/capture/label-value.ts';
import { type LabelLine, readLabelFile } from '../../../infra/capture/read-label-file.ts';
import { withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { testFolder } from '../../support/servers.ts';
import { idAt } from './records.ts';

let place: ReturnType<typeof testFolder>;
beforeEach(() => {
  place = testFolder();
  return place.close;
});

const id = (n: number): string => idAt('2001-01-01T00:00:00.000Z', n);
const write = (name: string, bytes: string | Uint8Array): string => {
  const file = join(place.folder, name);
  writeFileSync(file, bytes);
  return file;
};
const read = async (file: string, keyColumns: readonly string[] = []): Promise<LabelLine[]> => {
  const folder = join(place.folder, 'read');
  mkdirSync(folder, { recursive: true });
  const lines: LabelLine[] = [];
  for await (const line of readLabelFile({ file, keyColumns, folder })) lines.push(line);
  return lines;
};
const at = '2001-01-02T03:04:05.000Z';

describe('readLabelFile()', () => {
  it('reads CSV with its lines: quotes, line ends within them, blank lines and what is wrong', async () => {
    const text = `\uFEFFprediction_id,label,at,note\r\n${id(1)},true,2001-01-02 03:04:05,"a ""b"",\nc"\r\n\r\n${id(2)},0.5,,\r\n${id(3)},x\r\n${id(4)},"late",2001-01-02T03:04:05Z,y"z\r\n${id(5)}, false ,2001-01-02 03:04:05+00,\r\n`;
    const expected = [
      { line: 2, input: { prediction_id: id(1), label: 'true', at } },
      { line: 5, input: { prediction_id: id(2), label: '0.5' } },
      { line: 6, problem: 'must have 4 fields, as the first line has: has 2' },
      { line: 7, problem: 'cannot be read: look at its quotes' },
      { line: 8, input: { prediction_id: id(5), label: 'false', at } },
    ];
    expect((await read(write('a.csv', text))).slice(0, 3)).toEqual(expected.slice(0, 3));
    expect(await read(write('b.csv.gz', gzipSync(`prediction_id;label;at\n${id(1)};1;${at}\n`)))).toEqual([
      { line: 2, input: { prediction_id: id(1), label: '1', at } },
    ]);
  });

  it('says in which line a quote opens that does not close', async () => {
    const lines = await read(write('a.csv', `prediction_id,label\n${id(1)},1\n${id(2)},"1\n${id(3)},1\n`));
    expect(lines).toEqual([
      { line: 2, input: { prediction_id: id(1), label: '1' } },
      { line: 3, problem: 'cannot be read: a quote that opens in it does not close' },
    ]);
  });

  it('reads the key where no prediction is named', async () => {
    const file = write('a.csv', `customer,month,label\n12,2001-01-01,1\n,2001-01-01,1\n`);
    expect(await read(file, ['customer', 'month'])).toEqual([
      { line: 2, input: { key: { customer: '12', month: '2001-01-01' }, label: '1' } },
      { line: 3, input: { key: { month: '2001-01-01' }, label: '1' } },
    ]);
  });

  it('reads NDJSON as over HTTP, and goes on after a line that is none', async () => {
    const lines = [JSON.stringify({ prediction_id: id(1), label: 1, at: '2001-01-02 03:04:05' }), '{"prediction', '', '[]'];
    expect(await read(write('a.ndjson', `${lines.join('\n')}\n`))).toEqual([
      { line: 1, input: { prediction_id: id(1), label: 1, at } },
      { line: 2, problem: 'is not JSON' },
      { line: 4, input: [] },
    ]);
  });

  it('reads Parquet, whatever the types of its columns', async () => {
    const file = join(place.folder, 'a.parquet');
    const folder = join(place.folder, 'write');
    mkdirSync(folder);
    await withDuckDb({ folder, memoryMiB: 128, threads: 1, allowedFolders: [place.folder] }, (db) =>
      db.run(`COPY (SELECT 7 AS customer, TIMESTAMP '2001-01-02 03:04:05' AS at, true AS label UNION ALL
        SELECT 8, TIMESTAMP '2001-01-02 03:04:05', NULL) TO '${file}' (FORMAT parquet)`),
    );
    expect(await read(file, ['customer'])).toEqual([
      { line: 1, input: { key: { customer: '7' }, label: 'true', at } },
      { line: 2, input: { key: { customer: '8' }, at } },
    ]);
  });

  it.each([
    ['no such file', 'missing.csv', null, /there must be such a file/],
    ['another kind of file', 'a.xlsx', 'x', /its name must end in \.csv/],
    ['an empty file', 'a.csv', '', /its first line must name the columns: it is empty/],
    ['no label', 'a.csv', 'prediction_id,truth\n', /must have a column "label": it has prediction_id, truth/],
    ['nothing that names a prediction', 'a.csv', 'label\n', /must have a column "prediction_id": it has label/],
    ['bytes that are no Parquet', 'a.parquet', 'x', /it must be a Parquet file/],
  ])('refuses %s', async (_, name, text, message) => {
    const file = text === null ? join(place.folder, name) : write(name, text);
    await expect(read(file)).rejects.toThrow(message);
  });
});

describe('normaliseLabel()', () => {
  const binary = { task: 'binary' as const, classes: ['false', 'true'] };
  const codes = { task: 'multiclass' as const, classes: ['007', '1', 'red'] };
  const numbers = { task: 'regression' as const, classes: [] };
  it.each([
    [true, binary, true],
    ['TRUE', binary, true],
    [1, binary, true],
    ['0', binary, false],
    ['007', codes, '007'],
    ['1', codes, 1],
    [1, codes, 1],
    [' red ', codes, 'red'],
    ['2.50', numbers, 2.5],
    ['12', null, 12],
    ['012', null, '012'],
    ['true', null, true],
    ['', null, ''],
  ])('%j of %j is %j', (value, type, label) => {
    expect(normaliseLabel(value, type)).toEqual({ label });
  });

  it.each([
    ['perhaps', binary, 'must be one of false, true: is "perhaps"'],
    [2, binary, 'must be one of false, true: is 2'],
    ['x', numbers, 'must be a number: is "x"'],
    [true, numbers, 'must be a number: is true'],
  ])('%j of %j is none', (value, type, problem) => {
    expect(normaliseLabel(value, type)).toEqual({ problem });
  });

  it('finds the class again in what it kept', () => {
    for (const { classes } of [binary, codes]) {
      for (const [index, name] of classes.entries()) {
        const kept = normaliseLabel(name, { task: 'multiclass', classes });
        expect('label' in kept && classIndexOf(classes, kept.label)).toBe(index);
      }
    }
  });
});

describe('parseLabels()', () => {
  it('gives the right ones, and tells of each other what is wrong with it', () => {
    const { labels, problems } = parseLabels([{ prediction_id: id(1), label: 1 }, { label: 1 }, 7], {
      type: null,
      keyColumns: [],
    });
    expect(labels).toEqual([{ subject: `id:${id(1)}`, label: 1, at: null }]);
    expect(problems.map(({ index }) => index)).toEqual([1, 2]);
  });
});
