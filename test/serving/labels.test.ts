import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLabelIntake } from '../../infra/capture/open-intake.ts';
import { subjectOfKey, subjectOfPrediction } from '../../infra/capture/subject.ts';
import { digestOfJson } from '../../infra/objects/digest.ts';
import { createLabels } from '../../infra/postgres/labels.ts';
import { openDatabase } from '../../infra/postgres/pool.ts';
import type { PipelineName } from '../../workflows/domain/units.ts';
import { idAt } from '../infra/capture/records.ts';
import { get, post, untilReady } from './support/http.ts';
import { createWorld, type World } from './support/world.ts';

const churn = 'churn' as PipelineName;
const keyed = 'keyed' as PipelineName;
let world: World;
let url: string;
let close: () => Promise<void>;
beforeAll(async () => {
  world = await createWorld();
  await world.deploy({ pipeline: churn, bias: -1 });
  const file = { name: keyed, data: { key: ['customer', 'month'] } };
  await world.definitions.apply(keyed, null, file, digestOfJson(file), 'test', 'test');
  const database = openDatabase(world.databaseUrl);
  close = database.close;
  ({ url } = await world.serve({ overrides: { labels: createLabelIntake(database.db) } }));
  await untilReady(url);
});
afterAll(async () => {
  await world.close();
  await close();
});

let made = 0;
const newId = (): string => idAt('2001-01-01T00:00:00.000Z', made++);
const find = async (pipeline: PipelineName, ...subjects: string[]) => createLabels(world.db).find(pipeline, subjects);

