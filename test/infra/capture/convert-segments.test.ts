import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { convertSegments } from '../../../infra/capture/convert/convert-segments.ts';
import { runConvert } from '../../../infra/capture/convert/run-convert.ts';
import { type KeyValue, keySubjectOf, subjectOfKey } from '../../../infra/capture/subject.ts';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { parquetOf } from '../../../infra/tabular/sql.ts';
import type { PipelineName } from '../../../workflows/domain/units.ts';
import { testFolder } from '../../support/servers.ts';
import { answered, idAt, instant, modelSha256, refused, writeSegment } from './records.ts';

let place: ReturnType<typeof testFolder>;
beforeEach(() => {
  place = testFolder();
  return place.close;
});

let number = 0;
const ownFolder = (): string => {
  const folder = join(place.folder, `out-${number++}`);
  mkdirSync(folder);
  return folder;
};
const job = (file: string, keys: Record<string, string[]> = {}) => ({
  segments: [{ file, epoch: 'first', segment: 1 }],
  folder: ownFolder(),
  memoryMiB: 128,
  keys,
});
const rowsOf = (file: string): Promise<Record<string, unknown>[]> =>
  withDuckDb({ folder: ownFolder(), memoryMiB: 128, threads: 1, allowedFolders: [file] }, (db) =>
    db.rows(`SELECT * FROM ${parquetOf([file])}`),
  );

const hour = '2001-01-01T05:00:00.000Z';

describe('convertSegments()', () => {
  it('writes each pipeline and hour apart, with all that a line says', async () => {
    const file = join(place.folder, '000001.ndjson');
    const other = answered('2001-01-01T05:30:00.000Z', 3, { pipeline: 'churn' as PipelineName });
    const early = answered('2001-01-01T05:59:59.999Z', 1, { eventAt: instant('2000-12-31T00:00:00Z'), unit: 'u1', counted: 9 });
    writeSegment(file, [answered('2001-01-01T06:00:00.000Z', 2), early, other, refused('2001-01-01T05:10:00.000Z', 4)]);
    const [converted] = await convertSegments(job(file));
    expect(converted?.unreadable).toBe(0);
    expect(converted?.parts.map(({ file: _file, ...part }) => part)).toEqual([
      { pipeline: 'churn', hour, rows: 1, firstEventAt: other.eventAt, lastEventAt: other.eventAt },
      { pipeline: 'flights', hour, rows: 2, firstEventAt: early.eventAt, lastEventAt: early.eventAt },
      {
        pipeline: 'flights',
        hour: '2001-01-01T06:00:00.000Z',
        rows: 1,
        firstEventAt: '2001-01-01T06:00:00.000Z',
        lastEventAt: '2001-01-01T06:00:00.000Z',
      },
    ]);
    const rows = await rowsOf(converted?.parts[1]?.file as string);
    expect(rows.map((row) => row['kind'])).toEqual(['refused', 'answered']);
    expect(rows[0]).toMatchObject({
      id: idAt('2001-01-01T05:10:00.000Z', 4),
      status: 422,
      code: 'PRN_SERVING_REQUEST',
      event_at: null,
    });
    expect(rows[1]).toMatchObject({
      id: early.id,
      version: 1,
      model_sha256: modelSha256,
      generation: 1,
      arm: 'champion',
      shadow: false,
      at: new Date(early.at),
      event_at: new Date(early.eventAt),
      unit: 'u1',
      prediction: '"true"',
      scores: [0.7],
      inputs: '{"origin":"SFO","distance":101}',
      views: '{"origin_7d":{"late_rate":0.25}}',
      key_subject: null,
    });
  });

  it('gives the same bytes again, also from a process of its own', async () => {
    const file = join(place.folder, '000001.ndjson');
    writeSegment(
      file,
      Array.from({ length: 5_000 }, (_, n) => answered('2001-01-01T05:00:00.000Z', (n * 7_919) % 5_000)),
    );
    const digests = [
      await convertSegments(job(file)),
      await convertSegments(job(file)),
      await runConvert(job(file), new AbortController().signal),
    ].map(([converted]) => sha256Of(readFileSync(converted?.parts[0]?.file as string)));
    expect(new Set(digests).size).toBe(1);
  });

  it('leaves out what is no record, and counts it', async () => {
    const file = join(place.folder, '000001.ndjson');
    writeSegment(
      file,
      [answered('2001-01-01T05:00:00.000Z', 1)],
      '{"kind":"answered","id":"torn\nnot json at all\n{"other":1}\n',
    );
    const [converted] = await convertSegments(job(file));
    expect(converted?.unreadable).toBe(3);
    expect(converted?.parts.map((part) => part.rows)).toEqual([1]);
  });

  it('makes nothing of a segment without a line', async () => {
    const file = join(place.folder, '000001.ndjson');
    writeSegment(file, []);
    expect(await convertSegments(job(file))).toEqual([
      { segment: { file, epoch: 'first', segment: 1 }, parts: [], unreadable: 0 },
    ]);
  });

  it('names each row by the key as labels do, whatever its values', async () => {
    const file = join(place.folder, '000001.ndjson');
    const keyColumns = ['id', 'a"b/c~d'];
    const values: (KeyValue | null)[] = [
      12,
      '12',
      1.5,
      -0.25,
      1e-7,
      true,
      'x',
      '',
      'ä "quoted" \\ / \u0001\n\t',
      '2001-02-03',
      '2001-02-03T04:05:06+02:00',
      '2001-02-03 04:05',
      '日本🙂',
      null,
    ];
    const inputs = values.map((value) => ({ id: value, 'a"b/c~d': 'same' }));
    writeSegment(
      file,
      inputs.map((row, n) => answered('2001-01-01T05:00:00.000Z', n, { inputs: row })),
    );
    const [converted] = await convertSegments(job(file, { flights: keyColumns }));
    const rows = await rowsOf(converted?.parts[0]?.file as string);
    expect(rows.map((row) => row['key_subject'])).toEqual(inputs.map((row) => keySubjectOf(keyColumns, row)));
    expect(rows.at(-1)?.['key_subject']).toBeNull();
  });
});

describe('runConvert()', () => {
  it('says what went wrong in the process that writes', async () => {
    await expect(runConvert(job(join(place.folder, 'missing.ndjson')), new AbortController().signal)).rejects.toThrow(
      /Cannot write segments as Parquet: exit 1: .*missing\.ndjson/s,
    );
  });

  it('ends the process when it is told to stop', async () => {
    const file = join(place.folder, '000001.ndjson');
    writeSegment(file, [answered(hour, 1)]);
    const stop = new AbortController();
    const running = runConvert(job(file), stop.signal);
    stop.abort();
    await expect(running).rejects.toThrow(/abort/i);
  });
});

describe('subjectOfKey()', () => {
  it('takes a number and its text for one, and an instant however it is written', () => {
    expect(subjectOfKey({ b: 12, a: 'x' })).toBe('key:{"a":"x","b":"12"}');
    expect(subjectOfKey({ id: '12' })).toBe(subjectOfKey({ id: 12 }));
    expect(subjectOfKey({ t: '2001-01-01T00:00:00Z' })).toBe(subjectOfKey({ t: 978_307_200_000 }));
    expect(subjectOfKey({ t: '2001-01-01' })).toBe(subjectOfKey({ t: '2001-01-01T01:00:00+01:00' }));
    expect(subjectOfKey({ t: '2001-13-01' })).toBe('key:{"t":"2001-13-01"}');
  });
});

afterEach(() => {
  number = 0;
});
