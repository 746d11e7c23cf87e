import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PipelineName } from '../../workflows/domain/units.ts';
import { get, post, until, untilReady } from './support/http.ts';
import { churnProbability, flightFeatures } from './support/models.ts';
import { createWorld, type World } from './support/world.ts';

let world: World;
let url: string;
let churnSha256: string;
beforeAll(async () => {
  world = await createWorld();
  ({ modelSha256: churnSha256 } = await world.deploy({ pipeline: 'churn', bias: -1 }));
  ({ url } = await world.serve());
  await untilReady(url);
});
afterAll(() => world.close());

const row = { tenure: 5, contract: 'monthly', charges: 70.5 };
const metricsText = async () => (await get(`${url}/metrics`)).body as string;

describe('POST /predict/:pipeline', () => {
  test('answers prediction, probability, id and version, and names the model digest', async () => {
    const { status, headers, body } = await post(`${url}/predict/churn`, row);
    expect(status).toBe(200);
    expect(body).toEqual({
      prediction: false,
      probability: expect.closeTo(churnProbability(-1, row), 6),
      prediction_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      model_version: 1,
    });
    expect(headers.get('perennial-model-digest')).toBe(churnSha256);
    expect(headers.get('perennial-prediction-id')).toBe(body.prediction_id);
  });

  test('fills a field that may be missing as in training', async () => {
    const absent = await post(`${url}/predict/churn`, { tenure: 5, contract: 'yearly' });
    const given = await post(`${url}/predict/churn`, { tenure: 5, contract: 'yearly', charges: null });
    expect(absent.body.probability).toBeCloseTo(churnProbability(-1, { tenure: 5 }), 6);
    expect(given.body.probability).toBe(absent.body.probability);
  });

  test('answers many rows in their order', async () => {
    const rows = Array.from({ length: 50 }, (_, index) => ({ ...row, tenure: index }));
    const { status, body } = await post(`${url}/predict/churn`, { rows });
    expect(status).toBe(200);
    expect(body.predictions).toHaveLength(50);
    rows.forEach((each, index) => expect(body.predictions[index].probability).toBeCloseTo(churnProbability(-1, each), 6));
    expect(new Set(body.predictions.map((each: { prediction_id: string }) => each.prediction_id)).size).toBe(50);
  });

  test.each([
    ['a missing field', { contract: 'monthly' }, 'tenure'],
    ['a wrong type', { ...row, tenure: '5' }, 'tenure'],
    ['a value below the least', { ...row, tenure: -1 }, 'tenure'],
    ['an unknown category', { ...row, contract: 'weekly' }, 'contract'],
    ['a field that is not there', { ...row, tenur: 5 }, 'tenur'],
    ['a nested value', { ...row, charges: { euros: 5 } }, 'charges'],
    ['rows that are no array', { rows: 'all' }, 'rows'],
    ['no rows', { rows: [] }, 'rows'],
    ['too many rows', { rows: Array.from({ length: 1025 }, () => row) }, 'rows'],
    ['a wrong row among many', { rows: [row, { ...row, tenure: 1.5 }] }, 'rows[1].tenure'],
    ['a list', [row], ''],
  ])('refuses %s, naming the field', async (_, body, field) => {
    const answered = await post(`${url}/predict/churn`, body);
    expect(answered.status).toBe(422);
    expect(answered.body.error).toMatchObject({
      code: 'PRN_SERVING_REQUEST',
      message: expect.any(String),
      problems: expect.arrayContaining([{ field, message: expect.any(String) }]),
    });
  });

  test.each([
    ['infinity', '{"tenure": 1e999, "contract": "monthly"}', 422],
    ['NaN', '{"tenure": NaN, "contract": "monthly"}', 400],
    ['a poisoned prototype', '{"tenure": 5, "contract": "monthly", "__proto__": {"charges": 1}}', 400],
    ['a poisoned constructor', '{"tenure": 5, "contract": "monthly", "constructor": {"prototype": {"x": 1}}}', 400],
    ['half a body', '{"tenure": 5', 400],
    ['nothing', '', 400],
    ['deep nesting', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, 400],
  ])('refuses %s without harm', async (_, body, status) => {
    const answered = await post(`${url}/predict/churn`, body);
    expect(answered.status).toBe(status);
    expect(answered.body.error.code).toMatch(/^PRN_/);
    expect((await post(`${url}/predict/churn`, row)).status).toBe(200);
  });

  test('refuses a body above 1 MiB and another content type', async () => {
    expect((await post(`${url}/predict/churn`, { ...row, note: 'x'.repeat(1_100_000) })).status).toBe(413);
    expect((await post(`${url}/predict/churn`, 'tenure=5', { 'content-type': 'text/plain' })).status).toBe(415);
  });

  test('says which pipelines are served when it does not know one', async () => {
    const { status, body } = await post(`${url}/predict/chrun`, row);
    expect(status).toBe(404);
    expect(body.error).toMatchObject({ code: 'PRN_SERVING_NO_MODEL', message: expect.stringContaining('"churn"') });
  });
});

