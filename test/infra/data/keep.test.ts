import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sha256 } from '#domain/units.ts';
import { checkOut } from '../../../infra/data/checkout.ts';
import { diffSnapshots } from '../../../infra/data/diff.ts';
import { collectGarbage } from '../../../infra/data/gc.ts';
import { readFirstRows, readQuarantined, readRejected } from '../../../infra/data/rows.ts';
import { objectsOf, verifySnapshot, verifyStore } from '../../../infra/data/verify.ts';
import { hashFile } from '../../../infra/objects/hash-file.ts';
import { csvOf, type DataWorld, eventsFile, openDataWorld } from '../../activities/support/data-world.ts';

let world: DataWorld;
beforeAll(async () => {
  world = await openDataWorld();
});
afterAll(() => world.close());

const limits = { memoryMiB: 256, threads: 2 };
const rows = [
  ['2001-01-01 09:00:00', 5, 'ORD'],
  ['2001-01-02 10:00:00', 16, '"a, b"'],
  ['2001-01-02 11:00:00', 400, 'ATL'],
  ['2001-01-02 12:00:00', 'x', 'ATL'],
] as const;
const checks = [{ name: 'plausible', sql: 'delay < 100', severity: 'quarantine' as const }];
const scratch = () => ({ scratch: join(world.folder, 'read'), limits });

describe('looking into a snapshot', () => {
  it('shows rejected and quarantined rows, and the first rows', async () => {
    const { manifest } = await world.snapshot(eventsFile(world.write('look.csv', csvOf(rows)), { checks }));
    expect(await readRejected(world.deps.content, manifest.rejected.sha256, scratch(), 10)).toMatchObject([
      { line: 5, reason: 'not an integer', value: 'x' },
    ]);
    expect(await readQuarantined(world.deps.content, manifest.quarantined.sha256, scratch(), 10)).toMatchObject([
      { checks: 'plausible' },
    ]);
    expect(await readFirstRows(world.deps.content, manifest, scratch(), 1)).toMatchObject([{ delay: 5, place: 'ORD' }]);
    expect(await readRejected(world.deps.content, null, scratch(), 10)).toEqual([]);
  });

  it('tells two snapshots apart part by part', async () => {
    const before = await world.snapshot(eventsFile(world.write('diff.csv', csvOf(rows.slice(0, 3)))));
    const after = await world.snapshot(
      eventsFile(world.write('diff.csv', csvOf([...rows.slice(0, 2), ['2001-01-03', 1, 'ATL']]))),
    );
    const diff = diffSnapshots(before.manifest, after.manifest);
    expect(diff).toMatchObject({ rows: { before: 3, after: 3 }, sharedParts: 1, columns: [] });
    expect(diff.parts.map((part) => [part.partition, part.change, part.rowsBefore, part.rowsAfter])).toEqual([
      ['2001-01-02', 'changed', 2, 1],
      ['2001-01-03', 'added', 0, 1],
    ]);
    expect(diffSnapshots(after.manifest, after.manifest)).toMatchObject({ parts: [], sharedParts: 3 - 0 });
  });
});

describe('checkOut()', () => {
  it('brings back the exact bytes, or the rows as CSV', async () => {
    const { manifest } = await world.snapshot(eventsFile(world.write('out.csv', csvOf(rows.slice(0, 2)))));
    const folder = join(world.folder, 'out-parquet');
    expect(await checkOut(world.deps.content, manifest, { folder, format: 'parquet', ...scratch() })).toEqual({
      files: 2,
      rows: 2,
    });
    expect((await hashFile(join(folder, 'main/2001-01-01.parquet'))).sha256).toBe(manifest.parts[0]?.sha256);
    const csv = join(world.folder, 'out-csv');
    await checkOut(world.deps.content, manifest, { folder: csv, format: 'csv', ...scratch() });
    expect(readFileSync(join(csv, 'main/2001-01-02.csv'), 'utf8')).toBe(
      'at,delay,place,late\n2001-01-02 10:00:00,16,"a, b",true\n',
    );
  });

  it('refuses a folder that holds something', async () => {
    const { manifest } = await world.snapshot(eventsFile(world.write('full.csv', csvOf(rows.slice(0, 2)))));
    world.write('full/x', 'x');
    const folder = join(world.folder, 'sources/full');
    await expect(checkOut(world.deps.content, manifest, { folder, format: 'csv', ...scratch() })).rejects.toMatchObject({
      code: 'PRN_CONFLICT',
    });
  });

  it('never writes outside its folder', async () => {
    const made = await world.snapshot(eventsFile(world.write('evil.csv', csvOf(rows.slice(0, 2)))));
    const manifest = {
      ...made.manifest,
      parts: [
        { ...(made.manifest.parts[0] as (typeof made.manifest.parts)[number]), kind: 'file' as const, partition: '../../evil' },
      ],
    };
    const folder = join(world.folder, 'evil');
    await expect(checkOut(world.deps.content, manifest, { folder, format: 'csv', ...scratch() })).rejects.toMatchObject({
      code: 'PRN_INPUT_INVALID',
    });
  });
});

