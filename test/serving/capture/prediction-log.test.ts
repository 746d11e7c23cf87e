import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { array, assert, constantFrom, double, property, record, string, uuid } from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { predictionRecordSchema } from '#domain/contracts/capture.ts';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import { silentLogger } from '../../../infra/telemetry/logger.ts';
import { createMetrics } from '../../../infra/telemetry/metrics.ts';
import { openCapture } from '../../../serving/capture/capture.ts';
import type { CaptureSink, CounterGap } from '../../../serving/capture/deps.ts';
import { createLiveLedger, readLedger, writeLedger } from '../../../serving/capture/ledger.ts';
import { takeEpoch } from '../../../serving/capture/owner.ts';
import { segmentFile, serverFolder } from '../../../serving/capture/places.ts';
import { openPredictionLog } from '../../../serving/capture/prediction-log.ts';
import { createAnsweredLine, refusedLine } from '../../../serving/capture/record-lines.ts';
import { recoverEpochs, settleEpoch } from '../../../serving/capture/recover.ts';
import { testFolder } from '../../support/servers.ts';
import { captureIn, createMemorySink } from '../support/profiles.ts';

let place: ReturnType<typeof testFolder>;
beforeEach(() => {
  place = testFolder();
});
afterEach(() => place.close());

const log = silentLogger();
const churn = 'churn' as PipelineName;
const modelSha256 = 'b'.repeat(64) as Sha256;
const author = {
  pipeline: 'churn',
  version: 3,
  generation: 7,
  arm: 'champion' as const,
  shadow: false,
  model: {
    modelSha256,
    package: { task: 'binary' },
    featureSet: { request: [{ name: 'te"nure' }, { name: 'contract' }] },
  } as never,
};
const lineOf = createAnsweredLine(author);
const answered = (id: string, more: object = {}) =>
  lineOf({
    id,
    atMs: Date.UTC(2026, 0, 1),
    eventMs: Date.UTC(2001, 0, 1),
    unit: null,
    row: { 'te"nure': 5, contract: 'monthly' },
    views: null,
    answer: { prediction: false, probability: 0.25 },
    ...more,
  });
const idAt = (index: number): string => `0190a3c1-7f2e-7000-8000-${String(index).padStart(12, '0')}`;

describe('a line', () => {
  test('is what the contract says, whatever stands in the row', () => {
    assert(
      property(
        uuid({ version: 7 }),
        string({ unit: 'binary' }),
        double({ noNaN: true, noDefaultInfinity: true }),
        record({ rate: double({ noNaN: true, noDefaultInfinity: true }), 'ki"nd': string() }),
        array(constantFrom('"', '\\', '\n', '\u2028', '\ud800', 'é', 'a'), { maxLength: 20 }),
        (id, text, number, values, odd) => {
          const row = { 'te"nure': number, contract: text + odd.join('') };
          const line = lineOf({
            id,
            atMs: 0,
            eventMs: 0,
            unit: 'ab',
            row,
            views: { past: values },
            answer: { prediction: text, probability: 0.5 },
          });
          expect(line.endsWith('\n') && !line.slice(0, -1).includes('\n')).toBe(true);
          const parsed = predictionRecordSchema.parse(JSON.parse(line));
          const asJson = JSON.parse(JSON.stringify({ inputs: row, views: { past: values }, prediction: text }));
          expect(parsed).toMatchObject({ ...asJson, id, unit: 'ab', scores: [0.5], generation: 7, version: 3, modelSha256 });
        },
      ),
      { numRuns: 500 },
    );
  });

  test('of a refusal is too, however long its message', () => {
    const refused = {
      id: idAt(1),
      pipeline: 'churn',
      generation: 2,
      arm: null,
      atMs: 5,
      status: 422,
      code: 'PRN_SERVING_REQUEST',
    };
    const line = refusedLine({ ...refused, message: 'x'.repeat(2_000) });
    expect(predictionRecordSchema.parse(JSON.parse(line))).toMatchObject({
      kind: 'refused',
      status: 422,
      message: 'x'.repeat(500),
    });
  });
});

