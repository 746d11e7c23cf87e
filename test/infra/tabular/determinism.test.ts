import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Batch } from '#domain/contracts/dataset.ts';
import type { PipelineFile } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { createIngest } from '../../../activities/ingest.ts';
import { withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { type DataWorld, openDataWorld } from '../../activities/support/data-world.ts';

/** More rows than a row group of Parquet, so that cutting them into groups is part of what is shown. */
const bigDay = 300_000;
let world: DataWorld;

const make = (name: string, select: string): Promise<string> =>
  withDuckDb({ folder: world.folder, memoryMiB: 512, threads: 2, allowedFolders: [] }, async (db) => {
    const file = join(world.folder, 'sources', name);
    await db.run(`COPY (${select}) TO '${file}' (FORMAT parquet)`);
    return file;
  });
const day = (
  date: string,
  seed: number,
  rows: number,
): string => `SELECT TIMESTAMP '${date}' + to_seconds((hash(i + ${seed}) % 86400)::BIGINT) AS t,
  (hash(i * 3 + ${seed}) % 1000)::INTEGER AS x, 'p' || (hash(i * 7 + ${seed}) % 300) AS p FROM range(${rows}) r(i)`;
const pipeline = (path: string): PipelineFile => ({
  name: 'big',
  data: {
    source: path,
    event_time: 't',
    label: { name: 'y', sql: 'x > 500' },
    columns: { t: { type: 'timestamp' }, x: { type: 'integer' }, p: { type: 'category' } },
  },
});
const partOf = async (
  path: string,
  partition: string,
  limits: { memoryMiB: number; threads: number },
): Promise<string | undefined> => {
  const input = await world.prepare(pipeline(path));
  await world.db.deleteFrom('step_results').execute();
  const { batchSha256 } = await createIngest({ ...world.deps, limits })(input);
  return (await world.json<Batch>(batchSha256)).parts.find((part) => part.partition === partition)?.sha256;
};

beforeAll(async () => {
  world = await openDataWorld();
  world.write('here', '');
});
afterAll(() => world.close());

describe('bytes of a part', () => {
  it('do not follow threads, memory, order of the source or what other days there are', async () => {
    const alone = await make('alone.parquet', day('2001-05-02', 1, bigDay));
    const shuffled = await make('shuffled.parquet', `SELECT * FROM (${day('2001-05-02', 1, bigDay)}) ORDER BY hash(x, t, p)`);
    const among = await make(
      'among.parquet',
      `SELECT * FROM (${day('2001-05-01', 2, 50_000)} UNION ALL ${day('2001-05-02', 1, bigDay)} UNION ALL ${day('2001-05-03', 3, 40_000)}) ORDER BY hash(t, x)`,
    );
    const expected = await partOf(alone, '2001-05-02', { memoryMiB: 512, threads: 2 });
    expect(expected).toMatch(/^[0-9a-f]{64}$/);
    expect(await partOf(alone, '2001-05-02', { memoryMiB: 512, threads: 1 })).toBe(expected);
    expect(await partOf(shuffled, '2001-05-02', { memoryMiB: 128, threads: 4 })).toBe(expected);
    expect(await partOf(among, '2001-05-02', { memoryMiB: 512, threads: 2 })).toBe(expected);
    expect(await partOf(among, '2001-05-02', { memoryMiB: 256, threads: 3 })).toBe(expected);
    const small = await make('small.parquet', day('2001-05-03', 3, 40_000));
    const smallPart = await partOf(small, '2001-05-03', { memoryMiB: 512, threads: 1 });
    expect(await partOf(among, '2001-05-03', { memoryMiB: 512, threads: 2 })).toBe(smallPart);
  });
});
