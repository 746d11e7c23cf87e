import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson, sha256Of } from '../../infra/objects/digest.ts';
import { csvOf, type DataWorld, eventsFile, openDataWorld } from './support/data-world.ts';

let world: DataWorld;
beforeAll(async () => {
  world = await openDataWorld();
});
afterAll(() => world.close());

const rows = [
  ['2001-01-01 09:00:00', 5, 'ORD'],
  ['2001-01-01 10:00:00', 16, 'LAX'],
  ['2001-01-02 08:00:00', -3, 'ATL'],
  ['2001-01-02 10:00:00', 200, 'ATL'],
] as const;

describe('freezeSnapshot()', () => {
  it('names a snapshot by the digest of its canonical manifest, once however often it runs', async () => {
    const made = await world.snapshot(eventsFile(world.write('a.csv', csvOf(rows))));
    expect(sha256Of(canonicalJson(made.manifest))).toBe(made.frozen.snapshotSha256);
    expect(made.frozen).toMatchObject({ rows: 4, sharedParts: 0, newParts: 2 });
    const input = { ...made.input, batchSha256: made.ingested.batchSha256, reportSha256: made.validated.reportSha256 };
    expect(await world.freeze(input)).toEqual(made.frozen);
    await world.db.deleteFrom('step_results').where('step', '=', 'freezeSnapshot').execute();
    expect((await world.freeze(input)).snapshotSha256).toBe(made.frozen.snapshotSha256);
    const recorded = await world.deps.snapshots.list(made.input.pipeline);
    expect(recorded.map((snapshot) => snapshot.sha256)).toEqual([made.frozen.snapshotSha256]);
    expect(recorded[0]).toMatchObject({
      rows: 4,
      partCount: 2,
      firstEventAt: '2001-01-01T09:00:00.000Z',
      lastEventAt: '2001-01-02T10:00:00.000Z',
    });
  });

  it('keeps when each part arrived first', async () => {
    const made = await world.snapshot(eventsFile(world.write('arrive.csv', csvOf(rows))));
    const digests = made.manifest.parts.map((part) => part.sha256);
    const before = await world.deps.snapshots.firstArrivals(digests);
    await world.snapshot(eventsFile(world.write('arrive-again.csv', csvOf(rows))));
    expect(await world.deps.snapshots.firstArrivals(digests)).toEqual(before);
    expect(before.size).toBe(2);
  });

  it('shares the parts of the days that were there', async () => {
    const data = { ...eventsFile('grow', { source: { type: 'csv', path: 'grow' } }), name: 'grow' };
    world.write('grow/1.csv', csvOf(rows));
    const before = await world.snapshot(data);
    world.write('grow/2.csv', csvOf([['2001-01-03', 7, 'ATL']]));
    const after = await world.snapshot(data);
    expect(after.frozen).toMatchObject({ rows: 5, sharedParts: 2, newParts: 1 });
    expect(after.manifest.parts.slice(0, 2)).toEqual(before.manifest.parts);
  });

  it('leaves quarantined rows out, and writes only the parts that held them', async () => {
    const checks = [{ name: 'plausible', sql: 'delay < 100', severity: 'quarantine' as const }];
    const made = await world.snapshot(eventsFile(world.write('q.csv', csvOf([...rows, ['2001-01-03', 300, 'ATL']])), { checks }));
    expect(made.manifest).toMatchObject({ rows: 3, quarantined: { rows: 2 } });
    expect(made.manifest.parts.map((part) => [part.partition, part.rows])).toEqual([
      ['2001-01-01', 2],
      ['2001-01-02', 1],
    ]);
    expect(made.manifest.parts[0]).toEqual(made.batch.parts[0]);
    expect(made.manifest.eventTime).toEqual({ first: '2001-01-01T09:00:00.000Z', last: '2001-01-02T08:00:00.000Z' });
    const kept = await world.rows<{ delay: number }>(made.manifest.parts.map((part) => part.sha256));
    expect(kept.map((row) => row.delay)).toEqual([5, 16, -3]);
  });

  it('gives the bytes that ingest would have given without the quarantined rows', async () => {
    const checks = [{ name: 'plausible', sql: 'delay < 100', severity: 'quarantine' as const }];
    const made = await world.snapshot(eventsFile(world.write('b.csv', csvOf(rows)), { checks }));
    const clean = await world.snapshot(eventsFile(world.write('c.csv', csvOf(rows.slice(0, 3)))));
    expect(made.manifest.parts).toEqual(clean.manifest.parts);
  });

  it('freezes files, and a new file costs that file', async () => {
    const data = { name: 'images', data: { source: { type: 'files' as const, path: 'images' }, label: 'kind' } };
    world.write('images/a.bin', Buffer.alloc(1000, 1));
    const before = await world.snapshot(data);
    world.write('images/b.bin', Buffer.alloc(1000, 2));
    const after = await world.snapshot(data);
    expect(after.frozen).toMatchObject({ rows: 2, bytes: 2000, sharedParts: 1, newParts: 1 });
    expect(after.manifest.parts[0]).toEqual(before.manifest.parts[0]);
  });
});