describe('a log', () => {
  const open = (folder: string, more: object = {}) => {
    const metrics = createMetrics();
    const rotated: number[] = [];
    const opened = openPredictionLog({ folder, log, metrics, onRotated: (segment) => rotated.push(segment), ...more });
    return { opened, metrics, rotated };
  };
  const linesIn = (file: string): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1);

  test('has every line when it says that it is written, and closes segments by size and when told', async () => {
    const folder = join(place.folder, 'epoch');
    const { opened, rotated, metrics } = open(folder, { mostBytes: 1_000 });
    for (let index = 0; index < 12; index += 1) {
      opened.append(answered(idAt(index)));
      if (index === 0) {
        await opened.written();
        expect(linesIn(`${segmentFile(folder, 1)}.open`)).toHaveLength(1);
      }
      if (index % 3 === 2) await opened.written();
    }
    opened.rotate();
    opened.rotate();
    const files = readdirSync(folder)
      .filter((file) => file !== 'owner')
      .toSorted();
    expect(files.length).toBeGreaterThan(2);
    expect(rotated).toEqual(files.map((_, index) => index + 1));
    expect(files.every((file) => /^\d{6}\.ndjson$/.test(file))).toBe(true);
    const ids = files.flatMap((file) => linesIn(join(folder, file))).map((line) => JSON.parse(line).id);
    expect(ids).toEqual(Array.from({ length: 12 }, (_, index) => idAt(index)));
    expect((await metrics.exposition()).text).toContain('perennial_capture_records_total 12');
    await opened.close();
  });

  test('takes lines of any length, also many at once', async () => {
    const { opened } = open(place.folder);
    const long = `${'é'.repeat(400_000)}\n`;
    for (const line of ['a\n', long, 'b\n']) opened.append(line);
    await opened.written();
    expect(readFileSync(`${segmentFile(place.folder, 1)}.open`, 'utf8')).toBe(`a\n${long}b\n`);
    await opened.close();
  });

  test('that cannot be written loses lines, counts them, and goes on when it can', async () => {
    const folder = join(place.folder, 'epoch');
    writeFileSync(folder, 'a file where the folder should be');
    const { opened, metrics } = open(folder);
    opened.append(answered(idAt(1)));
    opened.append(answered(idAt(2)));
    await opened.written();
    expect((await metrics.exposition()).text).toContain('perennial_capture_lost_total 2');
    rmSync(folder);
    opened.append(answered(idAt(3)));
    await opened.written();
    expect(linesIn(`${segmentFile(folder, 1)}.open`).map((line) => JSON.parse(line).id)).toEqual([idAt(3)]);
    await opened.close();
  });
});