describe('POST /labels', () => {
  test('keeps one label or many, and counts what became of them', async () => {
    const [first, second] = [newId(), newId()];
    const one = await post(`${url}/labels/churn`, { prediction_id: first, label: true, at: '2001-01-02T00:00:00.000Z' });
    expect([one.status, one.body]).toEqual([200, { accepted: 1, corrected: 0, duplicates: 0 }]);
    const many = await post(`${url}/labels`, {
      labels: [
        { prediction_id: first.toUpperCase(), label: 'true' },
        { prediction_id: second, label: 0 },
        { prediction_id: second, label: 'TRUE' },
      ],
    });
    expect(many.body).toEqual({ accepted: 1, corrected: 1, duplicates: 1 });
    const stored = await find(churn, subjectOfPrediction(first), subjectOfPrediction(second));
    expect(stored).toMatchObject([{ label: true, knownAt: '2001-01-02T00:00:00.000Z' }, { label: true }]);
    expect(Math.abs(Date.parse(stored[1]?.knownAt ?? '') - Date.now())).toBeLessThan(60_000);
    expect((await get(`${url}/metrics`)).body).toMatch(/perennial_labels_total\{pipeline="churn",outcome="accepted"\} 2/);
  });

  test('takes times as they are written elsewhere, and says what a label, its time and the body should be', async () => {
    const [id, other] = [newId(), newId()];
    const labels = [
      { prediction_id: id, label: true, at: '2001-01-02T03:04:05Z' },
      { prediction_id: other, label: true, at: '2001-01-02T03:04:05+02:00' },
    ];
    expect((await post(`${url}/labels/churn`, { labels })).status).toBe(200);
    const stored = [...(await find(churn, subjectOfPrediction(id))), ...(await find(churn, subjectOfPrediction(other)))];
    expect(stored.map(({ knownAt }) => knownAt)).toEqual(['2001-01-02T03:04:05.000Z', '2001-01-02T01:04:05.000Z']);
    const messageOf = async (body: unknown): Promise<string> => (await post(`${url}/labels/churn`, body)).body.error.message;
    const time = 'must be a time with its zone, such as 2026-02-05T12:00:00Z: is "2001-01-02 03:04"';
    const wrong = { prediction_id: newId(), label: true, at: '2001-01-02 03:04' };
    expect(await messageOf(wrong)).toBe(`Cannot keep labels: "at" ${time}`);
    const missing = await messageOf({ prediction_id: newId() });
    expect(missing).toBe('Cannot keep labels: "label" must be a class, a number, true or false: is missing');
    expect(await messageOf([])).toBe('Cannot keep labels: body must be an object, or {"labels": [...]}: is a list');
  });

  test('names each label that is wrong, with its field, and keeps none', async () => {
    const id = newId();
    const { status, body } = await post(`${url}/labels/churn`, {
      labels: [
        { prediction_id: id, label: true },
        { prediction_id: 'x', label: true },
        { prediction_id: newId(), label: 'perhaps' },
        { prediction_id: newId() },
        { label: true },
        { prediction_id: newId(), label: true, at: 'yesterday' },
        { key: { customer: 1 }, label: true },
      ],
    });
    expect(status).toBe(400);
    const fields = body.error.problems.map((problem: { field: string }) => problem.field);
    expect(fields).toEqual([
      'labels[1].prediction_id',
      'labels[2].label',
      'labels[3].label',
      'labels[4]',
      'labels[5].at',
      'labels[6].key',
    ]);
    expect(body.error.message).toContain('"labels[2].label" must be one of false, true: is "perhaps"');
    expect(await find(churn, subjectOfPrediction(id))).toEqual([]);
  });

  test('takes the key of the pipeline, whole', async () => {
    const key = { customer: 12, month: '2001-01-01' };
    expect((await post(`${url}/labels/keyed`, { key, label: 3.5 })).body).toEqual({ accepted: 1, corrected: 0, duplicates: 0 });
    const same = { key: { month: '2001-01-01T00:00:00Z', customer: '12' }, label: '3.5' };
    expect((await post(`${url}/labels/keyed`, same)).body).toEqual({ accepted: 0, corrected: 0, duplicates: 1 });
    expect((await find(keyed, subjectOfKey(key)))[0]?.label).toBe(3.5);
    const part = await post(`${url}/labels/keyed`, { key: { customer: 12 }, label: 1 });
    expect([part.status, part.body.error.message]).toEqual([
      400,
      'Cannot keep labels: "key" must have the columns of data.key, customer, month: has customer',
    ]);
  });

  test.each([
    ['a pipeline that was never applied', 'nobody', { prediction_id: idAt('2001-01-01T00:00:00.000Z', 7), label: 1 }, 404],
    ['a name that no pipeline can have', 'No%20Body', { prediction_id: idAt('2001-01-01T00:00:00.000Z', 7), label: 1 }, 404],
    ['no labels', 'churn', { labels: [] }, 400],
    ['too many labels', 'churn', { labels: Array.from({ length: 10_001 }, () => ({})) }, 400],
    ['something beside the labels', 'churn', { labels: [{}], pipeline: 'x' }, 400],
    ['labels that are no list', 'churn', { labels: {} }, 400],
    ['a list', 'churn', [], 400],
    ['no object', 'churn', '"x"', 400],
  ])('refuses %s', async (_, pipeline, body, status) => {
    expect((await post(`${url}/labels/${pipeline}`, body)).status).toBe(status);
  });

  test('takes ten thousand in one request, and the same again without counting twice', async () => {
    const labels = Array.from({ length: 10_000 }, () => ({
      prediction_id: newId(),
      label: made % 2 === 0,
      at: '2001-01-02T00:00:00.000Z',
    }));
    expect((await post(`${url}/labels/churn`, { labels })).body).toEqual({ accepted: 10_000, corrected: 0, duplicates: 0 });
    expect((await post(`${url}/labels/churn`, { labels })).body).toEqual({ accepted: 0, corrected: 0, duplicates: 10_000 });
  });

  test('is not there on a server that takes no labels', async () => {
    const { url: other } = await world.serve();
    expect((await post(`${other}/labels/churn`, { prediction_id: newId(), label: true })).status).toBe(404);
  });
});
