import { beforeEach, describe, expect, it } from 'vitest';
import { collectGarbage } from '../../../infra/data/gc.ts';
import { digestOfJson, sha256Of } from '../../../infra/objects/digest.ts';
import type { ContentStore, ObjectStore } from '../../../infra/objects/store.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { createRuns } from '../../../infra/postgres/runs.ts';
import { createSnapshots } from '../../../infra/postgres/snapshots.ts';
import { createStepLedger } from '../../../infra/postgres/step-ledger.ts';
import type { RunKey } from '../../../workflows/domain/units.ts';
import { testStore } from '../../support/servers.ts';
import { applyFlights, candidate, flights, openBench, request, runKey } from '../postgres/bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
let content: ContentStore;
let store: ObjectStore;

const dayMs = 86_400_000;
/** As it will be asked in two days, with a day of grace. */
const inTwoDays = (isForReal: boolean) => ({ graceMs: dayMs, nowMs: Date.now() + 2 * dayMs, isForReal });
const ended = { pipeline: flights, gate: null, dataVersion: null, modelVersion: null, metrics: {}, reason: 'x' };
const endRun = (key: RunKey) =>
  createRuns(bench.db).finish({ ...ended, runKey: key, workflowId: `retrain/flights/${key}`, verdict: 'rejected' });

beforeEach(async () => {
  bench = await openBench();
  const opened = testStore();
  ({ content, store } = opened);
  await applyFlights(bench);
  return async () => {
    await bench.end();
    opened.close();
  };
});

describe('collectGarbage()', () => {
  it('keeps what a snapshot names, directly or through its manifest, and deletes the rest once told to', async () => {
    await endRun(runKey);
    const part = await content.putBytes(Buffer.from('rows'));
    const manifest = { parts: [{ sha256: part }] };
    const sha256 = await content.putJson(manifest);
    const snapshot = { sha256, pipeline: flights, rows: 1, bytes: 4, partCount: 1, firstEventAt: null, lastEventAt: null };
    await createSnapshots(bench.db).record(snapshot);
    const garbage = await content.putBytes(Buffer.from('nobody names me'));
    expect(await collectGarbage(bench.db, store, inTwoDays(false))).toMatchObject({ garbage: { objects: 1 }, deleted: 0 });
    expect(await content.has(garbage)).toBe(true);
    expect(await collectGarbage(bench.db, store, inTwoDays(true))).toMatchObject({ kept: { objects: 2 }, deleted: 1 });
    expect([await content.has(garbage), await content.has(part), await content.has(sha256)]).toEqual([false, true, true]);
    expect(digestOfJson(manifest)).toBe(sha256);
  });

  it('forgets results of steps that point to what it deletes', async () => {
    await endRun(runKey);
    const ledger = createStepLedger(bench.db);
    const garbage = await content.putBytes(Buffer.from('old result'));
    await ledger.record('gone', 'ingest', { batchSha256: garbage });
    await ledger.record('kept', 'ingest', { batchSha256: sha256Of('elsewhere') });
    await bench.pool.query(`update perennial.step_results set recorded_at = now() - interval '3 days'`);
    await collectGarbage(bench.db, store, inTwoDays(true));
    expect([await ledger.find('gone'), await ledger.find('kept')]).toEqual([null, { batchSha256: sha256Of('elsewhere') }]);
  });

  it('keeps the reference profile of a model version, and that of a frame which an evaluation names', async () => {
    await endRun(runKey);
    const registry = createRegistry(bench.db);
    const [ofVersion, ofFrame] = [await content.putJson({ features: [] }), await content.putJson({ features: [1] })];
    const frame = await content.putJson({ profileSha256: ofFrame });
    const report = await content.putJson({ frameSha256: frame, profileSha256: null });
    await registry.register({ ...candidate('a'), snapshotSha256: null, profileSha256: ofVersion }, 'ada');
    const verdict = { outcome: 'fail' as const, reason: 'x', inequalities: [], evidenceIds: [] };
    await registry.recordEvaluation({ sha256: report, pipeline: flights, runKey, verdict, decision: {} });
    await content.putBytes(Buffer.from('nobody names me'));
    expect(await collectGarbage(bench.db, store, inTwoDays(true))).toMatchObject({ kept: { objects: 4 }, deleted: 1 });
    expect([await content.has(ofVersion), await content.has(ofFrame)]).toEqual([true, true]);
  });

  it('deletes nothing while a run is in work', async () => {
    const garbage = await content.putBytes(Buffer.from('maybe needed'));
    await expect(collectGarbage(bench.db, store, inTwoDays(true))).rejects.toMatchObject({ code: 'PRN_CONFLICT' });
    expect(await content.has(garbage)).toBe(true);
  });

  it('lets a run begin only after it ended', async () => {
    await endRun(runKey);
    for (let index = 0; index < 50; index += 1) await content.putBytes(Buffer.from(`old ${index}`));
    const other = { ...request, runKey: 'bbbbbbbbbbbbbbbb' as RunKey };
    const order: string[] = [];
    const slow: ObjectStore = Object.create(store, {
      delete: {
        value: async (key: string) => {
          if (order.length === 0) {
            order.push('first deletion');
            void createRuns(bench.open().db)
              .begin(other, 'retrain/flights/b')
              .then(() => order.push('run began'));
            const waits = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
            await expect.poll(async () => (await bench.pool.query(waits)).rowCount).toBe(1);
          }
          await store.delete(key);
        },
      },
      list: { value: (prefix: string) => store.list(prefix) },
      read: { value: (key: string) => store.read(key) },
    });
    const result = await collectGarbage(bench.db, slow, inTwoDays(true));
    order.push('collected');
    await expect.poll(() => order).toContain('run began');
    expect(result.deleted).toBe(50);
    expect(order[0]).toBe('first deletion');
    expect(await createRuns(bench.db).get(other.runKey)).not.toBeNull();
  });
});
