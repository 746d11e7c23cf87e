import { beforeEach, describe, expect, it } from 'vitest';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { createSnapshots } from '../../../infra/postgres/snapshots.ts';
import type { Instant, Sha256 } from '../../../workflows/domain/units.ts';
import { applyFlights, flights, openBench, snapshotSha256 } from './bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  return bench.end;
});

const parts = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({ sha256: sha256Of(`part ${from + index}`), bytes: 2 ** 33, rows: index }));

describe('parts', () => {
  it('are counted where they are new, and keep their first arrival', async () => {
    const snapshots = createSnapshots(bench.db);
    expect(await snapshots.recordParts([])).toBe(0);
    expect(await snapshots.recordParts([...parts(0, 5), ...parts(0, 5)])).toBe(5);
    const before = await snapshots.firstArrivals(parts(0, 5).map((part) => part.sha256));
    expect(await snapshots.recordParts(parts(3, 8))).toBe(3);
    const after = await snapshots.firstArrivals(parts(0, 9).map((part) => part.sha256));
    expect(after.size).toBe(8);
    for (const [sha256, arrived] of before) expect(after.get(sha256)).toBe(arrived);
  });

  it('are counted once where writers of the same parts in any order meet', async () => {
    const all = parts(0, 400);
    const orders = [all, [...all].reverse(), [...all].sort((a, b) => (a.sha256 < b.sha256 ? 1 : -1)), all];
    const counts = await Promise.all(orders.map((order) => createSnapshots(bench.open().db).recordParts(order)));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(400);
  });
});

describe('snapshots', () => {
  const snapshot = {
    sha256: sha256Of('february'),
    pipeline: flights,
    rows: 3_000_000_000,
    bytes: 2 ** 40,
    partCount: 28,
    firstEventAt: '2001-02-01T00:00:00.001Z' as Instant,
    lastEventAt: '2001-02-28T23:59:59.999Z' as Instant,
  };

  it('are recorded once and come back as they were', async () => {
    const snapshots = createSnapshots(bench.db);
    expect(await snapshots.record(snapshot)).toBe(true);
    expect(await snapshots.record(snapshot)).toBe(false);
    expect(await snapshots.get(snapshot.sha256)).toMatchObject(snapshot);
    expect((await snapshots.list(flights)).map((one) => one.sha256)).toEqual([snapshot.sha256, snapshotSha256]);
    expect(await snapshots.get(sha256Of('unknown'))).toBeNull();
  });

  it('are found by the first digits of their digest', async () => {
    const snapshots = createSnapshots(bench.db);
    await snapshots.record(snapshot);
    await snapshots.record({ ...snapshot, sha256: `${snapshot.sha256.slice(0, 10)}${'0'.repeat(54)}` as Sha256 });
    expect(await snapshots.resolvePrefix(snapshot.sha256.slice(0, 12))).toBe(snapshot.sha256);
    expect(await snapshots.resolvePrefix(snapshotSha256, flights)).toBe(snapshotSha256);
    await expect(snapshots.resolvePrefix(snapshot.sha256.slice(0, 8))).rejects.toMatchObject({ code: 'PRN_CONFLICT' });
    await expect(snapshots.resolvePrefix('0000000000')).rejects.toMatchObject({ code: 'PRN_NOT_FOUND' });
    for (const prefix of ['abc', '%%%%', 'ABCDEF']) {
      await expect(snapshots.resolvePrefix(prefix)).rejects.toMatchObject({ code: 'PRN_INPUT_INVALID' });
    }
  });
});