describe('around it', () => {
  test('refuses a foreign host name and a page of another origin', async () => {
    const { request } = await import('node:http');
    const statusUnder = (headers: Record<string, string>): Promise<number> =>
      new Promise((resolve, reject) => {
        const call = request(`${url}/predict/churn`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
        });
        call.on('response', (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        call.on('error', reject);
        call.end(JSON.stringify(row));
      });
    expect(await statusUnder({ host: 'evil.example' })).toBe(403);
    expect(await statusUnder({ host: 'localhost' })).toBe(200);
    expect(await statusUnder({ origin: 'https://evil.example' })).toBe(403);
  });

  test('answers health, metadata and an index', async () => {
    expect((await get(`${url}/v2/health/live`)).body).toEqual({ live: true, ready: true });
    expect((await get(`${url}/v2/health/ready`)).body).toEqual({ live: true, ready: true });
    expect((await get(`${url}/v2`)).body).toMatchObject({ name: 'perennial', extensions: [] });
    expect((await get(`${url}/v2/models/churn`)).body).toMatchObject({
      name: 'churn',
      versions: ['1'],
      platform: 'onnx_onnxv1',
      inputs: [{ name: 'features', datatype: 'FP32', shape: [-1, 4] }],
      outputs: [{ name: 'answer', datatype: 'FP32', shape: [-1, 1] }],
      parameters: { model_sha256: churnSha256 },
    });
    expect((await get(`${url}/v2/models/churn/ready`)).body).toEqual({ name: 'churn', ready: true });
    expect((await get(`${url}/v2/models/none`)).status).toBe(404);
    expect((await get(`${url}/`)).body.pipelines[0]).toMatchObject({ pipeline: 'churn', version: 1, predict: '/predict/churn' });
    expect((await get(`${url}/nowhere`)).body.error.code).toBe('PRN_NOT_FOUND');
  });

  test("describes each pipeline by its model's own fields", async () => {
    const { body } = await get(`${url}/openapi.json`);
    expect(body.openapi).toBe('3.1.0');
    expect(Object.keys(body.paths)).toContain('/predict/churn');
    expect(body.paths['/labels/churn'].post.responses['200'].content['application/json'].schema).toEqual({
      $ref: '#/components/schemas/LabelReceipt',
    });
    expect(Object.keys(body.components.schemas.Label.properties)).toEqual(['prediction_id', 'key', 'label', 'at']);
    expect(body.components.schemas['churn.row']).toEqual({
      type: 'object',
      properties: {
        tenure: { type: 'integer', minimum: 0, maximum: 100, description: 'In months.' },
        contract: { type: 'string', enum: ['monthly', 'yearly'] },
        charges: { type: ['number', 'null'], description: 'Null or absent: filled as in training.' },
      },
      required: ['tenure', 'contract'],
      additionalProperties: false,
    });
  });

  test('counts what it answers', async () => {
    await post(`${url}/predict/churn`, row);
    const text = await metricsText();
    expect(text).toMatch(
      /perennial_serving_requests_total\{route="\/predict\/:pipeline",pipeline="churn",version="1",status="200"\} \d+/,
    );
    expect(text).toContain(`perennial_model_info{pipeline="churn",version="1",model_sha256="${churnSha256}"} 1`);
    expect(text).toMatch(/perennial_event_loop_lag_seconds\{quantile="0.99"\}/);
    expect(text).toContain('perennial_serving_ready 1');
  });
});

describe('several pipelines', () => {
  test('serve classes, numbers and published values; POST /predict asks for a name', async () => {
    expect((await post(`${url}/predict`, row)).body.model_version).toBe(1);
    const publish = (publication: string, rate: number) =>
      world.onlineFeatures.publish(
        'flights' as PipelineName,
        publication,
        (async function* () {
          yield { view: 'origin_past', entity: 'SEA', values: { late_rate: rate }, knownAt: '2001-01-31T00:00:00.000Z' as never };
        })(),
      );
    await world.applyPipeline('flights' as PipelineName);
    await publish('first', 0.5);
    await world.deploy({ pipeline: 'flights', bias: 0, task: 'regression', featureSet: flightFeatures });
    await world.deploy({ pipeline: 'plants', bias: 0, task: 'multiclass' });
    await until('all three are served', async () => (await get(`${url}/`)).body.pipelines.length === 3);

    const refused = await post(`${url}/predict`, row);
    expect(refused.status).toBe(404);
    expect(refused.body.error.message).toContain('/predict/flights');

    const plants = await post(`${url}/predict/plants`, row);
    expect(plants.body).toMatchObject({ prediction: 'c', probabilities: { a: expect.any(Number), b: expect.any(Number) } });
    expect(plants.body.probability).toBe(plants.body.probabilities.c);

    const rateAt = async (date: string, origin: string) =>
      ((await post(`${url}/predict/flights`, { date, origin })).body.prediction as number) / 0.01;
    expect(await rateAt('2001-02-01T10:00:00Z', 'SEA')).toBeCloseTo(0.5, 5);
    expect(await rateAt('2001-02-01T10:00:00Z', 'LAX')).toBeCloseTo(0.25, 5);
    expect(await rateAt('2001-03-01T10:00:00Z', 'SEA')).toBeCloseTo(0.25, 5);
    const text = await metricsText();
    expect(text).toContain('perennial_online_imputed_total{pipeline="flights",view="origin_past",reason="missing"} 1');
    expect(text).toContain('perennial_online_imputed_total{pipeline="flights",view="origin_past",reason="stale"} 1');
    expect(text).toContain('perennial_online_entities{pipeline="flights",view="origin_past"} 1');

    await publish('second', 0.75);
    await until(
      'the new publication is in memory',
      async () => Math.abs((await rateAt('2001-02-01T10:00:00Z', 'SEA')) - 0.75) < 1e-4,
    );
  });
});
