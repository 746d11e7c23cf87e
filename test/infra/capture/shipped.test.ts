import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPrediction } from '../../../infra/capture/find-prediction.ts';
import { collectGarbage } from '../../../infra/data/gc.ts';
import { objectKeys } from '../../../infra/objects/keys.ts';
import type { ContentStore } from '../../../infra/objects/store.ts';
import { createPredictionParts } from '../../../infra/postgres/prediction-parts.ts';
import { createWatchReports } from '../../../infra/postgres/watch-reports.ts';
import { silentLogger } from '../../../infra/telemetry/logger.ts';
import { createMetrics } from '../../../infra/telemetry/metrics.ts';
import { verifyAll } from '../../../infra/verify.ts';
import { startShipper } from '../../../serving/capture/ship.ts';
import type { PredictionRecord } from '../../../workflows/domain/contracts/capture.ts';
import type { Sha256 } from '../../../workflows/domain/units.ts';
import { testFolder, testStore } from '../../support/servers.ts';
import { applyFlights, flights, openBench } from '../postgres/bench.ts';
import { answered, idAt, instant, refused, writeSegment } from './records.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
let store: ReturnType<typeof testStore>;
let place: ReturnType<typeof testFolder>;
beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  store = testStore();
  place = testFolder();
});
afterEach(async () => {
  await bench.end();
  store.close();
  place.close();
});

let segments = 0;
const ship = async (
  records: readonly PredictionRecord[],
  content: Pick<ContentStore, 'putFile'> = store.content,
): Promise<void> => {
  segments += 1;
  const serverFolder = join(place.folder, 'server');
  writeSegment(join(serverFolder, 'e1', `${segments}.ndjson`), records);
  const parts = createPredictionParts(bench.db);
  const deps = {
    content,
    parts,
    log: silentLogger(),
    metrics: createMetrics(),
    scratch: join(place.folder, 'ship'),
    closeMs: 60_000,
  };
  await startShipper(deps, { serverId: 's', serverFolder, epoch: 'e1' }).close();
};
const parts = () => createPredictionParts(bench.db).select(flights, instant('2000-01-01'));
const at = '2001-01-01T05:59:59.999Z';

describe('collectGarbage()', () => {
  const options = (isForReal: boolean) => ({ graceMs: 0, nowMs: Date.now() + 60_000, isForReal });
  const endRuns = () => bench.pool.query('update perennial.runs set ended_at = now()');

  it('keeps what was shipped and reported, and takes what a killed shipper left', async () => {
    await endRuns();
    await ship([answered(at, 1)]);
    const report = await store.content.putJson({ some: 'report' });
    const window = { from: instant('2001-01-01'), to: instant('2001-01-02') };
    const row = { pipeline: flights, kind: 'skew' as const, profileSha256: report, ...window, outcome: 'pass', summary: {} };
    await createWatchReports(bench.db).record({ ...row, sha256: report });
    const orphan = await store.content.putBytes(Buffer.from('PAR1 left by a killed shipper'));
    expect(await collectGarbage(bench.db, store.store, options(true))).toMatchObject({ deleted: 1 });
    const [part] = await parts();
    for (const sha256 of [part?.sha256 as Sha256, report]) expect(await store.content.has(sha256)).toBe(true);
    expect(await store.content.has(orphan)).toBe(false);
  });

  it('takes nothing from a shipper that finds an old object of its own while garbage is collected', async () => {
    await endRuns();
    let calls = 0;
    const putFile: ContentStore['putFile'] = async (file) => {
      calls += 1;
      const first = await store.content.putFile(file);
      if (calls > 1) return first;
      // A life before this one had stored it and was killed; the collection runs before this one's row is written.
      await collectGarbage(bench.db, store.store, options(true));
      expect(await store.content.has(first.sha256)).toBe(false);
      return { ...first, isNew: false };
    };
    await ship([answered(at, 1)], { putFile });
    const [part] = await parts();
    expect(await store.content.has(part?.sha256 as Sha256)).toBe(true);
  });
});

describe('verifyAll()', () => {
  const broken = async () =>
    (await verifyAll({ db: bench.db, objects: store.store })).filter(
      ({ holds, statement }) => !holds && /predictions of/.test(statement),
    );

  it('finds that what was shipped is whole, damaged or lost', async () => {
    await ship([answered(at, 1)]);
    expect(await broken()).toEqual([]);
    const [part] = await parts();
    const file = store.store.localPath(objectKeys.content(part?.sha256 as Sha256)) as string;
    await chmod(file, 0o600);
    await writeFile(file, 'damaged');
    expect((await broken())[0]?.statement).toMatch(
      /predictions of "flights" at 2001-01-01T05:00:00.000Z, segment \d+ of s: object .* must have that digest/,
    );
    await rm(file);
    expect((await broken())[0]?.statement).toMatch(/must be in the store: it is not/);
  });
});

describe('findPrediction()', () => {
  const find = (id: string) =>
    findPrediction({ db: bench.db, content: store.content, scratch: place.folder, memoryMiB: 128 }, id);

  it('gives the record that was logged, answered or refused, whichever hour its answer fell into', async () => {
    const late = { ...answered('2001-01-01T06:00:00.001Z', 1), id: idAt(at, 1), unit: 'u', views: {} };
    const no = refused(at, 2);
    await ship([late, no, answered(at, 3)]);
    expect(await find(late.id.toUpperCase())).toEqual({ ...late, subjectByKey: null });
    expect(await find(no.id)).toEqual({ ...no, subjectByKey: null });
  });

  it('gives the answer that was sent, not that of the shadow', async () => {
    const [sent, shadow] = [answered(at, 1), answered(at, 1, { shadow: true, arm: 'candidate', scores: [0.1] })];
    await ship([shadow, sent]);
    expect(await find(sent.id)).toMatchObject({ shadow: false, scores: [0.7] });
  });

  it.each(['00000000-0000-7000-8000-000000000000', 'nonsense', 'ffffffff-ffff-7000-8000-000000000000'])(
    'knows nothing of %s',
    async (id) => {
      await ship([answered(at, 1)]);
      expect(await find(id)).toBeNull();
    },
  );
});
