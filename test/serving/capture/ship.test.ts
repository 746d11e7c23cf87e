import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ContentStore } from '../../../infra/objects/store.ts';
import { createPredictionParts, type PredictionParts } from '../../../infra/postgres/prediction-parts.ts';
import { withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { parquetOf } from '../../../infra/tabular/sql.ts';
import { createLogger } from '../../../infra/telemetry/logger.ts';
import { createMetrics } from '../../../infra/telemetry/metrics.ts';
import { startShipper } from '../../../serving/capture/ship.ts';
import { answered, instant, refused, writeSegment } from '../../infra/capture/records.ts';
import { applyFlights, flights, openBench } from '../../infra/postgres/bench.ts';
import { testFolder, testStore } from '../../support/servers.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
let store: ReturnType<typeof testStore>;
let place: ReturnType<typeof testFolder>;
let parts: PredictionParts;

beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  store = testStore();
  place = testFolder();
  parts = createPredictionParts(bench.db);
});
afterEach(async () => {
  await bench.end();
  store.close();
  place.close();
});

const epoch = 'epoch-2';
const serverFolder = (): string => join(place.folder, 'capture', 'server-1');
const segmentFile = (name: string, ofEpoch = epoch): string => join(serverFolder(), ofEpoch, name);
const ship = (
  over: {
    content?: Pick<ContentStore, 'putFile'>;
    parts?: Pick<PredictionParts, 'record' | 'keyColumns'>;
    closeMs?: number;
  } = {},
) =>
  startShipper(
    {
      content: store.content,
      parts,
      log: createLogger('ship', 'silent'),
      metrics: createMetrics(),
      scratch: join(place.folder, 'scratch'),
      closeMs: 60_000,
      ...over,
    },
    { serverId: 'server-1', serverFolder: serverFolder(), epoch },
  );

const everything = () => parts.select(flights, instant('2000-01-01'));
const shippedIds = async (): Promise<string[]> => {
  const shipped = await everything();
  if (shipped.length === 0) return [];
  const files = await Promise.all(shipped.map((part) => store.content.localFile(part.sha256)));
  const folder = join(place.folder, 'read');
  mkdirSync(folder, { recursive: true });
  const rows = await withDuckDb({ folder, memoryMiB: 128, threads: 1, allowedFolders: files }, (db) =>
    db.rows<{ id: string }>(`SELECT id FROM ${parquetOf(files)} ORDER BY id`),
  );
  return rows.map((row) => row.id);
};
const predictions = (hour: string, from: number, count: number) =>
  Array.from({ length: count }, (_, n) => answered(`2001-01-01T${hour}:00:00.000Z`, from + n));

