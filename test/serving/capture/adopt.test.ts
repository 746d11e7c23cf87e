import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { createPredictionParts } from '../../../infra/postgres/prediction-parts.ts';
import { createTallySink } from '../../../infra/postgres/tallies.ts';
import { createTallies } from '../../../infra/postgres/tally-totals.ts';
import { silentLogger } from '../../../infra/telemetry/logger.ts';
import { createMetrics } from '../../../infra/telemetry/metrics.ts';
import { type AdoptDeps, adoptLeftLogs, startAdopting } from '../../../serving/capture/adopt.ts';
import { writeLedger } from '../../../serving/capture/ledger.ts';
import { nameFile, serverFolder } from '../../../serving/capture/places.ts';
import { startShipper } from '../../../serving/capture/ship.ts';
import { answered, flights, instant, modelSha256, writeSegment } from '../../infra/capture/records.ts';
import { applyFlights, openBench } from '../../infra/postgres/bench.ts';
import { testFolder, testStore } from '../../support/servers.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
let store: ReturnType<typeof testStore>;
let place: ReturnType<typeof testFolder>;
let deps: AdoptDeps;

beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  store = testStore();
  place = testFolder();
  const shipping = {
    content: store.content,
    parts: createPredictionParts(bench.db),
    log: silentLogger(),
    metrics: createMetrics(),
    scratch: join(place.folder, 'scratch'),
    closeMs: 60_000,
  };
  deps = {
    folder: join(place.folder, 'capture'),
    sink: createTallySink(bench.db, () => Promise.reject(new Error('no profile is known'))),
    silentMs: createDeployments(bench.db).silentMs,
    startShipper: (of) => startShipper(shipping, of),
    log: silentLogger(),
  };
});
afterEach(async () => {
  await bench.end();
  store.close();
  place.close();
});

const minutes = 60_000;
const at = '2001-01-01T05:00:00.000Z';
/** What a server leaves that is killed: a closed segment, one that it wrote to, with a torn line, and its ledger. */
const leave = (serverId: string): void => {
  const epoch = join(serverFolder(deps.folder, serverId), 'epoch-1');
  writeSegment(join(epoch, '000001.ndjson'), [answered(at, 1), answered(at, 2)]);
  writeSegment(join(epoch, '000002.ndjson.open'), [answered(at, 3)], '{"kind":"answ');
  writeLedger(epoch, { format: 1, segment: 1, rows: [{ pipeline: flights, modelSha256, rows: 2 }] });
  writeFileSync(nameFile(deps.folder, serverId), serverId);
};
const report = (serverId: string) =>
  createDeployments(bench.db).report({
    serverId,
    pipeline: flights,
    generation: 1,
    modelSha256: null,
    candidateSha256: null,
    share: 0,
    state: 'serving',
    reason: null,
  } as never);
const adopt = (inMinutes: number) => adoptLeftLogs(deps, 'own:8080', Date.now() + inMinutes * minutes);
const shipped = async () =>
  (await createPredictionParts(bench.db).select(flights, instant('2000-01-01'))).map(({ serverId, segment, rows }) => [
    serverId,
    segment,
    rows,
  ]);

describe('adoptLeftLogs()', () => {
  it("ships what a dead server left in that server's name, counts what it had not told, and is done after that", async () => {
    leave('gone:8080');
    await adopt(6);
    const all = [
      ['gone:8080', 1, 2],
      ['gone:8080', 2, 1],
    ];
    expect(await shipped()).toEqual(all);
    const gap = { serverId: 'gone:8080', epoch: 'epoch-1', logged: 3, counted: 0 };
    expect(await createTallies(bench.db).gaps(flights)).toMatchObject([gap]);
    expect(existsSync(serverFolder(deps.folder, 'gone:8080'))).toBe(false);
    await adopt(6);
    expect([await shipped(), readdirSync(deps.folder)]).toEqual([all, []]);
    expect(await createTallies(bench.db).gaps(flights)).toHaveLength(1);
  });

  it('leaves its own log, and that of a server that reports or writes', async () => {
    for (const serverId of ['own:8080', 'alive:8080', 'silent:8080']) leave(serverId);
    await report('alive:8080');
    await adopt(4);
    expect(await shipped()).toEqual([]);
    await adopt(6);
    expect((await shipped()).map(([serverId]) => serverId)).toEqual(['silent:8080', 'silent:8080']);
    await bench.pool.query(`update perennial.server_reports set reported_at = now() - interval '6 minutes'`);
    await adopt(6);
    expect((await shipped()).map(([serverId]) => String(serverId)).toSorted((one, other) => (one < other ? -1 : 1))).toEqual([
      'alive:8080',
      'alive:8080',
      'silent:8080',
      'silent:8080',
    ]);
    expect(existsSync(serverFolder(deps.folder, 'own:8080'))).toBe(true);
  });

  it('is the same where two servers do it at once, and where one was killed meanwhile', async () => {
    leave('gone:8080');
    const failing = { ...deps, sink: { ...deps.sink, countedRows: () => Promise.reject(new Error('killed')) } };
    await adoptLeftLogs(failing, 'own:8080', Date.now() + 6 * minutes);
    expect(await shipped()).toHaveLength(2);
    await Promise.all([adopt(12), adoptLeftLogs(deps, 'other:8080', Date.now() + 12 * minutes)]);
    await adopt(18);
    expect(await shipped()).toHaveLength(2);
    expect(await createTallies(bench.db).gaps(flights)).toMatchObject([{ logged: 3, counted: 0 }]);
    expect(existsSync(serverFolder(deps.folder, 'gone:8080'))).toBe(false);
  });

  it('is the same where two servers begin with it at once', async () => {
    leave('gone:8080');
    const inMinutes = (many: number, own: string) => adoptLeftLogs(deps, own, Date.now() + many * minutes);
    await Promise.all([inMinutes(6, 'own:8080'), inMinutes(6, 'other:8080')]);
    // What one of them found gone it looks for again a minute later.
    await inMinutes(12, 'own:8080');
    expect(await shipped()).toEqual([
      ['gone:8080', 1, 2],
      ['gone:8080', 2, 1],
    ]);
    expect(await createTallies(bench.db).gaps(flights)).toMatchObject([{ logged: 3, counted: 0 }]);
    expect(existsSync(serverFolder(deps.folder, 'gone:8080'))).toBe(false);
  });

  it('takes nobody for another: a name that is not of its folder is passed over', async () => {
    leave('gone:8080');
    writeFileSync(nameFile(deps.folder, 'gone:8080'), 'somebody:9');
    mkdirSync(join(deps.folder, 'stranger'));
    await adopt(6);
    expect(await shipped()).toEqual([]);
  });
});

describe('startAdopting()', () => {
  it("takes up at once, and leaves this server's name for others", async () => {
    leave('gone:8080');
    const old = new Date(Date.now() - 6 * minutes);
    const epoch = join(serverFolder(deps.folder, 'gone:8080'), 'epoch-1');
    for (const name of ['', ...readdirSync(epoch)]) utimesSync(join(epoch, name), old, old);
    const adopting = startAdopting(deps, 'own:8080');
    try {
      await expect.poll(shipped, { timeout: 20_000 }).toHaveLength(2);
      expect(existsSync(nameFile(deps.folder, 'own:8080'))).toBe(true);
      await expect.poll(() => existsSync(epoch), { timeout: 20_000 }).toBe(false);
    } finally {
      adopting.close();
    }
  });
});
