import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { subjectOfPrediction } from '../../infra/capture/subject.ts';
import { digestOfJson } from '../../infra/objects/digest.ts';
import { createDefinitions } from '../../infra/postgres/definitions.ts';
import { createLabels } from '../../infra/postgres/labels.ts';
import { createRegistry } from '../../infra/postgres/registry.ts';
import type { Context } from '../../workers/cli/context.ts';
import { handIn } from '../../workers/cli/label/hand-in.ts';
import { handedInLines } from '../../workers/cli/label/handed-in-lines.ts';
import { labelledPipeline } from '../../workers/cli/label/which-pipeline.ts';
import type { PipelineName } from '../../workflows/domain/units.ts';
import { idAt } from '../infra/capture/records.ts';
import { createWorld, type World } from '../serving/support/world.ts';
import { testFolder } from '../support/servers.ts';

const churn = 'churn' as PipelineName;
let world: World;
let place: ReturnType<typeof testFolder>;
let context: Context;
beforeEach(async () => {
  world = await createWorld();
  place = testFolder();
  await world.deploy({ pipeline: churn, bias: -1 });
  const { db, store } = world;
  const parts = { database: { db }, content: store.content, definitions: createDefinitions(db), registry: createRegistry(db) };
  context = parts as unknown as Context;
});
afterEach(async () => {
  await world.close();
  place.close();
});

const id = (n: number): string => idAt('2001-01-01T00:00:00.000Z', n);
const write = (name: string, text: string): string => {
  const file = join(place.folder, name);
  writeFileSync(file, text);
  return file;
};
const hand = (file: string, seen: number[] = []) =>
  handIn(context, { file, pipeline: churn, folder: place.folder }, ({ rows }) => seen.push(rows));
const stored = async (n: number) => (await createLabels(world.db).find(churn, [subjectOfPrediction(id(n))]))[0];

test('says of new labels what becomes of those that belong to no prediction, and of others nothing', () => {
  const done = { rows: 1, accepted: 1, corrected: 0, duplicates: 0, bad: 0, badRows: [] };
  expect(handedInLines(churn, done)).toEqual([
    'churn: 1 row: 1 new, 0 corrected, 0 there already, 0 wrong and left out',
    expect.stringContaining('one that belongs to none counts as unknown'),
  ]);
  expect(handedInLines(churn, { ...done, rows: 1_200, accepted: 0, duplicates: 1_200 })).toEqual([
    'churn: 1,200 rows: 0 new, 0 corrected, 1,200 there already, 0 wrong and left out',
  ]);
});

describe('handIn()', () => {
  it('keeps what is right, tells the rest by line, and counts nothing twice', async () => {
    const text = `prediction_id,label,at\n${id(1)},1,2001-01-02\n${id(2)},no,2001-01-02\nx,true,\n${id(3)},false,2001-01-02 10:00\n`;
    const file = write('a.csv', text);
    expect(await hand(file)).toEqual({
      rows: 4,
      accepted: 2,
      corrected: 0,
      duplicates: 0,
      bad: 2,
      badRows: [
        { line: 3, problem: '"label" must be one of false, true: is "no"' },
        { line: 4, problem: '"prediction_id" must be the UUID of an answer: is "x"' },
      ],
    });
    expect(await stored(3)).toMatchObject({ label: false, knownAt: '2001-01-02T10:00:00.000Z' });
    expect(await hand(file)).toMatchObject({ accepted: 0, duplicates: 2, bad: 2 });
  });

  it('goes through a large file in portions, and says how far it is', async () => {
    const lines = Array.from({ length: 25_000 }, (_, n) =>
      JSON.stringify({ prediction_id: id(n), label: n % 2 === 0, at: '2001-01-02T00:00:00.000Z' }),
    );
    const seen: number[] = [];
    expect(await hand(write('a.ndjson', lines.join('\n')), seen)).toMatchObject({ rows: 25_000, accepted: 25_000, bad: 0 });
    expect(seen).toEqual([10_000, 20_000, 25_000]);
  });

  it('says what was kept where it fails half-way', async () => {
    const lines = Array.from({ length: 10_001 }, (_, n) => `${id(n)},true`);
    const file = write('a.csv', `prediction_id,label\n${lines.join('\n')}\n`);
    // A pipeline that is deleted meanwhile: the last portion finds it gone.
    await sql`create function perennial.end_pipeline() returns trigger language plpgsql as
      $$ begin update perennial.pipelines set deleted_at = now(); return null; end $$`.execute(world.db);
    await sql`create constraint trigger end_it after insert on perennial.labels deferrable initially deferred
      for each row execute function perennial.end_pipeline()`.execute(world.db);
    await expect(hand(file)).rejects.toMatchObject({
      code: 'PRN_NOT_FOUND',
      message: expect.stringMatching(/10000 labels were kept before that; hand the file in again, nothing counts twice$/),
    });
    expect(await stored(1)).toMatchObject({ label: true });
    expect(await stored(10_000)).toBeUndefined();
  });
});

describe('labelledPipeline()', () => {
  it('takes the one that is named, or the only one', async () => {
    expect(await labelledPipeline(context, undefined)).toBe(churn);
    const file = { name: 'other' };
    await world.definitions.apply('other' as PipelineName, null, file, digestOfJson(file), 'test', 'test');
    expect(await labelledPipeline(context, 'other')).toBe('other');
    await expect(labelledPipeline(context, undefined)).rejects.toMatchObject({
      code: 'PRN_USAGE',
      message: expect.stringContaining('2 are applied: churn, other'),
    });
    await expect(labelledPipeline(context, 'nobody')).rejects.toMatchObject({ code: 'PRN_NOT_FOUND' });
  });
});