describe('startShipper()', () => {
  it('ships what is closed, of this life and of those before, and leaves what is written to', async () => {
    const [old, first, second] = [predictions('04', 0, 3), predictions('05', 10, 4), predictions('05', 20, 5)];
    writeSegment(segmentFile('000007.ndjson', 'epoch-1'), old);
    writeSegment(segmentFile('000001.ndjson'), [...first, refused('2001-01-01T05:30:00.000Z', 99)]);
    writeSegment(segmentFile('000002.ndjson'), second);
    writeSegment(segmentFile('000003.ndjson.open'), predictions('05', 30, 1));
    await ship().close();
    expect(await shippedIds()).toHaveLength(13);
    expect((await everything()).map(({ hour, epoch: of, segment, rows }) => [hour, of, segment, rows])).toEqual([
      ['2001-01-01T04:00:00.000Z', 'epoch-1', 7, 3],
      ['2001-01-01T05:00:00.000Z', epoch, 1, 5],
      ['2001-01-01T05:00:00.000Z', epoch, 2, 5],
    ]);
    expect(existsSync(join(serverFolder(), 'epoch-1'))).toBe(false);
    expect(readdirSync(join(serverFolder(), epoch))).toEqual(['000003.ndjson.open']);
    expect(readdirSync(join(place.folder, 'scratch'))).toEqual([]);
  });

  it('ships what was closed meanwhile when it is told', async () => {
    const shipper = ship();
    await vi.waitFor(async () => expect(await everything()).toEqual([]), { timeout: 20_000, interval: 50 });
    writeSegment(segmentFile('000001.ndjson'), predictions('05', 0, 2));
    shipper.wake();
    await vi.waitFor(async () => expect(await shippedIds()).toHaveLength(2), { timeout: 20_000, interval: 50 });
    await shipper.close();
  });

  it('changes nothing when a segment comes back that was shipped', async () => {
    const records = predictions('05', 0, 100);
    writeSegment(segmentFile('000001.ndjson'), records);
    await ship().close();
    const before = await everything();
    writeSegment(segmentFile('000001.ndjson'), records);
    await ship().close();
    expect(await everything()).toEqual(before);
    expect(existsSync(segmentFile('000001.ndjson'))).toBe(false);
  });

  it('keeps the segment while store or database cannot be reached, and ships it once they can', async () => {
    writeSegment(segmentFile('000001.ndjson'), predictions('05', 0, 3));
    let isDown = true;
    const putFile: ContentStore['putFile'] = async (file) => {
      if (isDown) throw new Error('no store');
      return await store.content.putFile(file);
    };
    const shipper = ship({ content: { putFile } });
    await vi.waitFor(() => expect(readdirSync(join(place.folder, 'scratch'))).toEqual([]), { timeout: 20_000, interval: 50 });
    expect(existsSync(segmentFile('000001.ndjson'))).toBe(true);
    expect(await everything()).toEqual([]);
    isDown = false;
    await vi.waitFor(async () => expect(await shippedIds()).toHaveLength(3), { timeout: 20_000, interval: 50 });
    await shipper.close();
  });

  it('does the same again where the row was written and the answer was lost', async () => {
    writeSegment(segmentFile('000001.ndjson'), predictions('05', 0, 3));
    const record: PredictionParts['record'] = async (some) => {
      await parts.record(some);
      throw new Error('connection lost');
    };
    await ship({ parts: { ...parts, record } }).close();
    const before = await everything();
    expect(before).toHaveLength(1);
    expect(existsSync(segmentFile('000001.ndjson'))).toBe(true);
    await ship().close();
    expect(await everything()).toEqual(before);
    expect(existsSync(segmentFile('000001.ndjson'))).toBe(false);
  });

  it('lets a segment that cannot be read stay, and ships the others', async () => {
    mkdirSync(segmentFile('000001.ndjson'), { recursive: true });
    writeSegment(segmentFile('000002.ndjson'), predictions('05', 0, 3));
    const shipper = ship();
    await vi.waitFor(async () => expect(await shippedIds()).toHaveLength(3), { timeout: 30_000, interval: 100 });
    await shipper.close();
    expect(existsSync(segmentFile('000001.ndjson'))).toBe(true);
  });

  it('loses nothing and ships nothing twice, killed again and again', async () => {
    const all = Array.from({ length: 12 }, (_, n) => predictions(n % 2 === 0 ? '05' : '06', n * 1_000, 1_000));
    for (const [n, records] of all.entries()) writeSegment(segmentFile(`${String(n + 1).padStart(6, '0')}.ndjson`), records);
    const settings = {
      url: bench.url,
      store: store.config.kind === 'directory' ? store.config.folder : '',
      scratch: join(place.folder, 'scratch'),
      serverId: 'server-1',
      serverFolder: serverFolder(),
      epoch,
    };
    const words = [join(import.meta.dirname, 'fixtures/ship-a-folder.ts'), JSON.stringify(settings)];
    let kills = 0;
    for (let code: number | null = null; code !== 0; ) {
      const child = spawn(process.execPath, words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      let rows = 0;
      child.on('message', () => {
        rows += 1;
        if (rows <= 3) child.send('go on');
        // Each a little later than the one before: always in the middle of something.
        if (rows === 3) void delay(2 * kills).then(() => child.kill('SIGKILL'));
      });
      [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0) kills += 1;
      expect(kills).toBeLessThan(20);
    }
    expect(kills).toBeGreaterThan(2);
    const ids = await shippedIds();
    expect(ids).toHaveLength(12_000);
    expect(new Set(ids).size).toBe(12_000);
    expect(readdirSync(join(serverFolder(), epoch))).toEqual([]);
  });

  it('stops within its time and leaves the rest for the next life', async () => {
    writeSegment(segmentFile('000001.ndjson'), predictions('05', 0, 3));
    const putFile: ContentStore['putFile'] = (file) => delay(50).then(() => store.content.putFile(file));
    const shipper = ship({ content: { putFile }, closeMs: 1 });
    await shipper.close();
    const wasShipped = (await everything()).length > 0;
    expect(existsSync(segmentFile('000001.ndjson'))).toBe(!wasShipped);
    await ship().close();
    expect(await shippedIds()).toHaveLength(3);
  });

  it('names rows by the key of the pipeline as it is declared now', async () => {
    const { createDefinitions } = await import('../../../infra/postgres/definitions.ts');
    const file = { name: 'flights', data: { key: 'origin' } };
    await createDefinitions(bench.db).apply(flights, null, file, 'ab'.repeat(32) as never, 'c0ffee', 'ada');
    writeSegment(segmentFile('000001.ndjson'), predictions('05', 0, 1));
    await ship().close();
    const [part] = await everything();
    const parquet = await store.content.localFile(part?.sha256 as never);
    expect(readFileSync(parquet).length).toBe(part?.bytes);
    const folder = join(place.folder, 'read');
    mkdirSync(folder, { recursive: true });
    const row = await withDuckDb({ folder, memoryMiB: 128, threads: 1, allowedFolders: [parquet] }, (db) =>
      db.row(`SELECT key_subject FROM ${parquetOf([parquet])}`),
    );
    expect(row).toEqual({ key_subject: 'key:{"origin":"SFO"}' });
  });
});
