import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { createPrepareRetrain } from '../../../activities/watch/prepare-retrain.ts';
import { loadConfig } from '../../../infra/config.ts';
import { digestOfJson } from '../../../infra/objects/digest.ts';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { createPipelines } from '../../../infra/postgres/pipelines.ts';
import { openDatabase } from '../../../infra/postgres/pool.ts';
import { openCpuDeps } from '../../../workers/deps.ts';
import { flights } from '../../support/loop/world.ts';
import { describeWithServers, testDatabase, testFolder, testStore } from '../../support/servers.ts';

const file = { name: flights, data: { source: 'flights.csv', label: 'late' } };
const nobody = { isOpen: async () => false, askForSchedule: () => Promise.reject(new Error('nobody asks')) };

describeWithServers('prepareRetrain', () => {
  let place: Awaited<ReturnType<typeof openPlace>>;

  const openPlace = async () => {
    const [database, store, { folder, close }] = [await testDatabase(), testStore(), testFolder()];
    const config = loadConfig({ PERENNIAL_STATE_DIR: folder, PERENNIAL_MEMORY_MIB: '256' });
    const opened = openCpuDeps(config, { databaseUrl: database.url, store: store.config }, async () => 1, nobody);
    const { db, close: closeDb } = openDatabase(database.url);
    writeFileSync(join(folder, 'flights.csv'), 'distance,late\n100,true\n');
    const apply = () => createDefinitions(db).apply(flights, folder, file, digestOfJson(file), 'c0ffee', 'ada');
    await apply();
    const end = async () => {
      await Promise.all([opened.close(), closeDb()]);
      await database.close();
      store.close();
      close();
    };
    return { deps: opened.deps, pipelines: createPipelines(db), apply, end };
  };
  beforeEach(async () => {
    place = await openPlace();
    return place.end;
  });

  const prepare = () => createPrepareRetrain(place.deps)({ pipeline: flights, by: 'watch-drift/flights', reason: 'drift' });
  const wish = { pipeline: flights, actor: 'ada', reason: 'holidays' };

  test('names one and the same run, however often it is asked', async () => {
    const first = await prepare();
    expect(first).toMatchObject({ kind: 'new', request: { pipeline: flights, trigger: { kind: 'watch' } } });
    expect(await prepare()).toEqual(first);
  });

  test('makes no run of a paused pipeline, says who paused it, and makes the same run once it is resumed', async () => {
    const before = await prepare();
    await place.pipelines.pause(wish);
    for (const _ of [1, 2])
      await expect(prepare()).rejects.toMatchObject({
        code: 'PRN_CONFLICT',
        message: expect.stringMatching(/by itself as ada paused it \(holidays\): `perennial resume flights/),
      });
    await place.pipelines.resume(wish);
    expect(await prepare()).toEqual(before);
  });

  test('makes no run of a deleted pipeline, and makes the same run once it is brought back', async () => {
    const before = await prepare();
    await place.pipelines.remove(wish, []);
    await expect(prepare()).rejects.toMatchObject({
      code: 'PRN_CONFLICT',
      message: expect.stringContaining('it was deleted: `perennial apply PATH` brings it back'),
    });
    await place.apply();
    expect(await prepare()).toEqual(before);
  });
});