describe('verifySnapshot() and verifyStore()', () => {
  it('find damaged and missing objects, and only those', async () => {
    const text = csvOf([
      ['2007-01-01', 5, 'A'],
      ['2007-01-02', 50, 'B'],
      ['2007-01-03', 7, 'C'],
    ]);
    const made = await world.snapshot({ ...eventsFile(world.write('sound.csv', text)), name: 'sound' });
    const { snapshotSha256 } = made.frozen;
    const verify = () => verifySnapshot(world.objects, snapshotSha256, made.manifest, world.folder);
    expect(await verify()).toMatchObject({ objects: 4, damaged: [] });
    const [first, second] = made.manifest.parts.map((part) => part.sha256) as [Sha256, Sha256];
    const file = world.objects.localPath(`content/${first.slice(0, 2)}/${first}`) as string;
    chmodSync(file, 0o600);
    writeFileSync(file, 'damaged');
    await world.objects.delete(`content/${second.slice(0, 2)}/${second}`);
    expect((await verify()).damaged.map((damage) => [damage.sha256, damage.kind, damage.what])).toEqual([
      [first, 'corrupt', 'part main/2007-01-01'],
      [second, 'missing', 'part main/2007-01-02'],
    ]);
    expect((await verifyStore(world.objects, world.folder)).damaged.map((damage) => damage.sha256)).toEqual([first]);
    await world.objects.delete(`content/${first.slice(0, 2)}/${first}`);
  });
});

describe('collectGarbage()', () => {
  it('takes what nothing names, keeps everything that a snapshot is made of, and forgets results that point to nothing', async () => {
    const kept = await world.snapshot(eventsFile(world.write('kept.csv', csvOf(rows)), { checks }));
    const input = await world.prepare(
      eventsFile(
        world.write(
          'lost.csv',
          csvOf([
            ['2008-01-01', 5, 'A'],
            ['2008-01-02', 50, 'B'],
          ]),
        ),
      ),
    );
    const lost = await world.ingest(input);
    const collect = (graceMs: number, isForReal: boolean) =>
      collectGarbage(world.db, world.objects, { graceMs, nowMs: Date.now() + 60_000, isForReal });
    expect(await collect(120_000, true)).toMatchObject({ deleted: 0, garbage: { objects: 0 } });
    const dry = await collect(0, false);
    expect(dry.deleted).toBe(0);
    expect(dry.garbage.objects).toBeGreaterThan(2);
    expect(await world.deps.content.has(lost.batchSha256)).toBe(true);
    expect((await collect(0, true)).deleted).toBe(dry.garbage.objects);
    expect(await world.deps.content.has(lost.batchSha256)).toBe(false);
    const wanted = objectsOf(kept.frozen.snapshotSha256, kept.manifest);
    expect((await verifySnapshot(world.objects, kept.frozen.snapshotSha256, kept.manifest, world.folder)).damaged).toEqual([]);
    expect(wanted.length).toBe(5);
    expect(await collect(0, true)).toMatchObject({ deleted: 0 });
  });

  it('refuses while a run is in work', async () => {
    const { input, ingested } = await world.snapshot(eventsFile(world.write('busy.csv', csvOf(rows))));
    await world.db
      .insertInto('runs')
      .values({
        run_key: input.runKey,
        pipeline: input.pipeline,
        workflow_id: 'retrain/events/0123456789abcdef',
        definition_sha256: input.definitionSha256,
        code_version: 'sha256:test',
        listing_sha256: input.listingSha256,
        cutoff: null,
        trigger_kind: 'command',
        trigger_by: 'tester',
        trigger_reason: 'test',
        ended_at: null,
        outcome: null,
        result: null,
      })
      .execute();
    const options = { graceMs: 0, nowMs: Date.now() + 60_000, isForReal: true };
    await expect(collectGarbage(world.db, world.objects, options)).rejects.toMatchObject({ code: 'PRN_CONFLICT' });
    expect(await world.deps.content.has(ingested.batchSha256)).toBe(true);
  });
});