describe('what a killed server left', () => {
  const gapsTold: CounterGap[] = [];
  const sinkWith = (counted: number): CaptureSink => ({
    recordWindows: () => Promise.reject(new Error('not asked')),
    recordArms: () => Promise.reject(new Error('not asked')),
    clock: () => Promise.reject(new Error('not asked')),
    recordTold: () => Promise.reject(new Error('not asked')),
    recordGap: async (gap) => void gapsTold.push(gap),
    countedRows: async () => [{ pipeline: churn, modelSha256, rows: counted }],
  });
  const recover = async () => (await recoverEpochs(place.folder, new Set(['current']), Date.now(), log)).left;
  /** One closed and one open segment of 3 and 2 rows, a shadow, a refusal, and a torn line. */
  const leave = (): string => {
    gapsTold.length = 0;
    const folder = join(place.folder, 'old');
    const ledger = createLiveLedger(folder, (err) => expect.unreachable(String(err)));
    const rows = ledger.of(churn, modelSha256);
    rows.rows = 3;
    writeFileSync(segmentFile(folder, 1), [1, 2, 3].map((index) => answered(idAt(index))).join(''));
    ledger.closed(1);
    const shadow = createAnsweredLine({ ...author, arm: 'candidate', shadow: true });
    const other = createAnsweredLine({ ...author, model: { ...(author.model as object), modelSha256: 'c'.repeat(64) } as never });
    const open = `${segmentFile(folder, 2)}.open`;
    writeFileSync(open, answered(idAt(4)));
    const row = { atMs: 0, eventMs: 0, unit: null, row: { 'te"nure': 1, contract: 'x' }, views: null };
    for (const write of [shadow, other])
      appendFileSync(open, write({ ...row, id: idAt(5), answer: { prediction: true, probability: 1 } }));
    appendFileSync(
      open,
      refusedLine({ id: idAt(6), pipeline: 'churn', generation: 1, arm: null, atMs: 0, status: 422, code: 'X', message: '' }),
    );
    appendFileSync(open, answered(idAt(7)));
    appendFileSync(open, answered(idAt(8)).slice(0, 100));
    return folder;
  };

  test.each([1, 2])('is closed without its torn line, and counted once (recovered %i times)', async (times) => {
    const folder = leave();
    mkdirSync(join(place.folder, 'current'));
    let left = await recover();
    for (let time = 1; time < times; time += 1) left = await recover();
    expect(readdirSync(folder).toSorted()).toEqual(['000001.ndjson', '000002.ndjson', 'ledger.json']);
    const last = readFileSync(segmentFile(folder, 2), 'utf8');
    expect(last.endsWith('\n')).toBe(true);
    expect(
      last
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).id),
    ).toEqual([4, 5, 5, 6, 7].map(idAt));
    expect(left).toEqual([{ epoch: 'old', folder, logged: [{ pipeline: churn, modelSha256, rows: 5 }] }]);
  });

  test('is counted by what its lines say where not all rows were kept, and row by row again where all are', async () => {
    const folder = leave();
    const row = { atMs: 0, eventMs: 0, unit: null, row: { 'te"nure': 1, contract: 'x' }, views: null };
    const line = (id: number, counted: number | null) =>
      lineOf({ ...row, id: idAt(id), answer: { prediction: true, probability: 1 } }, counted);
    writeFileSync(`${segmentFile(folder, 3)}.open`, [line(9, 12), line(10, 31), line(11, null)].join(''));
    expect((await recover())[0]?.logged).toMatchObject([{ rows: 32 }]);
  });

  test('tells a gap where counters lack rows of the log, also after its segments were shipped; then it is settled', async () => {
    const folder = leave();
    await recover();
    rmSync(segmentFile(folder, 1));
    rmSync(segmentFile(folder, 2));
    const [left] = await recover();
    if (left === undefined) return expect.unreachable();
    await settleEpoch(sinkWith(4), 'server:1', left, log);
    expect(gapsTold).toEqual([{ serverId: 'server:1', epoch: 'old', pipeline: churn, modelSha256, logged: 5, counted: 4 }]);
    expect(existsSync(folder)).toBe(false);
  });

  test('has no gap where all was told, keeps what is to be shipped, and is asked again while the database is away', async () => {
    const folder = leave();
    const [left] = await recover();
    if (left === undefined) return expect.unreachable();
    const away: CaptureSink = { ...sinkWith(5), countedRows: () => Promise.reject(new Error('away')) };
    await expect(settleEpoch(away, 'server:1', left, log)).rejects.toThrow('away');
    expect(readLedger(folder)?.rows).toEqual([{ pipeline: churn, modelSha256, rows: 5 }]);
    await settleEpoch(sinkWith(5), 'server:1', left, log);
    expect(gapsTold).toEqual([]);
    expect(readdirSync(folder).toSorted()).toEqual(['000001.ndjson', '000002.ndjson']);
  });

  test.each(['closed it', 'shipped it'])('is the same where another %s between two looks', async (what) => {
    const folder = leave();
    const open = `${segmentFile(folder, 2)}.open`;
    /** Told of the torn line, after a look at the segment and before it is cut. */
    const warn = () => {
      renameSync(open, segmentFile(folder, 2));
      if (what === 'closed it') return;
      writeLedger(folder, { format: 1, segment: 2, rows: [{ pipeline: churn, modelSha256, rows: 5 }] });
      for (const segment of [1, 2]) rmSync(segmentFile(folder, segment));
    };
    const raced = Object.assign(Object.create(log) as typeof log, { warn });
    const { left } = await recoverEpochs(place.folder, new Set(), Date.now(), raced);
    expect(left).toEqual([{ epoch: 'old', folder, logged: [{ pipeline: churn, modelSha256, rows: 5 }] }]);
    const segments = what === 'closed it' ? ['000001.ndjson', '000002.ndjson'] : [];
    expect(readdirSync(folder).toSorted()).toEqual([...segments, 'ledger.json']);
  });

  test('and cannot be read when a server starts is taken up in a later round, and what the server logs is shipped', async () => {
    const folder = join(serverFolder(place.folder, 'server:1'), 'old');
    const trouble = `${segmentFile(folder, 1)}.open`;
    mkdirSync(folder, { recursive: true });
    symlinkSync(place.folder, trouble);
    const said: string[] = [];
    const hearing = Object.assign(Object.create(log) as typeof log, { error: (_: object, text: string) => void said.push(text) });
    const shippers = { begun: 0, closed: 0 };
    const startShipper = () => {
      shippers.begun += 1;
      return { wake: () => {}, close: async () => void (shippers.closed += 1) };
    };
    const rounds = { ...captureIn(place.folder, createMemorySink(), 10), startShipper };
    const capture = openCapture({ ...rounds, log: hearing, metrics: createMetrics() }, 'server:1');
    await expect.poll(() => said).toEqual([expect.stringContaining('Cannot take up')]);
    expect(shippers.begun).toBe(0);
    // In one go: a round that came between would find a life that left nothing.
    const readable = join(place.folder, 'readable');
    writeFileSync(readable, answered(idAt(1)));
    renameSync(readable, trouble);
    await expect.poll(() => shippers.begun).toBe(1);
    expect(readdirSync(folder)).toContain('000001.ndjson');
    await capture.close();
    expect(shippers).toEqual({ begun: 1, closed: 1 });
  });

  test('is left alone while its process is still at its last answers', async () => {
    const folder = leave();
    takeEpoch(folder);
    const names = readdirSync(folder).toSorted();
    expect(await recoverEpochs(place.folder, new Set(), Date.now(), log)).toEqual({ left: [], owned: ['old'] });
    expect(readdirSync(folder).toSorted()).toEqual(names);
    // A minute after the last write its number belongs to another program.
    const later = await recoverEpochs(place.folder, new Set(), Date.now() + 61_000, log);
    expect(later).toMatchObject({ left: [{ epoch: 'old' }], owned: [] });
    await settleEpoch(sinkWith(5), 'server:1', later.left[0] as never, log);
    expect(readdirSync(folder).toSorted()).toEqual(['000001.ndjson', '000002.ndjson']);
  });

  test('and had no whole line is nothing', async () => {
    const folder = join(place.folder, 'old');
    mkdirSync(folder);
    writeFileSync(`${segmentFile(folder, 1)}.open`, '{"kind":"answ');
    await recover();
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('folders of servers never meet, nor leave theirs', () => {
  const ids = ['host:80', 'host_80', '../host:80', '..', 'a/b', 'a_b', 'x'.repeat(300), ''];
  const folders = ids.map((id) => serverFolder('/capture', id));
  expect(new Set(folders).size).toBe(ids.length);
  for (const folder of folders) expect(folder).toMatch(/^\/capture\/[A-Za-z0-9._-]+$/);
});
